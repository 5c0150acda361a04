"""`claude-proxy claude`: Claude Code, set up for the models that answer it, and a server for as long as it runs."""
