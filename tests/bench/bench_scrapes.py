"""What a scrape of gilscope.prometheus costs: its CPU time, by the threads that the process ever had.

Beside it the snapshot that it takes, of the same run, the two interleaved. Then a snapshot by the threads that live:
how long it takes, and how long the one that takes it has the GIL for it, as another trace says.
"""

import argparse
import threading
import time
from collections.abc import Callable

import gilscope
from figures import Row, add_json_option, report, row

LIVE = (1, 10, 100, 1000)


def cpu_ms(work: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start) / 1e6


def measure(counts: list[int], repeats: int) -> list[Row]:
    from prometheus_client import CollectorRegistry, generate_latest

    import gilscope.prometheus

    registry = CollectorRegistry()
    collector = gilscope.prometheus.collector()
    registry.register(collector)
    rows = []
    threads = 1  # this one
    for count in counts:
        for _ in range(threads, count):
            thread = threading.Thread(target=gilscope.release, args=(0,))
            thread.start()
            thread.join()
        threads = max(threads, count)
        snapshots: list[float] = []
        scrapes: list[float] = []
        for _ in range(repeats):
            snapshots.append(cpu_ms(collector.trace.snapshot))
            scrapes.append(cpu_ms(lambda: generate_latest(registry)))
        rows += [row(f"{count} threads: scrape", scrapes, "ms"), row(f"{count} threads: its snapshot", snapshots, "ms")]
    collector.trace.stop()
    return rows


def measure_live(count: int, repeats: int) -> list[Row]:
    """Goals: those of issue 15."""
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(count)]
    with gilscope.trace() as trace:
        for thread in threads:
            thread.start()
        took = []
        with gilscope.trace(lines="none") as outer:
            for _ in range(10 * repeats):
                start = time.perf_counter_ns()
                trace.snapshot()
                took.append((time.perf_counter_ns() - start) / 1e6)
        # All but the first and the last are from one snapshot's release of the GIL to the next.
        holds = next(row.hold for row in outer.summary.processes[0].threads if row.hold)
        kept = [holds.p50_ns / 1e6, holds.p90_ns / 1e6]
        over.set()
        for thread in threads:
            thread.join()
    goals = ("<= 2", "<= 0.2") if count == LIVE[-1] else ("", "")
    return [
        row(f"{count} live threads: a snapshot", took, "ms", goals[0]),
        row(f"{count} live threads: holds for it", kept, "ms", goals[1]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21, help="repeats of each figure (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = [figure for count in LIVE for figure in measure_live(count, options.repeats)]
    try:
        rows += measure([1, 10, 50, 200, 1000, 4096], options.repeats)
    except ImportError as error:
        print(error)
    report(rows, f"gilscope {gilscope.__version__}", options.json)


if __name__ == "__main__":
    main()
