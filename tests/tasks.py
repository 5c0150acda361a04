"""What is left of upstream calls: tasks that have not come to their end, and threads that help them."""

from __future__ import annotations

import gc
import threading

from proxy.providers.waiting import Task

PATIENCE = 20.0


def assert_none_is_left() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("upstream-"):
            thread.join(PATIENCE)
            assert not thread.is_alive(), thread.name
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, Task) and each] == []
