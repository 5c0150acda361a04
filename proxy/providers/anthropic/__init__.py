"""Anthropic itself: passed through, not translated."""
