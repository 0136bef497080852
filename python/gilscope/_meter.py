"""What a piece of code does with the GIL, apart from what others do meanwhile: for tests. Measurement has the words."""

from __future__ import annotations

import dataclasses
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gilscope import _native
from gilscope._native import format_duration, format_share
from gilscope._process import Place
from gilscope._trace import trace

if TYPE_CHECKING:
    from types import TracebackType

    from gilscope._process import Blame, Process
    from gilscope._summary import Summary


@dataclasses.dataclass(frozen=True)
class Span:
    """Holds of one thread between the same two lines. Times are in ns."""

    begin: str  #: where it got the GIL
    end: str  #: where it gave it up
    held_ns: int
    holds: int
    longest_hold_ns: int


@dataclasses.dataclass(frozen=True)
class Holder:
    """What one thread did with the GIL while the code ran. Times are in ns."""

    name: str
    is_bystander: bool
    held_ns: int
    holds: int
    longest_hold_ns: int
    forced: int  #: releases, because another thread had waited for a switch interval
    spans: list[Span]  #: its holds by line, those first that held it longest


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What the code did: the thread that ran it, and the threads that came while it ran. Times are in ns.

    Threads that were there before are bystanders: what they hold is not the code's. All of it is about the main
    interpreter's GIL.
    """

    wall_ns: int
    waited_ns: int  #: the thread that ran it waited for the GIL
    holders: list[Holder]
    summary: Summary

    @property
    def held_ns(self) -> int:
        """How long the code held the GIL, its threads together."""
        return sum(holder.held_ns for holder in self.holders if not holder.is_bystander)

    @property
    def holds(self) -> int:
        """How often the code held the GIL."""
        return sum(holder.holds for holder in self.holders if not holder.is_bystander)

    @property
    def longest_hold_ns(self) -> int:
        """How long a thread of the code's held the GIL at most, without giving it up."""
        return max((holder.longest_hold_ns for holder in self.holders if not holder.is_bystander), default=0)

    @property
    def released_share(self) -> float:
        """Of the code's time, the share in which it did not hold the GIL, 0 to 1: 1 - held_ns / (wall_ns - waited_ns).

        To wait for the GIL is not to release it: others decide on how long that takes, so it counts for neither side.
        """
        own_ns = self.wall_ns - self.waited_ns
        return 1 - min(1.0, self.held_ns / own_ns) if own_ns > 0 else 0.0

    def describe(self) -> str:
        """Say who held the GIL, for how long and from which line to which: a line a thread, and a few of its spans."""
        waited = f", {format_duration(self.waited_ns)} of it waiting for the GIL" if self.waited_ns else ""
        lines = [f"it took {format_duration(self.wall_ns)}{waited}"]
        for holder in self.holders:
            lines += [_describe(holder, self.wall_ns), *_describe_spans(holder)]
        return "\n".join(lines)


class Meter:
    """`with meter:` measures the code within, again and again; the figures are those of the last time.

    It is a trace, with what is said there of several at once.
    """

    def __init__(self, begin: str | None = None) -> None:
        """Nothing is measured yet. `begin`: where the code begins; default: the line of the `with` statement."""
        self._begin_line = begin
        self.measurements: list[Measurement] = []
        self._trace: trace | None = None
        self._runner = 0
        self._bystanders: set[int] = set()
        self._begin = ""
        self._begin_ns = 0

    def __enter__(self) -> Meter:
        """Begin to measure. Raises Error."""
        if self._trace is not None:
            raise _native.Error("this meter measures already; try: one `with` statement after the other")
        started = trace(lines="all")
        self._runner = threading.get_native_id()
        self._begin = f"the begin ({self._begin_line or _callers_name()})"
        self._bystanders = {int(task.name) for task in Path("/proc/self/task").iterdir()} - {self._runner}
        started.start()
        self._trace = started
        self._begin_ns = time.monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the measurement."""
        wall_ns = time.monotonic_ns() - self._begin_ns
        assert self._trace is not None
        ended, self._trace = self._trace, None
        summary = ended.stop()
        self.measurements.append(self._measure(summary, wall_ns))

    def _measure(self, summary: Summary, wall_ns: int) -> Measurement:
        if not summary.processes:
            raise _native.Error(f"the GIL was not measured: {summary.verdict.text}")
        process = summary.processes[0]
        gil = _main_gil(process)
        threads = [thread for thread in process.threads if thread.gil == gil and thread.holds]
        waited_ns = sum(thread.wait_ns for thread in threads if thread.id == self._runner)
        holders = []
        for thread in threads:
            # The runner holds the GIL while the trace is set up and ended, which is not the code's doing.
            own_ns = max(0, thread.lifetime_ns - wall_ns) if thread.id == self._runner else 0
            held_ns = max(0, thread.hold_ns - own_ns)
            holders.append(
                Holder(
                    name="further threads" if thread.id is None else thread.name or f"thread {thread.id}",
                    is_bystander=thread.id in self._bystanders,
                    held_ns=held_ns,
                    holds=thread.holds,
                    longest_hold_ns=min(held_ns, thread.hold.max_ns if thread.hold else 0),
                    forced=thread.forced,
                    spans=_spans_of(
                        [row for row in process.blame or [] if row.gil == gil and row.thread == thread.id],
                        held_ns,
                        begin=self._begin if thread.id == self._runner else "its begin",
                        end="the end" if thread.id == self._runner else "its end",
                    ),
                )
            )
        return Measurement(wall_ns, min(wall_ns, waited_ns), holders, summary)

    @property
    def last(self) -> Measurement:
        """All figures. Raises Error before the end of the first `with` statement."""
        if not self.measurements:
            raise _native.Error("nothing was measured yet; try: the figures after the `with` statement")
        return self.measurements[-1]

    @property
    def released_share(self) -> float:
        """Of the code's time, the share in which it did not hold the GIL, 0 to 1; waits for the GIL are left out."""
        return self.last.released_share

    @property
    def wall_ns(self) -> int:
        """How long the code took, in ns."""
        return self.last.wall_ns

    @property
    def held_ns(self) -> int:
        """How long the code held the GIL, its threads together, in ns."""
        return self.last.held_ns

    @property
    def holds(self) -> int:
        """How often it did."""
        return self.last.holds

    @property
    def longest_hold_ns(self) -> int:
        """How long it held the GIL at most without giving it up, in ns."""
        return self.last.longest_hold_ns

    @property
    def summary(self) -> Summary:
        """All threads and GILs of the process."""
        return self.last.summary


