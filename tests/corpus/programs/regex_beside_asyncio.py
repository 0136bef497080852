"""A long match in a thread, beside an asyncio loop that wants to run every millisecond."""

import asyncio
import re
import threading


def match():
    for _ in range(2):
        re.match(r"(a+)+b", "a" * 22)  # culprit


async def tick():
    worker.start()
    while worker.is_alive():
        await asyncio.sleep(0.001)


worker = threading.Thread(target=match, name="matcher")
asyncio.run(tick())
