"""gilscope.trace(): every acquire, wait and release of the GIL within a `with` statement, in any CPython."""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, Any, Literal, get_args

from gilscope import _names, _native
from gilscope._summary import Summary, summary_of_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


def _encodable(text: str) -> str:
    """The same, but for what came of bytes that are no UTF-8: paths and arguments may have such."""
    return text.encode("utf-8", "backslashreplace").decode()


@functools.cache
def _describe_python() -> str:
    import platform
    import sysconfig

    return json.dumps(
        {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": _encodable(sys.executable or ""),
            "linkage": "stock",
            "free_threaded": sysconfig.get_config_var("Py_GIL_DISABLED") == 1,
            "config_args": sysconfig.get_config_var("CONFIG_ARGS"),
        }
    )


def gil_is_enabled() -> bool:
    """Whether this Python has a GIL, and uses it."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())  # 3.13+


_Lines = Literal["contended", "all", "none"]


class trace:  # noqa: N801  (used like a function)
    """Trace every GIL of this process, for the length of a `with` statement or from start() to stop().

        with gilscope.trace() as t:
            work()
        print(t.summary)

    Exact, on a stock CPython, for about a clock read an event. Any thread
    may start it, stop it and look at it. It runs once. Up to four may run at
    once, within one another or beside, `gilscope run` counted with them; each
    adds its clock reads. Child processes are not in it (`gilscope run` has
    them); the child of an os.fork() within it goes on with a trace of its
    own, of itself alone.

    `lines` says of which holds the summary's `blame` tells where in the code
    they began and ended: "contended", those for which another thread waited;
    "all", also those for which nobody did, for about 0.1 µs more a release and
    acquire; "none", of no hold at all.

    A free-threaded build whose GIL is off is no error: the summary says so. Nor
    is a process with few addresses left (`ulimit -v`): a line on standard error
    says why it is not traced, and the summary that a process is missing.
    """

    def __init__(self, *, lines: _Lines = "contended") -> None:
        """Nothing is traced before start(). Raises ValueError."""
        if lines not in get_args(_Lines):
            raise ValueError(f"lines is one of {', '.join(get_args(_Lines))}, not {lines!r}")
        self._lines = lines
        self._keeps_events = False
        self._tracer: _native.Tracer | None = None
        self._unwatch: Callable[[], None] | None = None
        self._summary: Summary | None = None

    def start(self) -> None:
        """Begin to trace.

        Raises Error where four run in this process already, this one was started before, or this build of
        CPython is not understood; then nothing is traced.
        """
        import threading

        if self._tracer is not None:
            raise _native.Error("this trace was started before; try: another gilscope.trace()")
        tracer = _native.Tracer(self._lines, self._keeps_events)
        if (lack := tracer.lack()) is not None and sys.stderr is not None:
            print(f"gilscope: warning: this process is not traced: {lack}", file=sys.stderr)
        try:
            is_traced = tracer.start()
        except _native.Error:
            del tracer  # and the folder of its events: a traceback keeps what this frame has
            raise
        if is_traced:
            _, self._unwatch = _names.watch(threading, tracer.name_thread, tracer.name_process, tracer.end_thread)
        self._tracer = tracer

    def snapshot(self) -> Summary:
        """Make the summary of what has happened up to now, while the trace goes on.

        Figures are cumulative: no count and no sum of times is less than in the snapshot before. Holds and waits that
        have not ended are in it, up to now. Each row is consistent in itself whatever other threads do meanwhile. Takes
        about a millisecond, without the GIL; the first look at the summary takes longer, as it is put into words then.
        What the probe costs is known at the end only. Once the trace has ended, its summary.

        Raises Error before start().
        """
        if self._summary is not None:
            return self._summary
        if self._tracer is None:
            raise _native.Error("the trace has not begun; try: its start(), or a `with` statement")
        command = [_encodable(argument) for argument in sys.orig_argv]
        return summary_of_snapshot(self._tracer.snapshot(_describe_python(), command))

    def stop(self) -> Summary:
        """End the trace, and make its summary.

        Raises Error where it does not run.
        """
        if self._tracer is None or self._summary is not None:
            raise _native.Error("the trace does not run; try: its start()")
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None  # it keeps the tracer
        self._tracer.stop()
        self._summary = self.snapshot()
        return self._summary

    @property
    def summary(self) -> Summary:
        """What the GIL did. Raises Error before the end of the trace."""
        if self._summary is None:
            raise _native.Error("the trace has not ended; try: its summary after the `with` statement, or snapshot()")
        return self._summary

    def __enter__(self) -> Self:
        """Begin to trace: see start()."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the trace, unless its stop() was called before."""
        if self._summary is None:
            self.stop()


class TimedTrace(trace):
    """A trace that keeps every event in a temporary file, to say when what happened. It has no snapshot()."""

    def __init__(self) -> None:
        """Nothing is traced before start()."""
        super().__init__()
        self._keeps_events = True

    def take_timeline(self) -> dict[str, Any] | None:
        """After the end, once: as host/report/timeline_json.h has it, of its forks, too; None without a GIL.

        The events are gone then, whoever keeps this object: a traceback does.
        """
        text = None if self._tracer is None else self._tracer.timeline()
        self._tracer = None
        timeline: dict[str, Any] | None = None if text is None else json.loads(text)
        return timeline
