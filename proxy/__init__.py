"""A local server that speaks the Anthropic Messages API and lets other models answer."""

__version__ = "0.1.0"
