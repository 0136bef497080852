"""Measure what it costs to pass bytes between processes, threads and sub-interpreters.

Latency is half of a round trip: one message there and the same message back, through the same way; the median
over the repeats, in nanoseconds. Throughput is a burst: several messages one way, as fast as they go, answered
by one byte; all their bytes over the time until that answer; the median over the repeats, in bytes a second.

Each repeat is one round trip and one burst. Starting the other side, checking what came (its length, and the
checksum of its ends), and the first repeats of each size are not timed.

What is passed is a bytes object, and what comes is one. multiprocessing.Queue and Pipe pickle it (put and get,
send and recv). Shared memory is one block: the sender copies into it, the receiver out of it, semaphores say whose
turn it is. queue.Queue copies nothing: it passes a reference, whatever the size. The queue between
interpreters looks every 10 ms whether something has come: most of its latency is waiting for that.
"""

import argparse
import json
import multiprocessing
import os
import platform
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import exchange_peer
import exchange_ways
import options
from exchange_peer import End

SIZES = (1, 1 << 10, 1 << 16, 1 << 20, 1 << 26)
LARGEST = 1 << 30
UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
SECONDS = 0.25
WARM_UP_SHARE = 0.1
MIN_REPEATS, MAX_REPEATS = 3, 10_000
MOST_TIMES_SECONDS = 12  # where even MIN_REPEATS takes longer, fewer must do
BURST_BYTES = 8 << 20
MIN_BURST, MAX_BURST = 2, 512


interrupted = threading.Event()


class CorruptError(Exception):
    """What came is not what was sent."""


class Row(NamedTuple):
    """What one way does with one size: figures, or the reason why there are none."""

    way: str
    between: str
    bytes: int
    latency_ns: int | None = None
    bytes_per_s: float | None = None
    repeats: int | None = None
    reason: str | None = None


# argparse words what this cannot convert by its name.
def message_size(text: str) -> int:
    """Return the number of bytes that the text says: 4096, 64KiB, 1MiB."""
    digits = text.rstrip("BKMGi")
    unit = UNITS.get(text[len(digits) :])
    if unit is None:
        raise ValueError(text)
    size = int(digits) * unit
    if not 1 <= size <= LARGEST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LARGEST} bytes: {text}")
    return size


def read_options() -> argparse.Namespace:
    """Return the shared options and this program's own."""
    parser = options.make_parser(__doc__, options.ARTICLE_ITERATIONS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    methods = multiprocessing.get_all_start_methods()
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=message_size,
        default=SIZES,
        metavar="SIZE",
        help="bytes of a message, as 1, 64KiB or 1MiB (default: 1 1KiB 64KiB 1MiB 64MiB)",
    )
    parser.add_argument(
        "--seconds",
        type=options.factor,
        default=SECONDS,
        help=f"of each way with each size; longer if {MIN_REPEATS} repeats take longer (default: %(default)s)",
    )
    parser.add_argument(
        "--start-method", choices=methods, default=methods[0], help="of the processes (default: %(default)s)"
    )
    parser.add_argument(
        "--json",
        type=options.output_file,
        metavar="FILE",
        help="write the figures to a file, or with - to the output instead",
    )
    return parser.parse_args()


