"""gilscope.compare(): the modes of `gilscope compare`, each trial in a process of this same Python; and ceiling()."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gilscope import _native
from gilscope._document import Document, make, write
from gilscope._program import own_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclasses.dataclass(frozen=True)
class Times:
    """Of the rounds that went well, in ns; low and high are of the bootstrap 95 % interval, None below 5 rounds."""

    median: int
    low: int | None
    high: int | None
    samples: list[int]


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A median with its bootstrap 95 % interval, None below 5 rounds."""

    median: float
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class GilFigures:
    """What the GILs of a mode did during the work: sums over them, medians over the rounds. Times are in ns."""

    holds: int
    hold_ns: int
    hold_share: float  #: of the wall time
    waits: int
    wait_ns: int
    wait_share: float  #: of the time in which tasks were in progress
    forced: int
    handoffs: int
    handoffs_per_s: float


@dataclasses.dataclass(frozen=True)
class WorkerTime:
    """Where the time of a mode's workers went: all that follows `whole_ns` sums to it. Medians over the rounds."""

    whole_ns: int  #: number of workers x time of the work
    alone_ns: int  #: of the tasks one after the other: ideal scaling needs no more
    gil_wait_ns: int | None  #: None where it was not traced, as the next two
    lock_wait_ns: int | None  #: for Python's locks, that other threads had
    stopped_ns: int | None  #: while the world was stopped
    no_cpu_ns: int | None  #: in the queue for one
    no_task_ns: int  #: while the others had the last ones
    rest_ns: int  #: more time for the same tasks, of which nothing is known; below 0 where they took less


@dataclasses.dataclass(frozen=True)
class Mode:
    """What one mode took. Times are in ns; None is not known."""

    mode: str
    status: str  #: ok, failed, timeout, unavailable
    reason: str | None  #: why it is not ok
    traceback: str | None
    gil: str  #: of its workers: shared, own, none
    start_method: str | None
    work_ns: Times | None
    setup_ns: Times | None
    speedup: Ratio | None  #: sequential median / this one's
    concurrency: float | None  #: mean number of tasks in progress
    parallelism: float | None  #: CPU time / wall time of the work
    cpu_ns: int | None
    max_rss_bytes: int | None
    results_equal: bool | None  #: None: they cannot be pickled
    slow_modules: list[str]  #: that silently ran as pure Python in sub-interpreters
    gil_figures: GilFigures | None
    cpu_wait_ns: int | None = None  #: of the workers' threads in the queue for a CPU
    worker_time: WorkerTime | None = None  #: None without a sequential mode, or where the workers share a thread


@dataclasses.dataclass(frozen=True)
class MemoryCost:
    """What threads without a GIL pay for memory that they share: CPU time of the work / that of the sequential mode."""

    threads: Ratio
    processes: Ratio  #: which share nothing


@dataclasses.dataclass(frozen=True)
class CompareVerdict:
    """The comparison in one sentence, and what it is made from."""

    kind: str
    text: str
    best_mode: str | None
    ceiling: float | None  #: how much faster than sequential threads under one GIL could be
    memory_cost: MemoryCost | None = None  #: None: none that can be told


