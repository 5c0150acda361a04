"""Finding out what works: requests of a client's through the whole app, and what servers tell of their models."""
