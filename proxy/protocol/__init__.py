"""The Anthropic Messages API as plain data: no I/O, no Flask, no vendor SDK, no provider."""
