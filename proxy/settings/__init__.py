"""What the user sets: the only room that reads the environment, `.env` and the custom models file."""
