"""One thread that fetches the rows of two queries: there is nobody to give the GIL up for."""

import sqlite3

query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) SELECT x, 'row ' || x FROM n"
for _ in range(2):
    with sqlite3.connect(":memory:") as connection:
        connection.execute(query).fetchall()
