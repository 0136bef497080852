"""A company's database in PostgreSQL, which is a server: the thread that asks waits for it, without the GIL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from company_error import DatabaseError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
except ImportError as error:  # of psycopg itself, or of the libpq that it wants
    raise DatabaseError(
        f"PostgreSQL needs psycopg 3, which cannot be imported: {error}", "pip install 'psycopg[binary]'"
    ) from None

CONNECT_SECONDS = 10
# A schema of our own: the URL may be that of a database with tables of these names.
SCHEMA = "gilscope_company"
LOCK = 0x67696C73  # any number that nobody else is likely to take

# One string, and so one transaction. Who starts at the same time waits for the lock, then finds all done; by a query,
# since to_regclass() may remember the answer from before the lock.
FILL = """
SET search_path TO {schema};
DO $fill$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = '{schema}' AND tablename = 'projects') THEN
        PERFORM pg_advisory_xact_lock({lock});
        IF NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = '{schema}' AND tablename = 'projects') THEN
            CREATE SCHEMA IF NOT EXISTS {schema};
            {fill};
        END IF;
    END IF;
END $fill$
"""
# Materialized: evaluated once, whatever the planner makes of the rest.
QUERY = """
WITH search AS MATERIALIZED (SELECT pg_sleep(%s))
SELECT {columns} FROM search CROSS JOIN {source}
"""


def fetch(url: str, fill: Sequence[str], columns: str, source: str, seconds: float) -> list[tuple[object, ...]]:
    """Return these columns of all rows of the source, in any order, after so many seconds."""
    with _connecting():
        connection = psycopg.connect(_conninfo(url), autocommit=True)
    with _asking(), connection:
        connection.execute(_fill(fill))
        return connection.execute(_query(columns, source), [seconds]).fetchall()


async def fetch_async(
    url: str, fill: Sequence[str], columns: str, source: str, seconds: float
) -> list[tuple[object, ...]]:
    """Return what fetch() does, and let other asyncio tasks run meanwhile."""
    with _connecting():
        connection = await psycopg.AsyncConnection.connect(_conninfo(url), autocommit=True)
    with _asking():
        async with connection:
            await connection.execute(_fill(fill))
            return await (await connection.execute(_query(columns, source), [seconds])).fetchall()


def prepare(url: str, fill: Sequence[str]) -> None:
    """Make and fill the schema, unless that is done already."""
    with _connecting():
        connection = psycopg.connect(_conninfo(url), autocommit=True)
    with _asking(), connection:
        connection.execute(_fill(fill))


def _conninfo(url: str) -> str:
    # libpq's own time limit is minutes; but the URL's goes before ours. Without an encoding of ours, a database
    # whose own is SQL_ASCII, as containers often have, would answer bytes.
    return make_conninfo(
        url, **{"connect_timeout": CONNECT_SECONDS, **conninfo_to_dict(url), "client_encoding": "utf8"}
    )


def _fill(fill: Sequence[str]) -> str:
    return FILL.format(schema=SCHEMA, lock=LOCK, fill=";\n".join(fill))


def _query(columns: str, source: str) -> str:
    return QUERY.format(columns=columns, source=source)


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot connect to PostgreSQL: {error}",
            "--database postgresql://USER@HOST:PORT/NAME of a server that runs",
        ) from None


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(
            f"PostgreSQL did not answer: {error}",
            f"again when the server is well, as a user who may create or use the schema {SCHEMA}",
        ) from None
