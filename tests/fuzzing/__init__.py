"""Thousands of damaged requests and answers on every wire, in process; `pytest --fuzz N` takes N times as many."""
