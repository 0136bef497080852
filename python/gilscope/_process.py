"""One process of gilscope.summary/1 as objects: its GILs, its threads, and where they waited."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gilscope._document import make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


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
    interpreters: list[int]  #: that own it; empty where that is not known
    holds: int
    hold_ns: int
    waits: int
    wait_ns: int
    forced: int
    voluntary: int
    handoffs: int
    overlaps: int  #: acquires while another thread held it: 0, or the figures are wrong
    hold_share: float | None
    switch_interval_ns: int | None = None  #: as threads that waited for so long showed it; None: none did
    folded: int = 0  #: how many GILs of interpreters that have ended this is the sum of; 0: it is one GIL


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of Python code."""

    file: str
    line: int | None
    function: str  #: its qualified name


@dataclasses.dataclass(frozen=True)
class LongestWait:
    """One of the longest waits of a thread."""

    wait_ns: int
    stack: list[Place]  #: where the thread stood when it was over; innermost first


@dataclasses.dataclass(frozen=True)
class States:
    """Where the time of a thread went, over all GILs: ns that add up to its life. None: not known, and in `blocked`."""

    #: on a CPU with a GIL: Python code, and C that keeps the GIL; of a process that has no GIL: on a CPU
    running: int
    #: on a CPU without a GIL: C that gives it up; None, and in `running`, of a process that has no GIL
    computing_without_gil: int | None
    gil_wait: int  #: for a GIL
    lock_wait: int | None  #: for a lock of Python's that another thread had
    work_wait: int | None  #: for a lock of Python's until another thread does something: a queue, a join
    no_cpu: int | None  #: in the queue for a CPU, with a GIL or without
    blocked: int  #: all else: asleep, or in input and output
    stopped: int | None = 0  #: stood because another thread had stopped the world; 0 where there is a GIL


@dataclasses.dataclass(frozen=True)
class Thread:
    """What one thread did with one GIL. Times are in ns; None is not known."""

    id: int | None  #: the system's, from 2**31 on see `folded`; None: threads that came when no place was left, merged
    name: str | None
    gil: int
    holds: int
    hold_ns: int
    hold_share: float | None  #: of the wall time
    waits: int
    wait_ns: int
    wait_share: float | None  #: of its lifetime
    lifetime_ns: int  #: from its first use of the GIL to its last
    forced: int
    voluntary: int
    cpu_ns: int | None
    hold: Durations | None
    wait: Durations | None
    longest_waits: list[LongestWait]  #: of those whose place is known; at most four, longest first
    cpu_wait_ns: int | None = None  #: in the queue for a CPU
    folded: int = 0  #: how many threads that have ended are in this row, by their name; 0: it is of one thread
    states: States | None = None  #: in each row of the thread; None of merged threads


@dataclasses.dataclass(frozen=True)
class Handoff:
    """How often a release by one thread was followed by an acquire by another."""

    gil: int
    from_: int | None  #: thread ids; None: threads that came when no row was left, merged
    to: int | None
    count: int


@dataclasses.dataclass(frozen=True)
class Waiter:
    """How long one thread waited."""

    thread: int | None  #: None: further threads, of which only the sum is known
    wait_ns: int


@dataclasses.dataclass(frozen=True)
class Work:
    """What a thread did with the GIL that is no Python code."""

    #: "call" (into C), "freeing" (objects), "collection" (of garbage, by itself) or "collect" (by `gc.collect()`)
    kind: str
    name: str  #: of what was called, of the function whose objects were freed ("": not known), of the generation


@dataclasses.dataclass(frozen=True)
class Blame:
    """The holds of a thread between two lines, of those for which somebody waited. Times are in ns."""

    from_: Place | None  #: where it stood when it got the GIL; None: in no Python code, or not known
    to: Place | None  #: where it gave it up
    thread: int | None  #: None, with no hold: nobody held the GIL that was recorded
    gil: int
    holds: int
    hold_ns: int
    forced: int
    caused_wait_ns: int  #: of all other threads, while it held the GIL
    max_hold_ns: int
    max_wait_ns: int  #: of one thread, during one of the holds
    stack: list[Place]  #: innermost first, of those that end on `to` the one that caused most
    task: str | None  #: of an asyncio loop: the outermost function of the task or callback, by `stack`
    stack_wait_ns: int  #: how much that one caused
    waiters: list[Waiter]
    late_holds: int = 0  #: during which somebody waited for three switch intervals or more
    late_wait_ns: int = 0  #: of `caused_wait_ns`: during those
    work: Work | None = None  #: what it did meanwhile, where that is known and no Python code


