"""Ask every Python that is here, by measurement, whether it has a GIL.

"To avoid the GIL, use Jython, IronPython or PyPy", says the article. Here each of them runs the article's two
counts, one after the other and in two threads; so do this CPython and the free-threaded one. What is missing is a
row that tells how to install it. Only this run's numbers decide.
"""

import argparse
import dataclasses
import glob
import json
import math
import os
import shutil
import signal
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import flavours_child
from flavours_child import Child, FlavourError, control
from options import duration, output_file

SCHEMA = "gilscope.flavours/1"
# Runs to find the iterations with; a busy machine may never give two alike.
MAX_TRIES = 12
# IronPython's xrange takes no more than 31 bits, and the sum fits in 63.
MAX_ITERATIONS = 2_000_000_000
# Two threads that could not have become faster than this share of the sequential time prove nothing.
LEAST_ROOM = 0.8
# One, and what a thread that waits for a GIL takes to look again and again (PyPy's: 1.13 was seen).
MOST_CPUS_OF_A_GIL = 1.25
# Two threads that got fewer, of a machine with room for two, were kept from running by something else than a GIL.
LEAST_CPUS_OF_A_GIL = 0.9
# So often is a round repeated, on average, that fell into a moment when the machine was too busy.
MOST_ROUNDS = 3
BY_MAKE = "not on PATH: `make flavours` installs Debian's {0}; by hand: apt install {0}"


class Interval(NamedTuple):
    """A median, and the least and the greatest of its samples."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as the table shows it."""
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def interval(samples: list[float]) -> Interval:
    """Return what the samples span; there is at least one."""
    return Interval(statistics.median(samples), min(samples), max(samples))


class Verdict(NamedTuple):
    """Whether there is a GIL (None: cannot tell), and why that cannot be told."""

    has_gil: bool | None
    reason: str = ""


def judge(ratios: list[float], parallelism: list[float], free_ratio: float | None, usable_cpus: int) -> Verdict:
    """Return whether a GIL kept the two threads from running at once.

    ratios: threads / sequential, one a round. parallelism: how many CPUs ran the two threads meanwhile, on average; a
    GIL allows one, whatever else the machine does. free_ratio: what the ratios would have been without a GIL, by the
    control of the same rounds: 0.5 where two CPUs are idle, 1 where the machine is so busy that a second thread gains
    nothing. No GIL: the threads gained, and more than one CPU ran them. A GIL: they gained less than the half of what
    they could have, and just one CPU ran them. Every round must say so, as other load may fall upon one run.
    """
    if usable_cpus < 2:
        return Verdict(None, "one usable CPU: two threads take turns, GIL or not")
    if len(ratios) < 2:
        return Verdict(None, "one round has no interval: --repeats 2 or more")
    seen, ran = interval(ratios), interval(parallelism)
    if ran.low > MOST_CPUS_OF_A_GIL and seen.median < 1:
        return Verdict(has_gil=False)
    if free_ratio is None:
        return Verdict(None, "the control failed: how busy this machine was is unknown")
    if free_ratio > LEAST_ROOM:
        return Verdict(None, f"busy machine, two processes gained {1 / free_ratio:.2f} ×")
    middle = (1 + free_ratio) / 2
    if seen.low > middle and ran.low >= LEAST_CPUS_OF_A_GIL and ran.high <= MOST_CPUS_OF_A_GIL:
        return Verdict(has_gil=True)
    return Verdict(
        None, f"not all above {middle:.2f}, or not by one CPU ({ran.low:.2f}–{ran.high:.2f}): try --repeats 9"
    )


@dataclasses.dataclass
class Row:
    """One interpreter. What is not known is None."""

    name: str
    version: str | None = None
    executable: str | None = None
    status: str = "ok"
    reason: str = ""
    iterations: int | None = None
    sequential_s: float | None = None
    threads_s: float | None = None
    ratio: Interval | None = None
    parallelism: Interval | None = None
    free_ratio: float | None = None
    has_gil: bool | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        intervals = {"ratio": self.ratio, "parallelism": self.parallelism}
        return {
            **dataclasses.asdict(self),
            **{key: value._asdict() if value else None for key, value in intervals.items()},
        }


@dataclasses.dataclass(frozen=True)
class Candidate:
    """An interpreter to look for; no path means that it is missing, and reason how to install it."""

    name: str
    path: str | None
    reason: str = ""
    implementation: str | None = None  # what it must turn out to be, where its name promises that


