"""The proxy with its memory traced: `python -m bench.traced FILE` writes what has grown since the last SIGUSR1."""

from __future__ import annotations

import gc
import signal
import sys
import tracemalloc

_FRAMES = 12
_SHOWN = 25


def main() -> int:
    file = sys.argv.pop(1)
    last: list[tracemalloc.Snapshot] = []

    def compare(*_: object) -> None:
        gc.collect()
        now = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])
        with open(file, "a", encoding="utf-8") as out:
            print(f"--- {tracemalloc.get_traced_memory()[0] / 1e6:.1f} MB in use", file=out)
            for grown in now.compare_to(last[0], "traceback")[:_SHOWN] if last else ():
                print(grown, *grown.traceback.format(), sep="\n", file=out)
        last[:] = [now]

    signal.signal(signal.SIGUSR1, compare)
    tracemalloc.start(_FRAMES)
    from proxy.cli import main as serve

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
