"""What monitoring is told of a trace: counters by GIL and name of thread, of a bounded number, that never get less."""

from __future__ import annotations

import collections
import dataclasses
import operator
import os
import re
import threading
import weakref
from typing import TYPE_CHECKING, NamedTuple, Union

from gilscope._trace import gil_is_enabled
from gilscope._trace import trace as new_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gilscope._process import OtherThread, Thread


class Metric(NamedTuple):
    """One counter, of a field of Thread, and how each system names it."""

    figure: str
    prometheus: str  # without its suffix _total
    opentelemetry: str
    unit: str  # of UCUM; "s": the figure is in ns
    text: str

    def of(self, figures: dict[str, int]) -> float:
        """In its unit."""
        return figures[self.figure] / 1e9 if self.unit == "s" else figures[self.figure]


METRICS = (
    Metric("hold_ns", "gilscope_gil_held_seconds", "cpython.gil.hold.time", "s", "Time that threads held the GIL."),
    Metric("holds", "gilscope_gil_holds", "cpython.gil.holds", "{hold}", "How often threads took the GIL."),
    Metric(
        "wait_ns", "gilscope_gil_waited_seconds", "cpython.gil.wait.time", "s", "Time that threads waited for the GIL."
    ),
    Metric("waits", "gilscope_gil_waits", "cpython.gil.waits", "{wait}", "How often threads waited for the GIL."),
    Metric(
        "forced",
        "gilscope_gil_forced_releases",
        "cpython.gil.forced_releases",
        "{release}",
        "How often threads had to give up the GIL: a waiter's switch interval had run out.",
    ),
)
#: What a thread did: the fields of States.
STATES = ("running", "computing_without_gil", "gil_wait", "lock_wait", "work_wait", "stopped", "no_cpu", "blocked")
STATES_TEXT = "Where the time of threads went: they ran Python, waited for the GIL, slept."
ENABLED_TEXT = (
    "1 where the GIL is on, 0 where a free-threaded build has it off: then the time of threads alone is told."
)
COMPLETE_TEXT = "1 where every event was counted, 0 where some were not: then the counters are too low."

OTHER = "(other)"
UNNAMED = "(unnamed)"
ENDED = "(ended threads)"  # the row of those without a name

# The names that CPython gives: their numbers grow with each thread, or with each pool, and tell nothing.
# Rows of ended threads have N for a number.
_NUMBERED = re.compile(
    r"\A(Thread|Dummy|ThreadPoolExecutor|InterpreterPoolExecutor)-(?:\d+|N)(?:_(?:\d+|N))?(?=\Z| \()"
)


def label_of(name: str) -> str:
    """Return the name of a thread without the number that CPython gave it, and every other name as it is.

    `Thread-12 (handle)` is `Thread (handle)`, `ThreadPoolExecutor-0_3` is `ThreadPoolExecutor`.
    """
    return _NUMBERED.sub(r"\1", name)


def families_of(name: str | None) -> list[str]:
    """Return the names of the rows into which such a thread may be folded once it has ended, the likeliest first.

    As ProcessNote::family_of has it (host/recording/process_note.cpp).
    """
    if not name:
        return [ENDED]
    return [re.sub(r"\d+(?=\Z| \()", "N", name, count=1), re.sub(r"\d+", "N", name), ENDED]


class Series(NamedTuple):
    """Whose a counter is: the values of its two labels."""

    gil: str
    thread: str


class TimesRow(NamedTuple):
    """Where the time of a thread went, as Totals takes it. What is not known is 0."""

    id: int
    name: str | None
    folded: int
    figures: dict[str, int]
    gil: int = 0  # these are over all of them

    @staticmethod
    def of(thread: Thread | OtherThread) -> TimesRow:
        """Of a row of a snapshot that has states."""
        figures = {state: getattr(thread.states, state) or 0 for state in STATES}
        return TimesRow(thread.id or 0, thread.name, getattr(thread, "folded", 0), figures)

    def __getattr__(self, figure: str) -> int:
        return self.figures[figure]


class Totals:
    """Sums what the rows of snapshots gained, from one to the next, by the name that a row had then.

    A row goes by the system's id of its thread, so that its name may come late, change, or be another thread's at last,
    once the system gives the id again; a sum of the rows that have a name now would get less each time. What a row
    gained between two snapshots counts for the name that it has in the second. Where a row of ended threads takes in
    more of them, it gains what they did: all but what they had in the snapshot before.
    """

    def __init__(self, max_series: int, label: Callable[[str], str], figures: Sequence[str]) -> None:
        """Nothing was gained yet. `figures`: of the rows; for the others see prometheus.collector."""
        self._max_series = max_series
        self._label = label
        self._figures = figures
        self._most: dict[tuple[int, int | None], dict[str, int]] = {}  # that each row had so far
        self._names: dict[tuple[int, int | None], str | None] = {}
        self._folded: dict[int, int] = {}  # how many threads, by GIL
        self._own: set[Series] = set()  # that are not of the rest
        self.series: dict[Series, dict[str, int]] = {}

    def update(self, threads: Iterable[Row]) -> None:
        """Add what these rows have more than they ever had. What the label raises changes nothing."""
        rows = [(thread, self._label_of(thread)) for thread in threads]
        counted = self._take_folded([thread for thread, _ in rows])
        for thread, label in rows:
            total = self.series.setdefault(self._place(str(thread.gil), label), dict.fromkeys(self._figures, 0))
            most = self._most.setdefault((thread.gil, thread.id), dict.fromkeys(self._figures, 0))
            self._names[thread.gil, thread.id] = thread.name
            for figure in self._figures:
                # Less than before: a row was read while its thread stood still in the middle of a change.
                gain = max(0, getattr(thread, figure) - most[figure])
                most[figure] += gain
                if thread.folded:
                    gain -= _take(counted, thread, figure, gain)
                total[figure] += gain

    def _take_folded(self, threads: list[Row]) -> _Counted:
        """Forget the rows that others took in, and return what was counted of them."""
        now: dict[int, int] = collections.Counter()
        families: set[tuple[int, str | None]] = set()
        for thread in threads:
            if thread.folded:
                now[thread.gil] += thread.folded
                families.add((thread.gil, thread.name))
        keys = {(thread.gil, thread.id) for thread in threads}
        counted: _Counted = {}
        for key in [key for key in self._most if key not in keys and now.get(key[0], 0) > self._folded.get(key[0], 0)]:
            gil, _ = key
            most, name = self._most.pop(key), self._names.pop(key)
            family = next((name for name in families_of(name) if (gil, name) in families), None)
            sums = counted.setdefault((gil, family), dict.fromkeys(self._figures, 0))
            for figure in self._figures:
                sums[figure] += most[figure]
        self._folded.update(now)
        return counted

    def _label_of(self, thread: Row) -> str:
        if thread.id is None:
            return OTHER
        return self._label(thread.name) if thread.name and thread.name != ENDED else UNNAMED

    def _place(self, gil: str, label: str) -> Series:
        """Its own while there are few enough; else the rest of its GIL, or of all GILs that have none of their own."""
        wanted = Series(gil, label)
        if wanted in self._own or len(self._own) < self._max_series:
            self._own.add(wanted)
            return wanted
        return Series(gil if any(own.gil == gil for own in self._own) else OTHER, OTHER)