def make_payload(size: int) -> bytes:
    """Return bytes that are the same in every run, and different at both ends."""
    block = random.Random(size).randbytes(min(size, 1_000_003))  # noqa: S311
    return (block * (size // len(block) + 1))[:size]


def require_same(got: bytes, sent: bytes) -> None:
    """Raise where what came cannot be what was sent."""
    if len(got) != len(sent) or exchange_peer.checksum(got) != exchange_peer.checksum(sent):
        raise CorruptError(f"what came ({len(got)} bytes) is not what was sent ({len(sent)} bytes)")


def interrupt(*_: object) -> None:
    """Let the next repeat be none: out of a queue's own code, an exception would leave its lock taken."""
    interrupted.set()


def require_no_interrupt() -> None:
    """Raise where somebody has pressed Ctrl-C."""
    if interrupted.is_set():
        raise KeyboardInterrupt


def repeat_once(end: End, payload: bytes, burst: int) -> tuple[int, int]:
    """Return the nanoseconds of one round trip and of one burst."""
    require_no_interrupt()
    start = time.perf_counter_ns()
    end.send(payload)
    reply = end.receive()
    round_trip_ns = time.perf_counter_ns() - start
    require_same(reply, payload)
    del reply
    start = time.perf_counter_ns()
    for _ in range(burst):
        end.send(payload)
    end.receive()
    burst_ns = time.perf_counter_ns() - start
    require_same(end.receive(), exchange_peer.report(burst * len(payload), payload))
    return round_trip_ns, burst_ns


def measure(end: End, size: int, seconds: float) -> tuple[int, float, int]:
    """Return latency in ns, throughput in bytes a second, and the number of repeats behind both medians."""
    payload = make_payload(size)
    burst = max(MIN_BURST, min(MAX_BURST, BURST_BYTES // size))
    end.send(b"%d" % burst)
    begin = time.perf_counter()
    while True:
        repeat_once(end, payload, burst)
        if time.perf_counter() - begin >= WARM_UP_SHARE * seconds:
            break
    repeats = [repeat_once(end, payload, burst)]
    while len(repeats) < MAX_REPEATS:
        elapsed = time.perf_counter() - begin
        if elapsed >= (MOST_TIMES_SECONDS * max(seconds, SECONDS) if len(repeats) < MIN_REPEATS else seconds):
            break
        repeats.append(repeat_once(end, payload, burst))
    end.send(b"")
    round_trip_ns, burst_ns = (statistics.median(times) for times in zip(*repeats, strict=True))
    return round(round_trip_ns / 2), burst * size / (burst_ns / 1e9), len(repeats)


def measure_way(way: exchange_ways.Way, chosen: argparse.Namespace) -> Iterator[Row]:
    """Measure all sizes through one way."""
    with ExitStack() as stack:
        try:
            end = stack.enter_context(way.open(chosen.start_method, max(chosen.sizes)))
        except (exchange_ways.UnavailableError, OSError, ImportError) as error:
            for size in chosen.sizes:
                yield Row(way.name, way.between, size, reason=str(error))
            return
        largest = getattr(end, "largest", LARGEST)
        for size in chosen.sizes:
            if size > largest:
                yield Row(
                    way.name, way.between, size, reason=f"{size_text(size)}: /dev/shm has room for {largest} bytes"
                )
            else:
                yield Row(way.name, way.between, size, *measure(end, size, chosen.seconds))


def size_text(size: int) -> str:
    """Return the size as a person writes it."""
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if size % UNITS[unit] == 0)
    return f"{size // UNITS[unit]} {unit}"


def latency_text(nanoseconds: int) -> str:
    """Return the time with three digits and a unit."""
    for unit, length in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= length:
            return (
                f"{nanoseconds / length:.3g} {unit}"
                if nanoseconds < 1000 * length
                else f"{nanoseconds / length:.0f} {unit}"
            )
    return f"{nanoseconds} ns"


def line_of(row: Row) -> str:
    """Return one line of the table."""
    start = f"{row.way:<22} {row.between:<17}"
    if row.latency_ns is None or row.bytes_per_s is None:
        return f"{start} not available: {row.reason}"
    rate = row.bytes_per_s / UNITS["MiB"]
    digits = 3 if rate < 10 else 0
    figures = f"{latency_text(row.latency_ns):>10} {rate:>15,.{digits}f} MiB/s {row.repeats:>8}"
    return f"{start} {size_text(row.bytes):>9} {figures}"


def run(chosen: argparse.Namespace) -> None:
    """Measure every way with every size, and tell."""
    says = chosen.json != "-"
    if says:
        print(f"Python {platform.python_version()}, processes by {chosen.start_method}", flush=True)
        heads = f"{'way':<22} {'between':<17} {'message':>9} {'latency':>10} {'throughput':>21} {'repeats':>8}"
        print(heads, flush=True)
    exchange_ways.start_helpers()
    rows: list[Row] = []
    for way in exchange_ways.WAYS:
        for row in measure_way(way, chosen):
            # What a whole way lacks is said once.
            is_news = not rows or rows[-1]._replace(bytes=row.bytes) != row
            rows.append(row)
            if says and is_news:
                print(line_of(row), flush=True)
    document = {
        "schema": "gilscope.exchange/1",
        "python": platform.python_version(),
        "start_method": chosen.start_method,
        "rows": [row._asdict() for row in rows],
    }
    require_no_interrupt()
    text = json.dumps(document, indent=2) + "\n"
    if chosen.json == "-":
        print(text, end="", flush=True)
    elif chosen.json is not None:
        Path(chosen.json).write_text(text, encoding="utf-8")


def main() -> int:
    """Return the exit code."""
    chosen = read_options()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        run(chosen)
    except KeyboardInterrupt:
        print("exchange.py: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has no reader
        return 1
    except (exchange_ways.PeerError, CorruptError, MemoryError, OSError) as error:
        print(f"exchange.py: error: {error or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


# Under spawn and forkserver the children import this file.
if __name__ == "__main__":
    sys.exit(main())
