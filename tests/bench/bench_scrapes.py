"""What a scrape of gilscope.prometheus costs: its CPU time, by the threads that the process ever had.

Beside it the snapshot that it takes, of the same run, the two interleaved.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable

import gilscope
from figures import Row, add_json_option, print_table, row, write_json


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21, help="repeats of each figure (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    try:
        rows = measure([1, 10, 50, 200, 1000, 4096], options.repeats)
    except ImportError as error:
        print(error)
        return
    print(f"Python {sys.version.split()[0]}, gilscope {gilscope.__version__}")
    print_table(rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
