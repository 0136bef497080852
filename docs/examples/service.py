"""A service in three threads: two parse what comes, one answers a hundred times a second."""

import json
import threading
import time

REQUEST = json.dumps(list(range(200_000)))


def parse() -> None:
    """Parse one request after the other."""
    while True:
        json.loads(REQUEST)


def answer() -> None:
    """Have something to do each hundredth of a second."""
    while True:
        time.sleep(0.01)


for number in range(2):
    threading.Thread(target=parse, name=f"parser {number}", daemon=True).start()
threading.Thread(target=answer, name="answers", daemon=True).start()
time.sleep(60)
