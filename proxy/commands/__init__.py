"""What `python -m proxy` prints besides serving: each module is a command, or helps one to print."""