@dataclasses.dataclass(frozen=True)
class Comparison(Document):
    """gilscope.compare/1 as objects: the names are those of the JSON, the times in ns."""

    python: dict[str, Any]
    machine: dict[str, Any]
    command: list[str]
    tasks: list[str]
    workers: int
    rounds: int
    rounds_done: int
    modes: list[Mode]
    verdict: CompareVerdict
    _json: str = dataclasses.field(repr=False)
    _text: str = dataclasses.field(repr=False)

    def rows(self) -> list[dict[str, Any]]:
        """List a flat dict for each sample of each mode, as pandas.DataFrame() and csv.DictWriter take it.

        The keys are `mode`, `round` (the samples of a mode, from 1), `work_ns` and `setup_ns`.
        """
        return [
            {"mode": mode.mode, "round": number, "work_ns": work, "setup_ns": setup}
            for mode in self.modes
            if mode.work_ns is not None and mode.setup_ns is not None
            for number, (work, setup) in enumerate(zip(mode.work_ns.samples, mode.setup_ns.samples, strict=True), 1)
        ]

    def to_pyperf(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the times of the work for `pyperf compare_to`: a benchmark a mode, a run a round, in seconds.

        Modes that are not ok are left out. Raises FileExistsError where the file exists, unless `force` has it
        replaced; OSError where it cannot be written; Error where no mode is ok.
        """
        measured = [mode for mode in self.modes if mode.work_ns is not None]
        if not measured:
            raise _native.Error("no mode was measured: there is nothing to write; try: print the comparison")
        suite = {
            "version": "1.0",
            "metadata": {"python_version": self.python["version"], "unit": "second"},
            "benchmarks": [_pyperf_benchmark(mode) for mode in measured],
        }
        write(Path(path), json.dumps(suite) + "\n", force=force)

    def _repr_html_(self) -> str:
        from gilscope import _html

        return _html.of_comparison(self)


def _pyperf_benchmark(mode: Mode) -> dict[str, Any]:
    assert mode.work_ns is not None
    return {
        "metadata": {"name": mode.mode},
        "runs": [{"values": [sample / 1e9], "metadata": {"loops": 1}} for sample in mode.work_ns.samples],
    }


def compare(
    *tasks: Callable[[], object] | str | os.PathLike[str],
    modes: Iterable[str] | None = None,
    workers: int | None = None,
    rounds: int = 5,
    timeout: float = 60,
    start_method: str | None = None,
    probe: bool = True,
    arguments: Sequence[str] = (),
) -> Comparison:
    """Run tasks in every concurrency mode, and say which one pays: `gilscope compare`, from Python.

    Each mode of each round is a fresh process of this same Python, which imports the tasks: what this process has set
    up besides its imports is not there.

    tasks: functions without arguments that can be imported by name, or texts as the command line takes them:
        FILE.py, FILE.py:FUNCTION, MODULE:FUNCTION. One given alone is run by each worker.
    modes: of sequential, threads, subinterpreters, processes, asyncio; all that this Python has.
    workers: of each concurrent mode; the number of tasks, at least 2.
    rounds: interleaved; from 5 on figures have an interval.
    timeout: of one trial, in seconds.
    start_method: of processes: fork, spawn, forkserver; this Python's own.
    probe: trace the GIL during the work.
    arguments: sys.argv[1:] of the tasks.

    A mode that fails is a row of the result with its reason. Raises TypeError where a task is neither callable nor a
    path; Error where it cannot be imported by name (a lambda, a function within a function, a notebook's cell), or
    where gilscope cannot run.
    """
    options = ["--rounds", str(rounds), "--timeout", str(timeout)]
    if modes is not None:
        options.append("--modes=" + ",".join([modes] if isinstance(modes, str) else modes))
    if workers is not None:
        options += ["--workers", str(workers)]
    if start_method is not None:
        options += ["--start-method", start_method]
    if not probe:
        options.append("--no-probe")
    if not tasks:
        raise TypeError("compare() needs a task: a function, or a text such as 'app.py:parse'")
    names = [_name_of(task) for task in tasks]
    with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
        file = Path(folder, "compare.json")
        rest = ["--", *arguments] if arguments else []
        text = _run([*own_command(), "compare", "-q", "--json", str(file), *options, *names, *rest])
        return _comparison_of(file.read_text(encoding="utf-8").strip(), text)


def ceiling(task: Callable[[], object]) -> float | None:
    """Run a task once, and say how much faster threads could make many of it, at most: 1.0 is not at all.

    Amdahl's bound with the time that it holds the GIL as the serial part: wall time / hold time. What other threads
    of this process do meanwhile is left out. None where this Python has no GIL: then it bounds nothing.

    task: any callable without arguments. What it raises is raised.

    Raises TypeError where it is not callable, Error where another trace runs.
    """
    if not callable(task):
        raise TypeError(f"a task is a function, not {type(task).__name__}")
    from gilscope._meter import Meter
    from gilscope._trace import gil_is_enabled

    if not gil_is_enabled():
        task()
        return None
    meter = Meter()
    with meter:
        task()
    held_share = 1 - meter.released_share
    return 1 / held_share if held_share > 0 else float("inf")


def _name_of(task: object) -> str:
    """The task as the command line takes it."""
    if isinstance(task, str | os.PathLike):
        name = os.fspath(task)
        if isinstance(name, bytes):
            name = os.fsdecode(name)
        if name.startswith("-"):
            raise ValueError(f"{name!r} is no task: FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION")
        return name
    if not callable(task):
        raise TypeError(f"a task is a function or a text such as 'app.py:parse', not {type(task).__name__}")
    module, function = getattr(task, "__module__", None), getattr(task, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(function, str):
        raise _refusal(f"{task!r} has no name of its own")
    if "<lambda>" in function:
        raise _refusal("a lambda has no name by which another process could import it")
    if "<locals>" in function:
        raise _refusal(f"{function} is within another function, where no other process can import it")
    found: Any = sys.modules.get(module)
    for part in function.split("."):
        found = getattr(found, part, None)
    # A bound method is made anew each time, and equals itself.
    if found is not task and found != task:
        raise _refusal(f"{module}.{function} is something else now")
    if module != "__main__":
        return f"{module}:{function}"
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None:
        raise _refusal(f"{function} was defined in a notebook or at a prompt, which other processes cannot import")
    return f"{file}:{function}"


def _refusal(what: str) -> _native.Error:
    return _native.Error(
        f"{what}; try: a function at the top level of a module: each trial is a process of its own, which imports it"
    )


def _own_places() -> list[str]:
    """Where this process looks for modules, but for what belongs to its installation.

    What is imported here is found there, too. A task may start another Python, which has a library of its own.
    """
    own = ("python{}.{}".format(*sys.version_info), "python{}{}.zip".format(*sys.version_info), "dist-packages")
    return [entry or os.getcwd() for entry in sys.path if not any(part in entry for part in own)]  # noqa: PTH109


def _run(command: list[str]) -> str:
    """What it prints for people. Raises Error with its words."""
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_own_places())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            process.terminate()  # it ends its trials
            process.wait()
            raise
    if process.returncode not in (0, 1):
        words = errors.strip().removeprefix("gilscope: ").replace("\n  try: ", "; try: ")
        raise _native.Error(words or f"the comparison ended with exit code {process.returncode}")
    return output


def _comparison_of(text: str, table: str) -> Comparison:
    document = json.loads(text)
    return make(
        Comparison,
        document,
        modes=[_mode_of(mode) for mode in document["modes"]],
        verdict=_verdict_of(document["verdict"]),
        _json=text,
        _text=table,
    )


def _verdict_of(verdict: dict[str, Any]) -> CompareVerdict:
    cost = verdict.get("memory_cost")
    ratios = {name: make(Ratio, ratio) for name, ratio in (cost or {}).items()}
    return make(CompareVerdict, verdict, memory_cost=cost and make(MemoryCost, ratios))


def _mode_of(figures: dict[str, Any]) -> Mode:
    parts = {
        "work_ns": Times,
        "setup_ns": Times,
        "speedup": Ratio,
        "gil_figures": GilFigures,
        "worker_time": WorkerTime,
    }
    return make(Mode, figures, **{name: figures[name] and make(kind, figures[name]) for name, kind in parts.items()})
