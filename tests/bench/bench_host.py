"""The host beside the stock `python` of the same build: pure Python, start-up, and what each mode gains.

Ratios of one run, the two interleaved. Run it on an idle machine with two cores. The goals are the project's; the
exit code is 0 either way.
"""

import argparse
import json
import time
from pathlib import Path

from figures import Row, add_json_option, report, row
from host import HOST, run, stock_python

ROOT = Path(__file__).resolve().parents[2]

# Loops, calls, containers and text, timed inside: start-up is a figure of its own.
WORK = """
import time
def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def fill(n):
    table = {}
    for i in range(n):
        table[i % 1000] = str(i)
    return len(table)
begin = time.perf_counter_ns()
loop(2_000_000); fib(24); fill(300_000)
print(time.perf_counter_ns() - begin)
"""

GOALS = {"threads": "0.90 to 1.05", "subinterpreters": ">= 1.80", "processes": ">= 1.80", "asyncio": ""}


def measure_host(repeats: int) -> list[Row]:
    commands = {"stock": [stock_python(), "-c"], "host": [HOST, "run", "-q", "-c"]}
    work: dict[str, list[float]] = {name: [] for name in commands}
    startup: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            work[name].append(float(run([*command, WORK])))
            begin = time.perf_counter_ns()
            run([*command, "pass"])
            startup[name].append((time.perf_counter_ns() - begin) / 1e6)
    ratios = [host / stock for host, stock in zip(work["host"], work["stock"], strict=True)]
    added = [host - stock for host, stock in zip(startup["host"], startup["stock"], strict=True)]
    return [
        row("pure Python, host / stock", ratios, "x", "<= 1.02"),
        row("start-up, host - stock", added, "ms", "<= 5.00"),
        row("start-up, stock", startup["stock"], "ms"),
    ]


def measure_modes(rounds: int) -> list[Row]:
    tasks = [f"{ROOT / 'python/article/count_sequential.py'}:{name}" for name in ("count_up", "count_down")]
    options = ["--rounds", str(rounds), "--json", "-", "--", "--iterations", "8000000"]
    modes = {mode["mode"]: mode for mode in json.loads(run([HOST, "compare", *tasks, *options]))["modes"]}
    baseline = modes["sequential"]["work_ns"]["samples"]
    rows = []
    for name, goal in GOALS.items():
        samples = modes[name]["work_ns"]["samples"]
        speedups = [before / after for before, after in zip(baseline, samples, strict=True)]
        has_the_gil_of_the_goal = modes[name]["gil"] == ("shared" if name == "threads" else "own")
        rows.append(row(f"counting in {name}", speedups, "x", goal if has_the_gil_of_the_goal else ""))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="repeats of each figure (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = measure_host(options.repeats) + measure_modes(options.repeats)
    report(rows, run([HOST, "--version"]), options.json)


if __name__ == "__main__":
    main()
