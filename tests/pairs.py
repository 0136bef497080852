"""Which combinations of a test's parameters are run: each pair of values at least once (all-pairs testing).

A fault that shows only with one case, one host and one recorder together is rare, one that shows with two of them is
not: see Kuhn, Wallace, Gallo, "Software fault interactions", IEEE TSE 30 (6), 2004. Which host and which recorder go
together is asked once a file, not once a test; of a test marked `any_host` the host is a part of no pair: the tests of
a file take the hosts in turn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

# Fixtures with values for all tests: which host runs what is tested, and what records it.
HOST, RECORDER = "host", "summarize"

Value = tuple[str, str]
Pair = tuple[object, ...]


def values_of(item: pytest.Item) -> list[Value]:
    """The item's parameters by name, with their values as text, as some have no hash; a row of several is one value."""
    call = getattr(item, "callspec", None)
    texts = {name: repr(value) for name, value in call.params.items()} if call else {}
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
        if len(names) > 1:
            texts[",".join(names)] = ",".join(texts.pop(name.strip()) for name in names)
    return sorted(texts.items())


def pairs_of(test: str, values: list[Value], *, any_host: bool) -> set[Pair]:
    """What one item shows: the test, its values, and pairs of them; of host and recorder, for the whole file."""
    shown: set[Pair] = {(test,)}
    for one in values:
        shown.add((one,) if any_host and one[0] == HOST else (test, one))
    for one, other in combinations(values, 2):
        of_file = {one[0], other[0]} == {HOST, RECORDER}
        if of_file or not (any_host and HOST in (one[0], other[0])):
            shown.add((one, other) if of_file else (test, one, other))
    return shown


def choose(items: list[pytest.Item]) -> Iterable[pytest.Item]:
    """Those of a file that show every pair, a few at a time for each test: greedy, so near the fewest."""
    shown: set[Pair] = set()
    used: Counter[Value] = Counter()
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        tests[item.nodeid.partition("[")[0]].append(item)
    for test, candidates in tests.items():
        any_host = candidates[0].get_closest_marker("any_host") is not None
        values = {item: values_of(item) for item in candidates}
        pairs = {item: pairs_of(test, values[item], any_host=any_host) for item in candidates}
        open_pairs = {pair for item in candidates for pair in pairs[item] if pair[0] == test}
        while open_pairs:
            # Of those that show as much, the one whose values were taken least.
            best = max(
                candidates,
                key=lambda item: (
                    len(pairs[item] & open_pairs),
                    len(pairs[item] - shown),
                    -sum(used[value] for value in values[item]),
                ),
            )
            candidates.remove(best)
            open_pairs -= pairs[best]
            shown |= pairs[best]
            used.update(values[best])
            yield best


def choose_pairs(items: list[pytest.Item]) -> list[pytest.Item]:
    """The items that show every pair, in the order of all."""
    files: dict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    chosen = {item for of_file in files.values() for item in choose(of_file)}
    return [item for item in items if item in chosen]
