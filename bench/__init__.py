"""How fast the proxy is, against what."""
