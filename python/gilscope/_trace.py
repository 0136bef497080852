"""gilscope.trace(): every acquire, wait and release of the GIL within a `with` statement, in any CPython."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

from gilscope import _native, _thread_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


@dataclasses.dataclass(frozen=True)
class Durations:
    """Percentiles of holds or waits, in ns; off by less than 0.78 %, but max_ns, which is exact."""

    p50_ns: int
    p90_ns: int
    p99_ns: int
    max_ns: int


@dataclasses.dataclass(frozen=True)
class Gil:
    """What one GIL did. Times are in ns; hold_share is of the wall time, None where that is 0."""

    id: int
    interpreters: list[int]  # that own it; empty where that is not known
    holds: int
    hold_ns: int
    waits: int
    wait_ns: int
    forced: int
    voluntary: int
    handoffs: int
    overlaps: int  # acquires while another thread held it: 0, or the figures are wrong
    hold_share: float | None


@dataclasses.dataclass(frozen=True)
class Thread:
    """What one thread did with one GIL. Times are in ns; None is not known."""

    id: int | None  # the system's; None: threads that came when there was no place left, merged
    name: str | None
    gil: int
    holds: int
    hold_ns: int
    hold_share: float | None  # of the wall time
    waits: int
    wait_ns: int
    wait_share: float | None  # of its lifetime
    lifetime_ns: int  # from its first use of the GIL to its last
    forced: int
    voluntary: int
    cpu_ns: int | None
    hold: Durations | None
    wait: Durations | None


@dataclasses.dataclass(frozen=True)
class Handoff:
    """How often a release by one thread was followed by an acquire by another."""

    gil: int
    from_: int | None  # thread ids; None: threads that came when no row was left, merged
    to: int | None
    count: int


@dataclasses.dataclass(frozen=True)
class Process:
    """One process: its GILs, and its threads, a row for each thread and GIL."""

    pid: int
    parent_pid: int
    start_method: str | None
    wall_ns: int
    cpu_ns: int | None
    gils: list[Gil]
    threads: list[Thread]
    handoffs: list[Handoff]


@dataclasses.dataclass(frozen=True)
class Probe:
    """What the measurement saw and cost."""

    clock: str  # tsc or monotonic
    events: int
    dropped: int  # 0, or the figures are too low
    unrecorded_processes: int
    overlooked_gils: int  # that could not be followed: too many lived at once
    overwritten: bool  # somebody else changed CPython's calls meanwhile: events are missing
    pair_cost_ns: float | None  # added to a release and its acquire, measured after the trace
    cost_share: float | None  # of the wall time
    capture_bytes: int | None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The summary in one sentence, and what it is made from."""

    kind: str  # bottleneck, no_bottleneck, one_thread, no_gil
    text: str
    wait_share: float | None
    ceiling: float | None  # of one thread: how much faster threads could make this at most


@dataclasses.dataclass(frozen=True)
class Summary:
    """gilscope.summary/1 as objects: the names are those of the JSON, the times in ns."""

    python: dict[str, Any]
    machine: dict[str, Any]
    command: list[str]
    exit_code: int | None
    wall_ns: int | None
    cpu_ns: int | None
    probe: Probe
    verdict: Verdict
    processes: list[Process]
    check: dict[str, Any] | None  # of `gilscope report --check`
    _json: str = dataclasses.field(repr=False)
    _text: str = dataclasses.field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON has it: docs/schemas/summary.schema.json."""
        document: dict[str, Any] = json.loads(self._json)
        return document

    def __str__(self) -> str:
        """The verdict, and a table of the threads."""
        return self._text

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(self._text)}</pre>"


def _durations(figures: dict[str, int] | None) -> Durations | None:
    return None if figures is None else Durations(**figures)


def _summary(text: str, table: str) -> Summary:
    document = json.loads(text)
    del document["schema"]
    processes = [
        Process(
            **{
                **process,
                "gils": [Gil(**gil) for gil in process["gils"]],
                "threads": [
                    Thread(**{**thread, "hold": _durations(thread["hold"]), "wait": _durations(thread["wait"])})
                    for thread in process["threads"]
                ],
                "handoffs": [
                    Handoff(gil=pair["gil"], from_=pair["from"], to=pair["to"], count=pair["count"])
                    for pair in process["handoffs"]
                ],
            }
        )
        for process in document["processes"]
    ]
    figures = {"probe": Probe(**document["probe"]), "verdict": Verdict(**document["verdict"]), "processes": processes}
    return Summary(**{**document, **figures}, _json=text, _text=table)


def _describe_python() -> dict[str, Any]:
    import platform
    import sysconfig

    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "linkage": "stock",
        "free_threaded": sysconfig.get_config_var("Py_GIL_DISABLED") == 1,
        "config_args": sysconfig.get_config_var("CONFIG_ARGS"),
    }


class trace:  # noqa: N801  (used like a function)
    """Trace every GIL of this process for the length of a `with` statement.

    with gilscope.trace() as t:
        work()
    print(t.summary)

    Exact, on a stock CPython, for about a clock read an event. One runs in
    a process at a time; it can be entered once. Child processes are not in
    it: `gilscope run` has them.

    Raises Error (a RuntimeError) on entry where another trace runs, or this
    build of CPython is not understood. A free-threaded build whose GIL is
    off is no error: the summary says so.
    """

    def __init__(self) -> None:
        """Nothing is traced before the `with` statement."""
        self._tracer: _native.Tracer | None = None
        self._unwatch: Callable[[], None] | None = None
        self._summary: Summary | None = None

    def __enter__(self) -> trace:
        """Begin to trace."""
        import threading

        if self._tracer is not None:
            raise _native.Error("this trace was entered before; try: another gilscope.trace()")
        tracer = _native.Tracer()
        if tracer.start():
            self._unwatch = _thread_names.watch(threading, tracer.name_thread, tracer.end_thread)
        self._tracer = tracer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop to trace, and make the summary."""
        assert self._tracer is not None
        if self._unwatch is not None:
            self._unwatch()
        self._tracer.stop()
        text = self._tracer.summary_json(json.dumps(_describe_python()), sys.orig_argv)
        self._summary = _summary(text, self._tracer.summary_text())

    @property
    def summary(self) -> Summary:
        """What the GIL did. Raises Error before the end of the `with` statement."""
        if self._summary is None:
            raise _native.Error("the trace has not ended; try: its summary after the `with` statement")
        return self._summary
