"""The judge of Claude Code's auto mode: a second, small model says of each dangerous call whether it may run.

Claude Code asks with `safeguards` and holds back checked calls until `safeguard_results` has come with the end of the
answer. Everything here errs on one side: what was not judged is `unavailable`, never `not_flagged`.
"""
