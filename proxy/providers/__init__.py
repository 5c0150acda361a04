"""One room per vendor SDK. A provider never imports another provider, nor the web."""
