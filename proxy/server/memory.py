"""Gives memory back to the system after large requests, and where a load is over.

Three things keep it. What an SDK makes of a request are objects that refer to each other, which stay until Python looks
for such; by itself it does so after many thousands of new objects, whatever their size. glibc keeps large blocks that
are free, in a heap for each thread, where the next large request seldom finds one that fits. And it keeps what many
small blocks have left between those that are still needed.
"""

from __future__ import annotations

import ctypes
import gc
import math
import sys
import threading
from collections.abc import Callable

_LARGE = 1024 * 1024
"""Bytes of a body."""
_EVERY = 10.0
"""Seconds. Looking through all objects stops the process for some hundredths of a second."""
_QUIET = 15.0
"""Seconds without a request. Threads that nobody needs have ended by then."""
_MAPPED = 256 * 1024
"""Bytes. What is larger is mapped for itself and given back as soon as it is free; glibc by itself raises this limit to
the size of what was freed, up to 32 MB."""
_M_MMAP_THRESHOLD = -3


def map_large_blocks() -> None:
    """For the whole process, where it has glibc."""
    _glibc("mallopt", _M_MMAP_THRESHOLD, _MAPPED)


def give_back() -> None:
    """Whole pages that are free, in any heap of glibc's; in some milliseconds."""
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    found = getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
    if found is not None:
        found(*arguments)


def keep_what_is_there() -> None:
    """What is there now stays to the end, so that nobody has to look through it again."""
    gc.collect()
    gc.freeze()


class Tidying:
    """Has Python look for what large requests have left, and glibc give back what a load has."""

    def __init__(self) -> None:
        self._due = self._served = False
        self._next, self._quiet = 0.0, math.inf

    def served(self, size: int) -> None:
        """A request with a body of so many bytes is done. In any thread."""
        self._served = True
        if size >= _LARGE:
            self._due = True

    def tick(self, now: float) -> None:
        """Not in the thread of a request."""
        if self._served:
            self._served, self._quiet = False, now + _QUIET
        if self._due and now >= self._next:
            self._due, self._next = False, now + _EVERY
            _in_a_thread(gc.collect)
        elif now >= self._quiet:
            self._quiet = math.inf
            _in_a_thread(give_back)


def _in_a_thread(work: Callable[[], object]) -> None:
    threading.Thread(target=work, name="tidying", daemon=True).start()
