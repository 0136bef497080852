"""Two threads that fetch rows: sqlite gives the GIL up for each."""

import sqlite3
import threading

query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) SELECT x, 'row ' || x FROM n"


def fetch():
    with sqlite3.connect(":memory:") as connection:
        connection.execute(query).fetchall()  # culprit


readers = [threading.Thread(target=fetch, name=f"reader {number}") for number in range(2)]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
