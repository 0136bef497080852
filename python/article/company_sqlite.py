"""A company's database in SQLite, which is a library: its queries run in the thread that asks.

No SQL makes SQLite wait, so a query searches for as long as it is to take. Sqlite3 releases the GIL for each step
of a query, that is until the next row. The search yields an empty row every few ms for two reasons: the time
'now' is one and the same during a step, and between steps Python can be interrupted.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from company_error import DatabaseError

APPLICATION_ID = 0x67696C73  # says whose file it is (to file(1) as well)
LOCK_SECONDS = 30.0

# Rows of the search until it looks at the clock: 5 to 20 ms.
STRIDE = 20_000
# No machine searches as fast. It ends the search where some SQLite makes one step of it, in which time stands still.
MAX_ROWS_PER_SECOND = 50_000_000
MAX_ROWS = 2**63 - 1  # that SQLite can count

# The clock's function needs an argument that depends on the row, or SQLite calls it once for the whole query.
QUERY = f"""
WITH RECURSIVE search(step, until) AS (
    SELECT 0, julianday('now') + :seconds / 86400.0
    UNION ALL
    SELECT step + 1, until FROM search
    WHERE step % {STRIDE} OR julianday('now', (step * 0) || ' days') < until
    LIMIT :most
)
SELECT NULL, NULL, NULL FROM search WHERE step % {STRIDE} = 0
UNION ALL
SELECT {{columns}} FROM {{source}}
"""  # noqa: S608  (from constants)


def fetch(file: str, fill: Sequence[str], columns: str, source: str, seconds: float) -> list[tuple[object, ...]]:
    """Return the three columns of all rows of the source, in any order, after so many seconds."""
    parameters = {"seconds": seconds, "most": min(int(seconds * MAX_ROWS_PER_SECOND) + STRIDE, MAX_ROWS)}
    with _open(file, fill) as connection:
        rows = connection.execute(QUERY.format(columns=columns, source=source), parameters)
        return [row for row in rows if row[0] is not None]


def prepare(file: str, fill: Sequence[str]) -> None:
    """Make and fill the database, unless that is done already."""
    with _open(file, fill):
        pass


@contextmanager
def _open(file: str, fill: Sequence[str]) -> Iterator[sqlite3.Connection]:
    file = file or str(_default_file())
    try:
        with closing(sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            if not _is_filled(connection, file):
                _fill(connection, file, fill)
            yield connection
    except sqlite3.Error as error:
        raise DatabaseError(f"SQLite cannot use {file}: {error}", "another --database FILE") from None


def _default_file() -> Path:
    try:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        folder = (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "gilscope"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # the latter for a user without a home
        raise DatabaseError(f"no folder for the database: {error}", "--database FILE") from None
    return folder / "company.sqlite3"


def _is_filled(connection: sqlite3.Connection, file: str) -> bool:
    # The tables first: who starts at the same time may fill in both between the two questions.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id == APPLICATION_ID:
        return True
    if application_id or tables:
        raise DatabaseError(f"{file} is some other program's database", "another --database FILE")
    return False


def _fill(connection: sqlite3.Connection, file: str, fill: Sequence[str]) -> None:
    # Who starts at the same time waits here; all or nothing is in the file if we are interrupted.
    connection.execute("BEGIN IMMEDIATE")
    if not _is_filled(connection, file):
        for statement in fill:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
