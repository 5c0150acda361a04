"""Which connections are closed: those whose clients had their time, and some where too many wait for nothing.

All of it happens between two rounds of the loop: within one, a file descriptor that is closed and taken again would be
mistaken for the old one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from proxy.server.clocks import Clocks
from proxy.server.connections import Channel, spare

log = logging.getLogger(__name__)

STRANGERS = 32
"""Connections that all who may not call have together. They cost no thread, so these are enough to tell each why."""


def close_overdue(channels: Sequence[Channel], clocks: Clocks, now: float) -> None:
    for channel in channels:
        if channel.total_outbufs_len:
            overdue = channel.last_activity < now - clocks.unread
        else:
            overdue = not channel.busy and channel.progress.overdue(channel.request, clocks, now)
        if overdue:
            channel.handle_close()


def close_resting(channels: Sequence[Channel]) -> None:
    """Those whose clients have had their answers and have begun nothing else."""
    for channel in channels:
        if not channel.busy and channel.progress.rests(channel.request):
            channel.handle_close()


def make_room(channels: Sequence[Channel], limit: int, clocks: Clocks, now: float) -> None:
    """Makes twice the spare places free for who comes next, at the cost of those who have sent no whole request."""
    waiting = [channel for channel in channels if not channel.busy]
    waiting.sort(key=lambda channel: channel.progress.rank(channel.request, clocks, now))
    closed = waiting[: max(0, len(channels) + 2 * spare(limit) - limit)]
    for channel in closed:
        channel.handle_close()
    if closed:
        log.info("%d of %d connections, which had sent no whole request, were closed", len(closed), len(channels))


def close_strangers(strangers: list[Channel]) -> None:
    """Closes the oldest of those that are too many, and takes out of the list what is closed."""
    strangers[:] = [channel for channel in strangers if channel.connected]
    for channel in strangers[:-STRANGERS]:
        channel.handle_close()
