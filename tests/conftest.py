"""For all tests: what they start sees the signals that a person's shell would let through; --other-python.

Somebody's background job, or CI, may run the tests with some of them ignored, and ignored signals are inherited.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql_server import Server

pytest.register_assert_rewrite(
    "tests.article_database",
    "tests.article_programs",
    "tests.foreign_formats",
    "tests.postgresql_server",
    "tests.processes",
)

signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)


# Fixtures whose values are combined with those of all others: which host runs what is tested, and what records it.
ALTERNATED = ("host", "summarize")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --other-python."""
    parser.addoption(
        "--other-python",
        action="store_true",
        help="for who has run every test with another Python: without those marked any_python, and each of the others "
        "with one host and recorder in turn, the one that the Python version before it leaves out",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what --other-python says."""
    if config.getoption("other_python"):
        left_out = {item for item in items if item.get_closest_marker("any_python")} | find_alternates(items)
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def find_alternates(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of each test that comes with several hosts or recorders, every second combination."""
    groups: dict[object, list[tuple[int, pytest.Item]]] = {}
    for item in items:
        call = getattr(item, "callspec", None)
        combination = sum(call.indices.get(name, 0) for name in ALTERNATED) if call else 0
        others = tuple(repr(value) for name, value in call.params.items() if name not in ALTERNATED) if call else ()
        groups.setdefault((*item.location[:2], others), []).append((combination, item))
    several = [group for group in groups.values() if len(group) > 1]
    return {
        item
        for number, group in enumerate(several, start=sys.version_info.minor)
        for combination, item in group
        if (number + combination) % 2
    }


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Not started yet, or stopped by the test before; skips where the machine has none."""
    from tests.postgresql_server import find_programs, make_server

    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: Debian's package postgresql has it")
    with make_server(programs) as server:
        yield server
