"""Answers a recorded request anew, with the recorded bytes in place of upstreams, and says what is otherwise."""
