"""Loads tasks and runs them in one worker, stamping each job's begin and end; the same code in every mode.

Frozen into the host as `_gilscope_trial_tasks`, so that main, sub-interpreters and child processes alike can import
it; a file of that name where a stock Python runs it (stock_main.py). It imports as little as it can: what it imports
is part of every worker's set-up.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the import


class TaskSpec(TypedDict):
    """What to load: a whole script, or a function of a file or of a module."""

    file: str  # absolute path, or "" for a module
    module: str
    function: str  # "" for a whole script


class TrialSpec(TypedDict):
    """One trial as the C++ side describes it."""

    mode: str
    workers: int
    start_method: str  # "" for this Python's own
    tasks: list[TaskSpec]
    jobs: list[int]  # index into tasks, for each job
    arguments: list[str]  # sys.argv[1:] of the tasks
    is_traced: bool


class GilWork(TypedDict):
    """What one GIL did during the timed work."""

    wall_ns: int  # of the recording
    holds: int
    hold_ns: int
    waits: int
    wait_ns: int
    forced: int
    handoffs: int


class WorkWaits(TypedDict):
    """For what the threads of a process waited during the timed work."""

    gils: list[GilWork]
    lock_wait_ns: int
    stopped_ns: int


class JobSpan(TypedDict):
    """When a job ran. Times in ns: CLOCK_MONOTONIC, and the CPU time of the job's process and its children."""

    job: int
    begin_ns: int
    end_ns: int
    cpu_begin_ns: int
    cpu_end_ns: int
    cpu_wait_ns: int | None


class Failure(TypedDict):
    """Why a trial is not ok: `kind` is load, task or worker."""

    kind: str
    message: str
    traceback: str


class WorkerReport(TypedDict):
    """What one worker did. Plain values only: it crosses interpreters by marshal and processes by pickle."""

    pid: int
    ready_ns: int
    spans: list[JobSpan]
    digests: list[tuple[int, str | None]]
    failure: Failure | None
    slow_modules: list[str]
    peak_rss_bytes: int | None
    gil_enabled: bool
    waits: WorkWaits | None  # of this process; None where it is not traced, or another worker's report has them


class LoadError(Exception):
    """A task that cannot be loaded: its file, module or function is not there, or its import raised."""


def cpu_ns() -> int:
    """CPU time of this process and of the children it has waited for, in ns."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int((children.ru_utime + children.ru_stime) * 1e9)


def cpu_wait_ns() -> int | None:
    """For how long this thread has been in the queue for a CPU; None where the system does not tell."""
    try:
        with open("/proc/thread-self/schedstat", "rb", buffering=0) as times:
            return int(times.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None


def peak_rss_bytes() -> int | None:
    """This process's peak resident set in bytes; None where /proc does not tell.

    VmHWM rather than ru_maxrss, which a child inherits from its parent over exec.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def enter(spec: TrialSpec) -> None:
    """Makes sys.argv and sys.path what they are under `python FILE`: each interpreter needs this once."""
    first = spec["tasks"][0]
    sys.argv = [first["file"] or first["module"], *spec["arguments"]]
    folders = [os.path.dirname(task["file"]) for task in spec["tasks"]]
    sys.path[:0] = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]


def describe_failure(kind: str, error: BaseException) -> Failure:
    """The failure as text, from the first frame on that is the user's."""
    import traceback

    frames = error.__traceback__
    while frames is not None and is_own_or_frozen(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    last = traceback.format_exception_only(type(error), error)[-1].strip()
    message = str(error) if isinstance(error, LoadError) else last
    return {"kind": kind, "message": printable(message), "traceback": printable(text)}


def is_own_or_frozen(file: str) -> bool:
    """Whether a frame of this file is none of the user's; these modules are files where a stock Python runs them."""
    return file.startswith("<frozen ") or os.path.basename(file).startswith("_gilscope_")


def printable(text: str) -> str:
    """The text without lone surrogates, which JSON cannot carry."""
    return text.encode("utf-8", "backslashreplace").decode()


def load_script(path: str) -> Callable[[], object]:
    """A callable that runs the file as `__main__`, from a fresh namespace each time."""
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)

    def run_script() -> None:
        main = ModuleType("__main__")
        main.__file__ = path
        sys.modules["__main__"] = main
        exec(code, main.__dict__)  # noqa: S102

    return run_script


def load_file(path: str) -> ModuleType:
    """The file as a module under its own name, as an import from its folder would make it."""
    import importlib.util

    name = os.path.splitext(os.path.basename(path))[0]
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    if known is None:
        sys.modules[name] = module  # what the tasks pickle is found under this name
    spec.loader.exec_module(module)
    return module


def load_task(task: TaskSpec) -> Callable[[], object]:
    """The task as a callable without arguments. Raises LoadError, or what the import raised."""
    if not task["function"]:
        return load_script(task["file"])
    if task["file"]:
        found: Any = load_file(task["file"])
        where = task["file"]
    else:
        import importlib

        found = importlib.import_module(task["module"])
        where = f"module {task['module']}"
    for name in task["function"].split("."):
        if not hasattr(found, name):
            raise LoadError(f"{where} has no function '{task['function']}'")
        found = getattr(found, name)
    if not callable(found):
        raise LoadError(f"{where}: '{task['function']}' is no function but of type {type(found).__name__}")
    missing = required_arguments(found)
    if missing:
        raise LoadError(
            f"{where}: '{task['function']}' needs arguments ({', '.join(missing)}), and a task is called without: "
            "name a function of your own that calls it"
        )
    flags = getattr(getattr(found, "__code__", None), "co_flags", 0)
    if flags & CO_COROUTINE:
        import asyncio  # noqa: F401  (now, and not within the timed work)
    return found  # type: ignore[no-any-return]


