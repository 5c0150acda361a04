"""Every way in which an upstream fails, as one table: what is played, and what the client has to see of it.

`python -m tests.faults` prints the table in plain words; it is docs/reliability.md.
"""
