"""What tracing costs: the rate that each workload keeps, of what it does in the same Python without tracing.

The four workloads are the worst that a GIL knows: reads of one byte, hashing in two threads, two threads of bytecode,
and a ping over a socket pair beside a thread of bytecode. All variants are run in turns; the share is the median over
the repeats. Peers that are installed (py-spy, VizTracer, gilknocker: `pip install` them) are run in the same turns.
Run it on an idle machine with two cores. The goals are the project's; the exit code is 0 either way.
"""

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from figures import Row, add_json_option, print_table, row, write_json
from host import HOST, run, stock_python

# Each prints how many steps it made a second, timed inside: start-up is another benchmark's.
COMMON = """
import hashlib, os, socket, sys, threading, time
seconds = float(sys.argv[1])
def rate(step):
    count, begin = 0, time.perf_counter()
    end = begin + seconds
    while time.perf_counter() < end:
        step()
        count += 1
    return count / (time.perf_counter() - begin)
def rates(step, threads):
    results = []
    workers = [threading.Thread(target=lambda: results.append(rate(step))) for _ in range(threads)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    return sum(results)
def compute(n=20_000):
    total = 0
    for i in range(n): total += i
"""
WORKLOADS = {
    "read": "fd = os.open('/dev/zero', os.O_RDONLY)\n"
    "def step():\n    for _ in range(100): os.read(fd, 1)\nprint('rate:', rate(step))",
    "sha256": "data = bytes(4096)\n"
    "def step():\n    for _ in range(100): hashlib.sha256(data)\nprint('rate:', rates(step, 2))",
    "cpu": "print('rate:', rates(compute, 2))",
    "ping": """
ours, theirs = socket.socketpair()
over = False
def echo():
    while data := theirs.recv(1): theirs.send(data)
def busy():
    while not over: compute()
threads = [threading.Thread(target=echo), threading.Thread(target=busy)]
for thread in threads: thread.start()
def step(): ours.send(b'x'); ours.recv(1)
print('rate:', rate(step))
over = True
ours.close()
for thread in threads: thread.join()
""",
}
OURS = ("gilscope", "gilscope -o")
# The package, in the Python of these benchmarks: its share is to be the host's, give or take 0.02.
TRACE = (
    "import gilscope, runpy, sys; sys.argv = sys.argv[1:]\n"
    "with gilscope.trace(): runpy.run_path(sys.argv[0], run_name='__main__')"
)
GOALS = {"read": ">= 0.96", "sha256": ">= 0.97", "cpu": ">= 0.99", "ping": ">= 0.99"}

Command = Callable[[str, str], list[str]]


def find_rate(output: str) -> float:
    """Of all that the workload and a peer around it have printed."""
    return float(next(line.removeprefix("rate: ") for line in output.splitlines() if line.startswith("rate: ")))


def peers(python: str, folder: Path) -> dict[str, Command]:
    """The command of each peer that is installed, by its name."""
    found: dict[str, Command] = {}
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy:
        for label, options in {"100 Hz": ["-r", "100"], "1 kHz": ["-r", "1000"], "--gil": ["--gil"]}.items():
            found[f"py-spy {label}"] = lambda script, seconds, options=options: [  # type: ignore[misc]
                *(spy, "record", "-o", str(folder / "spy.svg"), *options),
                *("--", python, script, seconds),
            ]
    if importlib.util.find_spec("viztracer"):
        tracer = [sys.executable, "-m", "viztracer", "--quiet", "-o", str(folder / "viz.json")]
        found["VizTracer"] = lambda script, seconds: [*tracer, script, seconds]
    if importlib.util.find_spec("gilknocker"):
        knock = (
            "import gilknocker, runpy, sys; k = gilknocker.KnockKnock(1000); k.start(); sys.argv = sys.argv[1:]; "
            "runpy.run_path(sys.argv[0], run_name='__main__'); k.stop()"
        )
        found["gilknocker 1 ms"] = lambda script, seconds: [sys.executable, "-c", knock, script, seconds]
    return found


def measure(repeats: int, seconds: float) -> list[Row]:
    """The share of the bare rate that each variant keeps; a peer is compared to the python that it runs in."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = stock_python()
        capture = folder / "capture"
        variants: dict[str, Command] = {
            "gilscope": lambda script, seconds: [HOST, "run", "-q", script, seconds],
            "gilscope -o": lambda script, seconds: [
                *[HOST, "run", "-q", "-o", str(capture), "--force", "--max-size", "1T"],
                *[script, seconds],
            ],
            "gilscope.trace()": lambda script, seconds: [sys.executable, "-c", TRACE, script, seconds],
            **peers(python, folder),
        }
        bare: dict[str, Command] = {
            "host": lambda script, seconds: [HOST, "run", "-q", "--no-probe", script, seconds],
            "stock": lambda script, seconds: [python, script, seconds],
        }
        for workload, code in WORKLOADS.items():
            script = folder / f"{workload}.py"
            script.write_text(COMMON + code, encoding="utf-8")
            rates: dict[str, list[float]] = {name: [] for name in (*bare, *variants)}
            failed: set[str] = set()
            dropped = 0
            for _ in range(repeats):
                for variant, command in {**bare, **variants}.items():
                    try:
                        rates[variant].append(find_rate(run(command(str(script), str(seconds)))))
                    except subprocess.CalledProcessError as error:
                        if variant in bare or "gilscope" in variant:
                            raise
                        failed.add(variant)
                        print(f"{workload}, {variant}: exit code {error.returncode}", file=sys.stderr)
                dropped += json.loads(run([HOST, "report", "--json", "-", str(capture)]))["probe"]["dropped"]
            for variant in (name for name in variants if name not in failed):
                baseline = rates["host" if variant in OURS else "stock"]
                shares = [rate / base for rate, base in zip(rates[variant], baseline, strict=True)]
                goal = GOALS[workload] if variant in OURS else ""
                rows.append(row(f"{workload}, {variant}", shares, "x", goal))
            rows.append(row(f"{workload}, dropped by gilscope -o", [float(dropped)], "", "0"))
            rows.append(row(f"{workload}, steps/s bare", [statistics.median(rates["host"])], ""))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="repeats of each figure (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each run (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = measure(options.repeats, options.seconds)
    print(f"Python {sys.version.split()[0]}, {run([HOST, '--version'])}")
    print_table(rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