def required_arguments(function: Any) -> list[str]:
    """The names of those that have no default, as far as Python's own functions tell: inspect is not imported."""
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    given = 1 if getattr(function, "__self__", None) is not None else 0
    last = code.co_argcount - len(getattr(function, "__defaults__", None) or ())
    defaults = getattr(function, "__kwdefaults__", None) or {}
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return [*code.co_varnames[given:last], *(name for name in keywords if name not in defaults)]


class Worker:
    """Runs jobs one after the other and keeps what is known of each."""

    def __init__(self, spec: TrialSpec, callables: list[Callable[[], object]] | None = None) -> None:
        """Loads the tasks, unless the caller did (threads share what the main thread loaded)."""
        self.failure: Failure | None = None
        self.spans: list[JobSpan] = []
        self.values: dict[int, object] = {}
        self.jobs = spec["jobs"]
        self.callables = callables or []
        if callables is None:
            try:
                enter(spec)
                self.callables = [load_task(task) for task in spec["tasks"]]
            except BaseException as error:  # SystemExit too
                self.failure = describe_failure("load", error)
        self.ready_ns = time.monotonic_ns()

    def run_job(self, job: int) -> None:
        """Runs one job; coroutines run in an event loop of their own."""
        if self.failure is not None:
            return
        waited = cpu_wait_ns()
        cpu_begin, begin = cpu_ns(), time.monotonic_ns()
        try:
            value = self.callables[self.jobs[job]]()
            if hasattr(value, "__await__"):
                import asyncio

                value = asyncio.run(_result_of(value))
        except BaseException as error:  # SystemExit and CancelledError are a task's failures too
            if not self._accepts(error):
                return
            value = None
        self._keep(job, value, begin, cpu_begin, waited)

    async def run_job_in_loop(self, job: int) -> None:
        """Runs one job within the running event loop; a plain function blocks it, as it does in life."""
        if self.failure is not None:
            return
        waited = cpu_wait_ns()
        cpu_begin, begin = cpu_ns(), time.monotonic_ns()
        try:
            value = self.callables[self.jobs[job]]()
            if hasattr(value, "__await__"):
                value = await _result_of(value)
        except BaseException as error:  # SystemExit and CancelledError are a task's failures too
            if not self._accepts(error):
                return
            value = None
        self._keep(job, value, begin, cpu_begin, waited)

    def _accepts(self, error: BaseException) -> bool:
        """Whether the error is a script's normal end; keeps it as the failure where it is not."""
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return True
        if self.failure is None:
            self.failure = describe_failure("task", error)
        return False

    def _keep(self, job: int, value: object, begin: int, cpu_begin: int, waited: int | None) -> None:
        end = time.monotonic_ns()
        cpu_end = cpu_ns()
        waited_then = cpu_wait_ns()
        self.spans.append(
            {
                "job": job,
                "begin_ns": begin,
                "end_ns": end,
                "cpu_begin_ns": cpu_begin,
                "cpu_end_ns": cpu_end,
                "cpu_wait_ns": None if waited is None or waited_then is None else waited_then - waited,
            }
        )
        self.values[job] = value

    def report(self) -> WorkerReport:
        """What this worker did. Called after the work of all workers: pickling would disturb theirs."""
        peak = peak_rss_bytes()
        return {
            "pid": os.getpid(),
            "ready_ns": self.ready_ns,
            "spans": self.spans,
            "digests": [(job, digest(value)) for job, value in self.values.items()],
            "failure": self.failure,
            "slow_modules": slow_modules(),
            "peak_rss_bytes": peak,
            "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "waits": None,
        }


def begin_recording(spec: TrialSpec) -> None:
    """Traces what this process waits for from now on."""
    if spec["is_traced"]:
        import _gilscope_work  # of the host: host/cli/work_recording.cpp

        _gilscope_work.begin()


def end_recording(spec: TrialSpec) -> WorkWaits | None:
    """What it waited for since; None where that is not known."""
    if not spec["is_traced"]:
        return None
    import _gilscope_work

    waits: WorkWaits | None = _gilscope_work.end()
    return waits


async def _result_of(awaitable: Any) -> object:
    return await awaitable


def digest(value: object) -> str | None:
    """A digest of the value's pickle; None where it cannot be pickled."""
    import hashlib
    import pickle

    try:
        pickled = pickle.dumps(value, 5)
    except Exception:  # whatever a __reduce__ raises means the same
        return None
    return hashlib.sha256(pickled).hexdigest()


def slow_modules() -> list[str]:
    """Modules that silently became their pure-Python versions (datetime and decimal in isolated 3.12)."""
    pairs = {"datetime": "_datetime", "decimal": "_decimal"}
    return [slow for slow, fast in pairs.items() if slow in sys.modules and fast not in sys.modules]


def run_jobs(worker: Worker, jobs: Iterable[int]) -> None:
    """Runs jobs from a source that the workers share, until it is empty."""
    for job in jobs:
        worker.run_job(job)


def start(spec: bytes) -> Worker:
    """A worker for a marshalled spec: what a sub-interpreter begins with."""
    import marshal

    return Worker(marshal.loads(spec))


def finish(worker: Worker) -> bytes:
    """The worker's report, marshalled: all that leaves a sub-interpreter."""
    import marshal

    return marshal.dumps(dict(worker.report()))
