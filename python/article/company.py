"""A company's database: what is in it, and its queries, each of which takes its time in the database itself.

It is real: SQLite in a file, or PostgreSQL when --database is a URL. Either is filled on first use, by one of
those that start at once, and answers the same rows.
"""

import asyncio
import re
from typing import NamedTuple

import company_sqlite
import options
from company_error import DatabaseError
from waiting import scaled

QUERY_SECONDS = 2.0

Row = tuple[object, ...]

# What both databases understand.
FILL = [
    "CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT NOT NULL, job TEXT NOT NULL)",
    "CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL, lead TEXT NOT NULL, status TEXT NOT NULL)",
    """INSERT INTO employees VALUES
    (1, 'Amara Nwosu', 'engineer'),
    (2, 'Bruno Keller', 'designer'),
    (3, 'Chiara Rinaldi', 'engineer'),
    (4, 'Dmitri Volkov', 'accountant'),
    (5, 'Elif Aydin', 'manager')""",
    """INSERT INTO projects VALUES
    (1, 'Web shop', 'Chiara Rinaldi', 'active'),
    (2, 'Move to the new office', 'Dmitri Volkov', 'done'),
    (3, 'Warehouse robots', 'Amara Nwosu', 'active'),
    (4, 'Loyalty card', 'Elif Aydin', 'planned'),
    (5, 'New logo', 'Bruno Keller', 'active')""",
]


class Query(NamedTuple):
    """What is asked: three columns of a table, the first of them a number."""

    columns: str
    source: str


EMPLOYEES = Query("id, name, job", "employees")
ACTIVE_PROJECTS = Query("id, name, lead", "projects WHERE status = 'active'")


def _is_url(database: str) -> bool:
    # Anything with a scheme, lest a mistyped one become the name of a file.
    scheme = re.match(r"(?i)([a-z][a-z0-9+.-]+):/", database)
    if scheme is not None and scheme[1].lower() not in ("postgresql", "postgres"):
        raise DatabaseError(
            f"a --database of {scheme[1]} is neither SQLite's nor PostgreSQL's",
            "an SQLite file, or postgresql://USER@HOST:PORT/NAME",
        )
    return scheme is not None


def fetch(query: Query) -> list[Row]:
    """Return the rows in their order, after QUERY_SECONDS × --scale, or raise a DatabaseError."""
    database, seconds = options.current().database, scaled(QUERY_SECONDS)
    if _is_url(database):
        import company_postgresql  # its driver is needed only here

        rows = company_postgresql.fetch(database, FILL, *query, seconds)
    else:
        rows = company_sqlite.fetch(database, FILL, *query, seconds)
    return sorted(rows, key=_number)


async def fetch_async(query: Query) -> list[Row]:
    """Return what fetch() does, and let other asyncio tasks run meanwhile."""
    database, seconds = options.current().database, scaled(QUERY_SECONDS)
    if not _is_url(database):
        # SQLite is a library and no server: there is nothing to wait for but a thread that calls it.
        return await asyncio.to_thread(fetch, query)
    import company_postgresql

    return sorted(await company_postgresql.fetch_async(database, FILL, *query, seconds), key=_number)


# Neither database promises an order here, and one sorts text otherwise than the other.
def _number(row: Row) -> int:
    assert isinstance(row[0], int)
    return row[0]


def prepare() -> None:
    """Reach the database and fill it, or raise a DatabaseError: neither belongs to the time of a query."""
    database = options.current().database
    if _is_url(database):
        import company_postgresql

        company_postgresql.prepare(database, FILL)
    else:
        company_sqlite.prepare(database, FILL)
