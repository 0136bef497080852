"""asyncio.to_thread of tasks of some 50 us of bytecode, four at a time."""

import asyncio
import time

from rates import SECONDS, compute, report


async def call_until(end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        await asyncio.to_thread(compute, 1_000)
        count += 1
    return count


async def main() -> None:
    begin = time.perf_counter()
    counts = await asyncio.gather(*(call_until(begin + SECONDS) for _ in range(4)))
    report(sum(counts), time.perf_counter() - begin)


asyncio.run(main())