def candidates(extra: list[str]) -> Iterator[Candidate]:
    """Yield all that there is on PATH and in extra, and all that should be."""
    yield Candidate("CPython", sys.executable, implementation="CPython")
    names = [f"python3.{minor}t" for minor in range(13, 20)]
    found = [path for path in map(shutil.which, names) if path]
    found += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*t/bin/python3.*t")))  # noqa: PTH111, PTH207
    name = "CPython, free-threaded"
    for path in found:
        yield Candidate(name, path, implementation="CPython")
    if not found:
        yield Candidate(name, None, "not on PATH: `pyenv install 3.14t` builds one; or name yours: --interpreter PATH")
    yield Candidate("PyPy", shutil.which("pypy3"), BY_MAKE.format("pypy3"), "PyPy")
    yield Candidate("Jython", shutil.which("jython"), BY_MAKE.format("jython"), "Jython")
    yield Candidate(
        "IronPython", shutil.which("ipy"), "no `ipy` on PATH, nor in Debian: ironpython.net, needs .NET", "IronPython"
    )
    for path in extra:
        yield Candidate(Path(path).name, path)


class Times(NamedTuple):
    """How long one run took, and for how long CPUs ran its threads meanwhile."""

    seconds: float
    cpu: float


def run_mode(child: Child, mode: str, iterations: int) -> Times:
    """Run it once; an interpreter that counts wrongly fails."""
    answer = child.ask(f"{mode} {iterations}")
    times = [answer.get("seconds"), answer.get("cpu")]
    if not all(isinstance(value, int | float) and 0 <= value < math.inf for value in times):
        raise FlavourError("failed", "its answer makes no sense: is this a Python?")
    if answer.get("sums") != [iterations * (iterations - 1) // 2] * 2:
        raise FlavourError("failed", f"it counts wrongly: range({iterations}) does not sum up to {answer.get('sums')}")
    return Times(max(answer["seconds"], 1e-9), answer["cpu"])


def choose_iterations(child: Child, seconds: float) -> int:
    """Return how many make a sequential run about that long, once a JIT has warmed up."""
    iterations, fitting = 1000, 0
    for _ in range(MAX_TRIES):
        took = run_mode(child, "sequential", iterations).seconds
        # Twice: a run that was compiled while it ran says little of the next one.
        fitting = fitting + 1 if seconds / 1.5 < took < seconds * 1.5 else 0
        if fitting == 2:
            break
        iterations = min(max(int(iterations * min(seconds / took, 10)), 1), MAX_ITERATIONS)
    return iterations


class Round(NamedTuple):
    """Both modes, and the worst that the control made of two processes just before and just after the threads."""

    sequential: Times
    threads: Times
    free_ratio: float | None

    def has_room(self) -> bool:
        """Return whether threads could have gained anything."""
        return self.free_ratio is None or self.free_ratio <= LEAST_ROOM


def run_rounds(child: Child, iterations: int, repeats: int) -> list[Round]:
    """Return so many rounds of a machine that had room for two threads, or all of them where that was never so."""
    rounds: list[Round] = []
    roomy: list[Round] = []
    while len(roomy) < repeats and len(rounds) < MOST_ROUNDS * repeats:
        sequential = run_mode(child, "sequential", iterations)
        before = control()
        threads = run_mode(child, "threads", iterations)
        after = control()
        worst = None if before is None or after is None else max(before, after)
        rounds.append(Round(sequential, threads, worst))
        roomy = [one for one in rounds if one.has_room()]
    return roomy if len(roomy) >= min(repeats, 2) else rounds


def measure(row: Row, child: Child, options: argparse.Namespace, usable_cpus: int) -> None:
    """Fill in the row's figures."""
    row.iterations = choose_iterations(child, options.seconds)
    run_mode(child, "threads", row.iterations)  # warms up what is special to them
    rounds = run_rounds(child, row.iterations, options.repeats)
    ratios = [one.threads.seconds / one.sequential.seconds for one in rounds]
    parallelism = [one.threads.cpu / one.threads.seconds for one in rounds]
    known = [one.free_ratio for one in rounds if one.free_ratio is not None]
    row.sequential_s = statistics.median(one.sequential.seconds for one in rounds)
    row.threads_s = statistics.median(one.threads.seconds for one in rounds)
    row.ratio, row.parallelism = interval(ratios), interval(parallelism)
    row.free_ratio = statistics.median(known) if len(known) == len(rounds) else None
    row.has_gil, row.reason = judge(ratios, parallelism, row.free_ratio, usable_cpus)


def identify(row: Row, candidate: Candidate, hello: dict[str, Any]) -> None:
    """Fill in what the interpreter says that it is."""
    implementation, version = hello.get("implementation"), hello.get("version")
    if not isinstance(implementation, str) or not isinstance(version, str) or not version:
        raise FlavourError("failed", "its answer makes no sense: is this a Python?")
    row.version = version
    if candidate.implementation not in (None, implementation):
        raise FlavourError("failed", f"this is {implementation} {version}, not {candidate.implementation}")
    free_threaded = hello.get("free_threaded") is True
    if not free_threaded and candidate.name.endswith("free-threaded"):
        raise FlavourError("failed", f"this is an ordinary {implementation} {version}")
    row.name = f"{implementation}, free-threaded" if free_threaded else implementation


def rows(options: argparse.Namespace, usable_cpus: int) -> Iterator[Row]:
    """Yield a row for each interpreter, those that are missing last; each executable once."""
    seen, names, missing = set(), set(), []
    for candidate in candidates(options.interpreter):
        row = Row(candidate.name, executable=candidate.path)
        if candidate.path is None:
            row.status, row.reason = "missing", candidate.reason
            missing.append(row)
            continue
        real = os.path.realpath(candidate.path)
        if real in seen:
            continue
        seen.add(real)
        print(f"flavours.py: measuring {candidate.name}: {candidate.path}", file=sys.stderr, flush=True)
        try:
            with flavours_child.start(candidate.path, options.timeout) as child:
                identify(row, candidate, child.ask())
                measure(row, child, options, usable_cpus)
        except FlavourError as error:
            row = Row(row.name, row.version, row.executable, error.status, str(error))
            if error.status == "missing" and candidate.reason:
                row.reason = candidate.reason
        names.add(row.name)
        yield row
    yield from (row for row in missing if row.name not in names)


def document(done: list[Row], usable_cpus: int, repeats: int) -> dict[str, Any]:
    """Return what docs/schemas/flavours.schema.json describes."""
    return {"schema": SCHEMA, "usable_cpus": usable_cpus, "repeats": repeats, "rows": [row.document() for row in done]}


TABLE = "{:22} {:20} {:>10} {:>8}   {:21} {}"

HEAD = TABLE.format("flavour", "version", "sequential", "threads", "threads / sequential", "has a GIL, by measurement")


def describe(row: Row) -> str:
    """Return the row's line of the table."""
    if row.status != "ok":
        return f"{row.name:22} {row.status}: {row.reason}"
    gil = {True: "yes", False: "no", None: "cannot tell"}[row.has_gil]
    return TABLE.format(
        row.name,
        row.version,
        f"{row.sequential_s:.2f} s",
        f"{row.threads_s:.2f} s",
        str(row.ratio),
        f"{gil}: {row.reason}" if row.reason else gil,
    )


# argparse words what this cannot convert by its name: "invalid whole_number value: 'x'".
def whole_number(text: str) -> int:
    """Return the number that the text says, 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1: {text}")
    return value


def read_options() -> argparse.Namespace:
    """Return the options; anything unknown or wrong ends the program with code 2, before anything is started."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--interpreter", action="append", default=[], metavar="PATH", help="measure this one too (may be repeated)"
    )
    parser.add_argument("--repeats", type=whole_number, default=3, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=duration, default=1.0, metavar="S", help="of a sequential run, about (default: 1)"
    )
    parser.add_argument(
        "--timeout",
        type=duration,
        default=60.0,
        metavar="S",
        help="seconds until an interpreter must have answered, or is ended (default: 60)",
    )
    parser.add_argument(
        "--json",
        type=output_file,
        metavar="FILE|-",
        help="write all figures there; - for standard output, and no table",
    )
    options = parser.parse_args()
    for place, path in enumerate(options.interpreter):
        if (found := shutil.which(path)) is None:
            parser.error(f"argument --interpreter: no program that can be run: {path}")
        options.interpreter[place] = found
    return options


def main() -> int:
    """Measure, print the table or the JSON, and return the exit code: 0 whatever the verdicts."""
    options = read_options()
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that no child outlives us
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    usable_cpus = len(os.sched_getaffinity(0))
    done: list[Row] = []

    def show(line: str) -> None:
        if options.json != "-":
            print(line, flush=True)

    try:
        for row in rows(options, usable_cpus):
            if not done:
                show(HEAD)
            done.append(row)
            show(describe(row))
        show(f"Two threads without a GIL take half as long, where two CPUs are free. Usable here: {usable_cpus}.")
    except BrokenPipeError:  # who read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        print("flavours.py: interrupted", file=sys.stderr)
        return 130
    text = json.dumps(document(done, usable_cpus, options.repeats), indent=2, ensure_ascii=False) + "\n"
    if options.json == "-":
        print(text, end="")
    elif options.json:
        try:
            Path(options.json).write_text(text, encoding="utf-8")
        except OSError as error:
            print(f"flavours.py: {options.json}: {error.strerror}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
