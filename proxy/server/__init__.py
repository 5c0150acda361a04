"""The process that serves the app: sockets, signals, the banner."""