Row = Union["Thread", TimesRow]

#: Of a GIL and the name of a row, what was counted of the threads that this row took in; None: nobody knows which row.
_Counted = dict[tuple[int, str | None], dict[str, int]]


def _take(counted: _Counted, thread: Row, figure: str, most: int) -> int:
    """Return how much of what this row of ended threads gained was counted before, `most` at most, and take it out."""
    taken = 0
    for key in ((thread.gil, thread.name), (thread.gil, None)):
        sums = counted.get(key, {})
        part = min(sums.get(figure, 0), most - taken)
        if part:
            sums[figure] -= part
            taken += part
    return taken


@dataclasses.dataclass(frozen=True)
class Reading:
    """The counters at one instant; no series, and `is_complete` None, where this process has no GIL."""

    is_gil_enabled: bool
    is_complete: bool | None
    series: dict[Series, dict[str, int]]
    times: dict[str, dict[str, int]]  # by the label of a thread and the state


class Source:
    """The counters of a trace, for any thread to read. The child of a fork begins anew, as its trace does."""

    def __init__(self, trace: new_trace | None, max_series: int, label: Callable[[str], str]) -> None:
        """Begin a trace, or take one that was begun. Raises Error, ValueError, TypeError: see prometheus.collector."""
        if operator.index(max_series) < 1:
            raise ValueError(f"max_series must be at least 1, and is {max_series}")
        # Nobody reads lines here: to note them would cost each contended release for nothing. Without a GIL there is
        # nothing but what they are noted with.
        self.trace = new_trace(lines="none" if gil_is_enabled() else "contended") if trace is None else trace
        self._bounds = max_series, label
        self.begin_anew()
        if trace is None:
            self.trace.start()
        try:
            self.read()  # refuses a trace that was not begun: here, and not at some scrape
        except BaseException:
            if trace is None:
                self.trace.stop()
            raise
        _sources.add(self)

    def begin_anew(self) -> None:
        """Forget what was counted, and who holds the lock: in the child of a fork nobody does."""
        self._lock = threading.Lock()
        self._totals = Totals(*self._bounds, [metric.figure for metric in METRICS])
        self._times = Totals(*self._bounds, STATES)
        self._known: set[str] = set()  # states, of some thread
        self._shared: Reading | None = None
        self._had_it: set[str] = set()

    def read(self) -> Reading:
        """Read the counters now. Takes a snapshot of the trace."""
        with self._lock:
            return self._read()

    def read_for(self, reader: str) -> Reading:
        """Share one reading among readers that ask in turn; it is made anew for one that has had it already."""
        with self._lock:
            if self._shared is None or reader in self._had_it:
                self._shared = self._read()
                self._had_it.clear()
            self._had_it.add(reader)
            return self._shared

    def _read(self) -> Reading:
        summary = self.trace.snapshot()
        # Only this one's: what was stopped before a fork is of the process that forked.
        processes = [process for process in summary.processes if process.pid == os.getpid()]
        for process in processes:
            self._totals.update(process.threads)
            rows: tuple[Thread | OtherThread, ...] = (*process.threads, *process.other_threads)
            once = {thread.id: thread for thread in rows if thread.states}
            self._times.update(map(TimesRow.of, once.values()))
            self._known.update(
                state for row in once.values() for state in STATES if getattr(row.states, state) is not None
            )
        probe = summary.probe
        lost_some = probe.dropped > 0 or probe.overlooked_gils > 0 or probe.overwritten
        return Reading(
            is_gil_enabled=gil_is_enabled(),
            is_complete=not lost_some if any(process.gils for process in processes) else None,
            series={series: figures.copy() for series, figures in self._totals.series.items()},
            times={
                series.thread: {state: figures[state] for state in STATES if state in self._known}
                for series, figures in self._times.series.items()
            },
        )


_sources: weakref.WeakSet[Source] = weakref.WeakSet()


def _begin_anew_in_child() -> None:
    for source in _sources:
        source.begin_anew()


os.register_at_fork(after_in_child=_begin_anew_in_child)
