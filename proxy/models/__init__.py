"""Which model answers a name, and what is known of it."""
