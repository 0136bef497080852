"""What a program loses by somebody who looks at it with `gilscope top`, and what that one takes himself.

Two threads that hash 4 KiB, counted by `gilscope run`, with a `top` beside it and without, in turns.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path

from figures import Row, add_json_option, report, row
from host import HOST, require_gil, run

PROGRAM = Path(__file__).parent / "perturbed" / "hashing.py"


def look_at(pid: int, interval: float) -> float:
    """Return what `top` took of a core, until that process has ended."""
    while True:
        begin = time.monotonic()
        top = subprocess.Popen(
            [HOST, "top", "--json", "--interval", str(interval), "--window", "5", str(pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(top.pid, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return (used.ru_utime + used.ru_stime) / (time.monotonic() - begin)
        # Its recording has not begun.


def rate(seconds: float, interval: float | None) -> tuple[float, float]:
    """Return what the program did in a second, and of a core what `top` took; None: there is none."""
    program = subprocess.Popen(
        [HOST, "run", "-q", str(PROGRAM), str(seconds), "2", "4096"], stdout=subprocess.PIPE, text=True
    )
    share = 0.0
    if interval is not None:
        share = look_at(program.pid, interval)
    output, _ = program.communicate()
    return float(output.split()[-1]), share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of each run (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    require_gil()
    ratios: dict[float, list[float]] = {0.5: [], 0.1: []}
    shares: dict[float, list[float]] = {0.5: [], 0.1: []}
    again: list[float] = []
    for _ in range(options.repeats):
        alone, _ = rate(options.seconds, None)
        for interval in ratios:
            beside, share = rate(options.seconds, interval)
            ratios[interval].append(beside / alone)
            shares[interval].append(100 * share)
        again.append(rate(options.seconds, None)[0] / alone)
    rows: list[Row] = [row("once more without", again, "")]
    for interval, kept in ratios.items():
        rows.append(row(f"a look each {interval} s: rate kept", kept, "", ">= 0.99"))
        rows.append(row(f"a look each {interval} s: top, of a core", shares[interval], "%", "<= 2"))
    report(rows, run([HOST, "--version"]), options.json)


if __name__ == "__main__":
    main()
