"""Rows of SQLite, read in two threads, each with a database of its own: the GIL is given up for each row."""

import sqlite3
from collections.abc import Callable

from rates import measure_threads

ROWS = 100


def make_reader() -> Callable[[], object]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (number INTEGER, name TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"row {i}") for i in range(ROWS)])
    return lambda: connection.execute("SELECT number, name FROM t").fetchall()


measure_threads(2, make_reader, ROWS)
