"""For all tests: what they start sees the signals that a person's shell would let through.

Somebody's background job, or CI, may run the tests with some of them ignored, and ignored signals are inherited.
"""

from __future__ import annotations

import signal
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


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Not started yet, or stopped by the test before; skips where the machine has none."""
    from tests.postgresql_server import find_programs, make_server

    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: Debian's package postgresql has it")
    with make_server(programs) as server:
        yield server
