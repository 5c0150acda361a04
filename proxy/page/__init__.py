"""The status page: a `Snapshot` in, HTML out. Pure; `web/status.py` takes the snapshots and sends the pages."""