def _main_gil(process: Process) -> int:
    """The main interpreter's; where nobody knows whose it is, the one that was found first."""
    mains = [gil.id for gil in process.gils if 0 in gil.interpreters]
    return mains[0] if mains else min(gil.id for gil in process.gils)


# Of code in these folders, whoever calls it is more of a culprit.
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PACKAGE = str(Path(__file__).parent)
_MOST_SPANS = 3


def _callers_name() -> str:
    """The line that called gilscope."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return _line_of(Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname))


def _spans_of(rows: list[Blame], held_ns: int, *, begin: str, end: str) -> list[Span]:
    """A thread's holds by line; no span is longer than all that the code held it."""
    callers = {row.to: _callers_line(row.stack) for row in rows if row.to}

    def name(place: Place | None, edge: str) -> str:
        # No Python code: of a thread that begins or ends. Within gilscope: the measurement begins or ends.
        if place is None or place.file.startswith(_PACKAGE):
            return edge
        return _line_of(callers.get(place) or place)

    merged: dict[tuple[str, str], Span] = {}
    for row in rows:
        ends = name(row.from_, begin), name(row.to, end)
        known = merged.get(ends, Span(*ends, held_ns=0, holds=0, longest_hold_ns=0))
        merged[ends] = Span(
            *ends,
            held_ns=min(held_ns, known.held_ns + row.hold_ns),
            holds=known.holds + row.holds,
            longest_hold_ns=min(held_ns, max(known.longest_hold_ns, row.max_hold_ns)),
        )
    return sorted(merged.values(), key=lambda span: -span.held_ns)


def _callers_line(stack: list[Place]) -> Place | None:
    """The innermost place that is of no library."""
    return next((place for place in stack if not place.file.startswith((*_LIBRARIES, _PACKAGE, "<frozen "))), None)


def _line_of(place: Place) -> str:
    path = Path(place.file)
    file = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else place.file
    return f"{file}:{place.line} {place.function}"


def _describe_spans(holder: Holder) -> list[str]:
    lines = []
    for span in holder.spans[:_MOST_SPANS]:
        longest = f", the longest of {format_duration(span.longest_hold_ns)}" if span.holds > 1 else ""
        lines.append(
            f"    from {span.begin} to {span.end}: {format_duration(span.held_ns)} in {_count_of(span.holds, 'hold')}"
            f"{longest}"
        )
    if len(holder.spans) > _MOST_SPANS:
        lines.append(f"    ({_count_of(len(holder.spans) - _MOST_SPANS, 'span')} more, shorter)")
    return lines


def _count_of(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _describe(holder: Holder, wall_ns: int) -> str:
    share = format_share(min(1.0, holder.held_ns / wall_ns)) if wall_ns else "-"
    bystander = ", a bystander," if holder.is_bystander else ""
    return (
        f"  {holder.name}{bystander} held the GIL for {format_duration(holder.held_ns)} ({share}) in "
        f"{_count_of(holder.holds, 'hold')}, the longest of {format_duration(holder.longest_hold_ns)}, "
        f"{holder.forced} forced"
    )
