"""As rows_of_sqlite.py, but for the rows: one is made at the end, and sqlite computes without the GIL."""

import sqlite3
import threading

query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500000) SELECT sum(x) FROM n"


def fetch():
    with sqlite3.connect(":memory:") as connection:
        connection.execute(query).fetchall()


readers = [threading.Thread(target=fetch, name=f"reader {number}") for number in range(2)]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
