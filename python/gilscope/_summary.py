"""The figures of a trace: gilscope.summary/1 as objects, and what can be made of them."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gilscope import _native
from gilscope._document import Document, make
from gilscope._process import Durations, Place, Process, States, Thread, Work, place_of, process_of, work_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class UnrecordedProgram:
    """Pythons that recorded processes started, and that did not join."""

    command: str  #: its first 111 bytes
    count: int


@dataclasses.dataclass(frozen=True)
class Probe:
    """What the measurement saw and cost."""

    clock: str  #: tsc or monotonic
    events: int
    dropped: int  #: 0, or the figures are too low
    unrecorded_processes: int
    overlooked_gils: int  #: that could not be followed: too many lived at once
    overwritten: bool  #: somebody else changed CPython's calls meanwhile: events are missing
    stacks_unreadable: bool  #: lines were asked for, and the frames of this build of CPython are not known
    pair_cost_ns: float | None  #: added to a release and its acquire that concern nobody else, measured after the trace
    cost_share: float | None  #: hooks_ns and elsewhere_ns, of the wall time
    capture_bytes: int | None
    suspended_ns: int = 0  #: the machine was, meanwhile: times across that are not reliable
    throttled_ns: int = 0  #: its cgroup was kept from every CPU, as its quota was used up
    hooks_ns: int | None = None  #: what tracing took with the GIL's mutex held
    elsewhere_ns: int | None = None  #: and without: work of threads that waited for the GIL, snapshots
    contended: bool = False  #: threads waited so often that the program may have lost more than that
    unrecorded_programs: list[UnrecordedProgram] = dataclasses.field(default_factory=list)  #: the most first
    unseen_cpu_share: float | None = None  #: of processes that are not here, of all CPU time; None: not known


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The summary in one sentence, and what it is made from."""

    kind: str  #: bottleneck, no_bottleneck, one_thread, no_gil
    text: str
    wait_share: float | None
    ceiling: float | None  #: of one thread that used a CPU: how much faster threads could make this at most
    pid: int | None = None  #: of the GIL that it is about
    gil: int | None = None  #: the worst bottleneck, or the one that was held most
    hold_share: float | None = None  #: of it
    waiters: float | None = None  #: how many threads waited for it on average
    explained: float | None = None  #: by the findings, of all waiting


@dataclasses.dataclass(frozen=True)
class Finding:
    """What deserves to be said beyond the verdict, with its evidence. Times are in ns."""

    kind: str  #: see docs/how-to/threads.md
    text: str  #: with what to do
    pid: int | None  #: None, as is `gil`: of the run as a whole
    gil: int | None
    culprit: int | None  #: the thread whose hold it was; None: not known
    victim: int | None  #: the thread that waited most
    place: Place | None  #: where the culprit's hold ended
    count: int  #: of holds, of waits where a victim complains, of hand-offs
    longest_ns: int
    lost_ns: int  #: by those who waited
    hold_share: float | None  #: of a whole run: of the GIL that was held most
    at_most: float | None  #: of a whole run: how many times faster any number of threads could make it
    gain_ns: int | None  #: of a switch interval of a tenth: what would be saved at most
    cost_ns: int | None  #: likewise: what it would cost at most
    share: float | None = None  #: of all waiting of the run: `lost_ns`
    culprits: list[int] = dataclasses.field(default_factory=list)  #: all of them, who caused most first
    victims: list[int] = dataclasses.field(default_factory=list)  #: likewise, who waited most first
    processes: int = 1  #: in which the same was found
    loop_stall_ns: int | None = None  #: the victim is an asyncio loop, which stood still for up to so long
    cpu_share: float | None = None  #: of the time for which a process wanted a CPU: it was given one
    work: Work | None = None  #: what the culprit did, where that is known and no Python code
    stood_still_ns: int | None = None  #: of a loop that stood still by itself: for so long in all
    since_ns: int | None = None  #: likewise, when the longest time began, from the begin of its process's recording
    lock_wait_ns: int | None = None  #: of turns at a lock of Python's: for how long threads waited for theirs in all
    threads: int | None = None  #: likewise, how many waited
    within: str | None = None  #: likewise, the library's function that waited; None: the user's own
    ended_at: Place | None = None  #: likewise, where most of that ended
    object_type: str | None = None  #: of an object that several threads use without a GIL
    module: str | None = None  #: that was imported, and turned the GIL on


