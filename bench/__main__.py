"""What the proxy costs, beside yardsticks in the same run: `python -m bench --help`, from the repository, on Linux.

All servers run at once and talk to the same upstream. README.md says what is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial

from bench import measures
from bench.load import Lost
from bench.measures import Measure
from bench.peers import litellm
from bench.report import committed, report, write
from bench.results import BASE, Found, Ratios, ratios, spreads, worse
from bench.servers import PROXIES, YARDSTICKS, Server, server, upstream


def main() -> int:
    chosen = arguments()
    before = committed() if chosen.check else {}
    columns = chosen.columns or [*([BASE] if chosen.check else YARDSTICKS), *PROXIES]
    try:
        with running(columns, with_peers=chosen.peers) as servers:
            if chosen.check:
                return check(servers, before, chosen.rounds)
            found = everything(servers, chosen.rounds)
    except Lost as lost:
        sys.exit(str(lost))
    text = report(found)
    print(text)
    if chosen.write:
        write(text, ratios(found))
    return 0


def arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--rounds", type=int, default=1, help="how often all is measured; medians are shown")
    options.add_argument("--peers", action="store_true", help="also LiteLLM, installed from PyPI by the first such run")
    result = options.add_mutually_exclusive_group()
    result.add_argument("--write", action="store_true", help="write bench/RESULTS.md and bench/ratios.json")
    result.add_argument("--check", action="store_true", help="exit code 1 where a ratio is much worse than it was")
    names = (*YARDSTICKS, *PROXIES)
    listed = ", ".join(names)
    options.add_argument(
        "columns", nargs="*", help=f"{listed}; chat=DIR: the proxy of the checkout in DIR; default all"
    )
    chosen = options.parse_args()
    for column in chosen.columns:
        name, equals, _ = column.partition("=")
        if name not in (PROXIES if equals else names) or chosen.columns.count(column) > 1:
            options.error(f"{column}: not one of {listed}, or twice")
    if chosen.rounds < 1:
        options.error("--rounds: at least one")
    if BASE not in (chosen.columns or names) and (chosen.check or chosen.write):
        options.error(f"without {BASE} there are no ratios")
    return chosen


@contextlib.contextmanager
def running(columns: list[str], *, with_peers: bool) -> Iterator[list[Server]]:
    """All of them, begun and warmed up."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        port = stack.enter_context(upstream(directory))
        starts = [partial(server, column) for column in columns] + [litellm] * with_peers
        servers: list[Server] = []
        for start in starts:
            servers.append(start(port, directory))
            stack.callback(servers[-1].stop)
            measures.warm_up(servers[-1])
        yield servers


def everything(servers: list[Server], rounds: int) -> Found:
    plan = [list(measures.ALL) for _ in range(rounds)]
    plan[0].insert(0, measures.start)
    plan[-1].append(measures.end)
    return measured(servers, plan)


def check(servers: list[Server], before: Ratios, rounds: int) -> int:
    """The exit code. What is worse is measured once more before it counts."""
    found = measured(servers, [measures.STEADY] * rounds)
    print(spreads(found, steady=True))
    now = ratios(found, steady=True)
    if unknown := now.keys() - before.keys():
        print("\nNothing to compare with, so `--write` first:", *sorted(unknown), sep="\n  ")
        return 1
    failing = worse(now, before)
    if failing:
        _say("Worse, so once more", failing)
        again = worse(ratios(measured(servers, [measures.STEADY] * rounds), steady=True), before)
        failing = {what: told for what, told in again.items() if what in failing}
        _say("Still worse" if failing else "It was noise", failing)
    return 1 if failing else 0


def _say(what: str, failing: dict[str, str]) -> None:
    print(f"\n{what}:", *(f"  {row}: {told}" for row, told in failing.items()), sep="\n", flush=True)


def measured(servers: list[Server], plan: Sequence[Sequence[Measure]]) -> Found:
    """By round, what is measured in it."""
    found: Found = {server.name: [{} for _ in plan] for server in servers}
    for number, each in enumerate(plan):
        for measure in each:
            for column, row, value in measure(servers):
                found[column][number][row] = value
    return found


if __name__ == "__main__":
    sys.exit(main())