@dataclasses.dataclass(frozen=True)
class LoopSteps:
    """What an event loop ran that took 50 ms or longer, by place: it stood still meanwhile. Times are in ns."""

    thread: int
    place: Place | None  #: where it was seen, or what the loop ran; None: see `work`
    work: Work | None  #: collections of garbage
    count: int
    alone: int  #: of these, while nothing else waited for the loop that is known of
    total_ns: int
    max_ns: int
    max_begin_ns: int  #: of the longest, from the begin of its process's recording


@dataclasses.dataclass(frozen=True)
class Lock:
    """What a lock is, on free-threaded builds."""

    #: "lock" (a threading.Lock), "object" (of an object, which one thread uses at a time), "python" (CPython's own)
    kind: str
    type: str | None  #: of an object: "dict", "list", the name of a class


@dataclasses.dataclass(frozen=True)
class LockWaits:
    """Waits for Python's locks (threading.Lock and what is built on it) at one place that ended at another one."""

    place: Place | None  #: the user's line that led there; None: no Python code ran
    within: str | None  #: the library's function that waited; None: the user's own
    #: "turn": another thread has the lock; "work": until another one does something (Queue.get, join); "world", on
    #: free-threaded builds: until the world goes on that another one has stopped
    waits_for: str
    ended_at: Place | None  #: where that one stood who ended the waits; None, too, where that is not known
    ended_within: str | None
    threads: int  #: that waited there, as far as they could be told apart
    count: int
    total_ns: int
    by_peers_ns: int  #: of that: ended by a thread that had waited for the same lock itself before
    max_ns: int
    max_begin_ns: int  #: of the longest, from the begin of its process's recording
    max_thread: int  #: whose that was
    max_ender: int | None  #: who ended it; None: not known
    lock: Lock | None = None  #: what it is; None: not known (on builds that have a GIL), or it is none


@dataclasses.dataclass(frozen=True)
class WorldStops:
    """Pauses in which all threads of a free-threaded build stood, by where they were asked for. Times are in ns."""

    place: Place | None  #: the user's line that led there; None: no Python code ran
    call: str | None  #: what was called there; None: not known
    collection: bool  #: of garbage, by itself or by `call`
    count: int
    total_ns: int
    until_stood_ns: int  #: of that: until all threads stood
    lost_ns: int  #: by all that stood, together
    max_ns: int
    max_begin_ns: int  #: of the longest, from the begin of its process's recording
    max_thread: int  #: who asked for that one


@dataclasses.dataclass(frozen=True)
class SpunWaits:
    """Waits for locks of a free-threaded build that ended while CPython tried again, before a thread slept."""

    count: int
    total_ns: int


@dataclasses.dataclass(frozen=True)
class GilReturn:
    """The GIL of a free-threaded build that came back for good: a module was imported that needs it."""

    since_ns: int  #: from the begin of its process's recording
    place: Place | None  #: the line of the import
    module: str | None


@dataclasses.dataclass(frozen=True)
class OtherThread:
    """A thread of a process that has no GIL."""

    id: int
    name: str | None
    cpu_ns: int | None
    cpu_wait_ns: int | None  #: it was in the queue for a CPU
    states: States | None = None  #: None: its life or its CPU time is not known


@dataclasses.dataclass(frozen=True)
class OpenLockWait:
    """A wait for a lock of Python's that has gone on for a second or longer, and had not ended with the trace."""

    thread: int
    place: Place | None  #: as LockWaits has it, and the next two
    within: str | None
    waits_for: str
    since_ns: int  #: from the begin of its process's recording
    holder: int | None  #: the thread that has the lock, and itself waits for one; None: not known


