"""Gives memory back to the system after large requests.

Two things keep it. What an SDK makes of a request are objects that refer to each other, which stay until Python looks
for such; by itself it does so after many thousands of new objects, whatever their size. And glibc keeps large blocks
that are free, in a heap for each thread, where the next large request seldom finds one that fits.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading

_LARGE = 1024 * 1024
"""Bytes of a body."""
_EVERY = 10.0
"""Seconds. Looking through all objects stops the process for some hundredths of a second."""
_MAPPED = 256 * 1024
"""Bytes. What is larger is mapped for itself and given back as soon as it is free; glibc by itself raises this limit to
the size of what was freed, up to 32 MB."""
_M_MMAP_THRESHOLD = -3


def map_large_blocks() -> None:
    """For the whole process, where it has glibc."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _MAPPED)


def keep_what_is_there() -> None:
    """What is there now stays to the end, so that nobody has to look through it again."""
    gc.collect()
    gc.freeze()


class Tidying:
    """Lets Python look for what large requests have left."""

    def __init__(self) -> None:
        self._due = False
        self._next = 0.0

    def served(self, size: int) -> None:
        """A request with a body of so many bytes is done. In any thread."""
        if size >= _LARGE:
            self._due = True

    def tick(self, now: float) -> None:
        """Not in the thread of a request."""
        if self._due and now >= self._next:
            self._due, self._next = False, now + _EVERY
            threading.Thread(target=gc.collect, name="tidying", daemon=True).start()