@dataclasses.dataclass(frozen=True)
class Summary(Document):
    """gilscope.summary/1 as objects: the names are those of the JSON, the times in ns."""

    python: dict[str, Any] | None
    machine: dict[str, Any] | None
    command: list[str]
    exit_code: int | None
    #: What ended it instead of Python: a signal ("SIGTERM"), "exit", "exec" or "unknown". Older documents have none.
    ended_by: str | None = dataclasses.field(default_factory=lambda: None, kw_only=True)  # none of the class: see below
    #: The processes of it that had not ended. Older documents have none.
    running: list[int] = dataclasses.field(default_factory=list, kw_only=True)
    wall_ns: int | None
    cpu_ns: int | None
    probe: Probe
    verdict: Verdict
    findings: list[Finding]  #: those that explain most first; those of the whole run last
    processes: list[Process]
    #: Of `gilscope run --keep`, which dumps it wrote; of a dump, why it was made. Older documents have none.
    kept: dict[str, Any] | None = dataclasses.field(default_factory=lambda: None, kw_only=True)
    check: dict[str, Any] | None  #: of `gilscope report --check`
    _json: str = dataclasses.field(repr=False)
    _text: str = dataclasses.field(repr=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Put what a trace has counted into words at the first look."""
            snapshot = self.__dict__.get("_snapshot")
            if snapshot is not None:
                self.__dict__.update(vars(summary_of(*snapshot.words())))
                self.__dict__.pop("_snapshot", None)  # two threads may look at once
            if name in self.__dict__:
                return self.__dict__[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __getstate__(self) -> dict[str, Any]:
        """For copy and pickle, which have no use for a snapshot."""
        assert self._json
        return self.__dict__

    def rows(self) -> list[dict[str, Any]]:
        """List a flat dict for each thread and GIL of each process, as pandas.DataFrame() and csv.DictWriter take it.

        The keys, of each the same, are `pid` and the fields of Thread, without `longest_waits`, and of `hold`, `wait`
        and `states` their figures: `hold_p50_ns` to `hold_max_ns`, `wait_p50_ns` to `wait_max_ns`, and each state
        (`running_ns`). Times are in ns; None is not known.
        """
        return [_row(process.pid, thread) for process in self.processes for thread in process.threads]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Summary:
        """Read what save() or `gilscope run --json` wrote: it equals what was saved.

        Raises Error where the file is something else, or a schema that this version does not know; OSError where
        it cannot be read.
        """
        try:
            return summary_of(Path(path).read_text(encoding="utf-8-sig").strip())
        except (UnicodeDecodeError, RecursionError):
            raise _native.Error(
                f"{os.fspath(path)} is no text that a summary could be; try: what Summary.save() wrote"
            ) from None
        except _native.Error as error:
            raise _native.Error(f"{os.fspath(path)}: {error}") from None

    def _repr_html_(self) -> str:
        from gilscope import _html

        return _html.of_summary(self)


_STATES = [field.name for field in dataclasses.fields(States)]
_DURATIONS = [field.name for field in dataclasses.fields(Durations)]


def _row(pid: int, thread: Thread) -> dict[str, Any]:
    row = {"pid": pid, **vars(thread)}
    del row["longest_waits"]
    for kind in ("hold", "wait"):
        figures = row.pop(kind)
        row |= {f"{kind}_{name}": figures and getattr(figures, name) for name in _DURATIONS}
    states = row.pop("states")
    return row | {f"{name}_ns": states and getattr(states, name) for name in _STATES}


def _probe(figures: Mapping[str, Any]) -> Probe:
    programs = [make(UnrecordedProgram, row) for row in figures.get("unrecorded_programs", [])]
    return make(Probe, figures, unrecorded_programs=programs)


def summary_of(text: str, table: str | None = None) -> Summary:
    """From the JSON, and the table that goes with it: made of the JSON where it is not at hand. Raises Error."""
    if table is None:
        table = _native.format_saved(text)
    document = json.loads(text)
    return make(
        Summary,
        document,
        probe=_probe(document["probe"]),
        verdict=make(Verdict, document["verdict"]),
        findings=[
            make(
                Finding,
                row,
                place=place_of(row["place"]),
                work=work_of(row.get("work")),
                ended_at=place_of(row.get("ended_at")),
            )
            for row in document["findings"]
        ],
        processes=[process_of(process) for process in document["processes"]],
        _json=text,
        _text=table,
    )


def summary_of_snapshot(snapshot: _native.Snapshot) -> Summary:
    """One that is put into words when somebody looks at it."""
    summary = object.__new__(Summary)
    summary.__dict__["_snapshot"] = snapshot
    return summary