@dataclasses.dataclass(frozen=True)
class Process:
    """One process: its GILs, and its threads, a row for each thread and GIL."""

    pid: int
    parent_pid: int
    start_method: str | None
    name: str | None  #: its title, multiprocessing's name, or the command of a Python of its own; None of others
    wall_ns: int
    cpu_ns: int | None
    gils: list[Gil]
    threads: list[Thread]
    handoffs: list[Handoff]
    blame: list[Blame] | None  #: who caused most first; None where it was not recorded
    folded: int = 0  #: how many processes of a kind that have ended this is the sum of; 0: it is one process
    cpu_wait_ns: int | None = None  #: its threads in the queue for a CPU; None: known of none
    became_program: bool = False  #: another one, by exec: most forks that do so do nothing else
    loop_steps: list[LoopSteps] = dataclasses.field(default_factory=list)  #: that were long; what took most first
    further_loop_steps: int = 0  #: that were long, too, at more places than are kept
    lock_waits: list[LockWaits] = dataclasses.field(default_factory=list)  #: for a turn first; what took most first
    further_lock_waits: int = 0  #: waits at more places than are kept
    open_lock_waits: list[OpenLockWait] = dataclasses.field(default_factory=list)  #: the oldest first
    living_threads: int = 0  #: that had not ended with the trace; and have used a GIL, where there is one
    stops: list[WorldStops] = dataclasses.field(default_factory=list)  #: of the world; what took most first
    further_stops: int = 0  #: pauses at more places than are kept
    spun_waits: SpunWaits = SpunWaits(0, 0)  #: that are in no row of `lock_waits`
    gil_return: GilReturn | None = None  #: None: the GIL did not come back
    other_threads: list[OtherThread] = dataclasses.field(default_factory=list)  #: of a process that has no GIL


def _thread(figures: Mapping[str, Any]) -> Thread:
    hold, wait = (figures[kind] and make(Durations, figures[kind]) for kind in ("hold", "wait"))
    waits = [make(LongestWait, row, stack=_stack(row["stack"])) for row in figures["longest_waits"]]
    return make(Thread, figures, hold=hold, wait=wait, longest_waits=waits, states=_states(figures))


def _states(figures: Mapping[str, Any]) -> States | None:
    return make(States, figures["states"]) if figures.get("states") else None


def _stack(places: list[Mapping[str, Any]]) -> list[Place]:
    return [make(Place, place) for place in places]


def place_of(figures: Mapping[str, Any] | None) -> Place | None:
    return None if figures is None else make(Place, figures)


def work_of(figures: Mapping[str, Any] | None) -> Work | None:
    return None if figures is None else make(Work, figures)


def _blame(figures: Mapping[str, Any]) -> Blame:
    return make(
        Blame,
        figures,
        from_=place_of(figures["from"]),
        to=place_of(figures["to"]),
        work=work_of(figures.get("work")),
        stack=_stack(figures["stack"]),
        waiters=[make(Waiter, waiter) for waiter in figures["waiters"]],
    )


def _gil_return(figures: Mapping[str, Any] | None) -> GilReturn | None:
    return None if figures is None else make(GilReturn, figures, place=place_of(figures["place"]))


def process_of(figures: Mapping[str, Any]) -> Process:
    return make(
        Process,
        figures,
        gils=[make(Gil, gil) for gil in figures["gils"]],
        threads=[_thread(thread) for thread in figures["threads"]],
        handoffs=[make(Handoff, pair, from_=pair["from"]) for pair in figures["handoffs"]],
        blame=None if figures["blame"] is None else [_blame(row) for row in figures["blame"]],
        loop_steps=[
            make(LoopSteps, row, place=place_of(row["place"]), work=work_of(row["work"]))
            for row in figures.get("loop_steps", [])
        ],
        lock_waits=[
            make(
                LockWaits,
                row,
                place=place_of(row["place"]),
                ended_at=place_of(row["ended_at"]),
                lock=make(Lock, row["lock"]) if row.get("lock") else None,
            )
            for row in figures.get("lock_waits", [])
        ],
        open_lock_waits=[
            make(OpenLockWait, row, place=place_of(row["place"])) for row in figures.get("open_lock_waits", [])
        ],
        stops=[make(WorldStops, row, place=place_of(row["place"])) for row in figures.get("stops", [])],
        spun_waits=make(SpunWaits, figures.get("spun_waits", {"count": 0, "total_ns": 0})),
        gil_return=_gil_return(figures.get("gil_return")),
        other_threads=[make(OtherThread, row, states=_states(row)) for row in figures.get("other_threads", [])],
    )
