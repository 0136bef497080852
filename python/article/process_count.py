"""Count the Python processes that two multiprocessing.Process objects make, by each start method of this Python.

The article says three, the parent among them. While both workers live, all descendants of the program are counted,
and it itself: spawn and forkserver start helpers, which are Python processes too.
"""

import argparse
import json
import multiprocessing
import os
import platform
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

import options
import process_count_program
from interrupts import ENDINGS
from process_count_program import WORKERS, Row

METHODS = multiprocessing.get_all_start_methods()  # the default one first
TABLE = "{:<21} {:>9}   {}"


def line_of(row: Row, default: str) -> str:
    """Return the row's line of the table."""
    name = f"{row.method} (default)" if row.method == default else row.method
    if row.reason is not None:
        return TABLE.format(name, "failed", row.reason)
    numbers = Counter(process["role"] for process in row.processes)
    roles = [role if number == 1 else f"{number} {role}s" for role, number in numbers.items()]
    return TABLE.format(name, len(row.processes), ", ".join(roles))


def document(rows: list[Row], version: str, default: str) -> dict[str, Any]:
    """Return what docs/schemas/process-count.schema.json describes."""
    methods = [row._asdict() for row in rows]
    return {"schema": "gilscope.process-count/1", "python": version, "default": default, "methods": methods}


def read_options() -> argparse.Namespace:
    """Return the shared options and this program's own."""
    parser = options.make_parser(__doc__, options.ARTICLE_ITERATIONS)
    parser.add_argument(
        "--timeout",
        type=options.duration,
        default=60.0,
        metavar="S",
        help="seconds until a method must be done, or is ended (default: 60)",
    )
    parser.add_argument(
        "--json", type=options.output_file, metavar="FILE|-", help="write it all there; - for the output, and no table"
    )
    return parser.parse_args()


def run(chosen: argparse.Namespace) -> None:
    """Measure every method, and tell."""
    version, rows = platform.python_version(), []
    # Flushed at once: a fork would say again what still waits.
    if chosen.json != "-":
        print(f"Python {version}: the processes of a program that starts {WORKERS}", flush=True)
        print(TABLE.format("start method", "processes", "roles"), flush=True)
    for method in METHODS:
        rows.append(process_count_program.measure(method, chosen.timeout))
        if chosen.json != "-":
            print(line_of(rows[-1], METHODS[0]), flush=True)
    text = json.dumps(document(rows, version, METHODS[0]), indent=2) + "\n"
    if chosen.json == "-":
        print(text, end="", flush=True)
    elif chosen.json is not None:
        Path(chosen.json).write_text(text, encoding="utf-8")


def end(number: int, _: object) -> NoReturn:
    """End once: what follows is tidying up, which a second signal must not spoil."""
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> int:
    """Return the exit code."""
    chosen = read_options()
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's
            signal.signal(number, end)
    try:
        run(chosen)
    except SystemExit as stop:
        if stop.code == 128 + signal.SIGINT:
            print("process_count.py: interrupted", file=sys.stderr)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has no reader
        return 1
    except OSError as error:
        print(f"process_count.py: error: {error}", file=sys.stderr)
        return 1
    return 0


# Under spawn and forkserver the workers import this file.
if __name__ == "__main__":
    sys.exit(main())
