"""Results that are worth keeping: the same two dozen tools come with each turn of a conversation."""

from __future__ import annotations

import marshal
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_FORMAT = 2
"""Of marshal: the last one in which equal values have equal bytes, however often they are referred to."""


class Memo(Generic[Value]):
    """The latest results by the content of what they were made of; safe to share between threads.

    Nobody may change a result: it is given out again.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, content: Any, make: Callable[[], Value]) -> Value:
        """`content`: plain JSON values and tuples; what marshal cannot write is made anew each time."""
        try:
            key = marshal.dumps(content, _FORMAT)
        except ValueError:
            return make()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        value = make()
        with self._lock:
            self._known[key] = value
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return value
