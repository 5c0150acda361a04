"""Waiting for the judge while the client is kept awake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.answering.pump import Pump
from proxy.answering.safeguards.judge import Judge, reason_of
from proxy.answering.side_call import SideCalls
from proxy.protocol.errors import ApiError
from proxy.protocol.safeguards import Results
from proxy.providers.call import Call

__all__ = ["Judging", "Results"]


@dataclass(frozen=True, slots=True)
class Judging:
    """The judge of one answer, and the means to ask. `pump_for` makes a pump that bears the judge's silence."""

    judge: Judge
    side_calls: SideCalls
    pump_for: Callable[[Call, Callable[[], list[list[Results]]]], Pump[Results]]

    def wait(self) -> Iterator[Results | None]:
        """None for each time that a ping is due, at last the results. Raises ClientGone."""
        side_calls, judge = self.side_calls, self.judge
        if not judge.pending:
            yield judge.unjudged()
            return
        call = Call()
        found = judge.failed("error")
        pump = self.pump_for(call, lambda: [[judge.ask(side_calls, call)]])
        try:
            pump.start()
            for batch in pump:  # to its end, or its connection would be given up
                if batch:
                    found = batch[0]
                else:
                    yield None
        except ApiError as error:
            found = judge.failed(reason_of(error))
        finally:
            pump.close()
        yield found
