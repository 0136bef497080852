"""For all tests: what they start sees the signals that a person's shell would let through; which of them are run.

Somebody's background job, or CI, may run the tests with some of them ignored, and ignored signals are inherited.
"""

from __future__ import annotations

import importlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pairs import choose_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from tests.postgresql_server import Server

pytest.register_assert_rewrite(
    "tests.article_programs",
    "tests.foreign_formats",
    "tests.postgresql_server",
    "tests.processes",
)

signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --contract and --all-combinations."""
    parser.addoption(
        "--contract",
        action="store_true",
        help="only the tests marked contract: what gilscope promises with every Python that it knows",
    )
    parser.addoption(
        "--all-combinations",
        action="store_true",
        help="tests with several parameters, hosts and recorders in every combination, instead of each pair once",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the options say."""
    kept = items
    if config.getoption("contract"):
        kept = [item for item in kept if item.get_closest_marker("contract")]
    if not config.getoption("all_combinations"):
        kept = choose_pairs(kept)
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept


@pytest.fixture
def import_benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a module of tests/bench as it is run there; its host is none."""

    def load(name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent / "bench"))
        monkeypatch.setenv("GILSCOPE_HOST", "/nowhere/host/gilscope")
        return importlib.import_module(name)

    return load


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Not started yet, or stopped by the test before; skips where the machine has none."""
    from tests.postgresql_server import find_programs, make_server

    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: Debian's package postgresql has it")
    with make_server(programs) as server:
        yield server
