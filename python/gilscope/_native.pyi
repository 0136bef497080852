"""Work of known amount and known length, with the GIL kept or given up."""

from collections.abc import Sequence
from typing import SupportsIndex

__version__: str

def count(n: SupportsIndex, release_gil: bool = False) -> int:
    """Return the sum of range(n), by one addition a step in a C++ loop.

    The loop is a known amount of pure processor work, a fraction of a
    nanosecond a step: the compiler can neither fold nor vectorise it.

    n: how many steps; an int, or anything with __index__, from 0 to
        6074001000, beyond which the sum would not fit in 64 bits.
    release_gil: give the GIL up for the whole loop. Only the main thread
        retakes it, for a moment each 80 ms, to look for signals: Ctrl-C
        ends a long call, with the GIL kept or given up.

    Raises TypeError when n is not an integer, ValueError when it is
    negative, and OverflowError, before the first step, when it is more
    than 6074001000.
    """

def hold(ns: SupportsIndex) -> None:
    """Keep the GIL for ns nanoseconds, and return.

    The thread sleeps, and spins for the last 500 us: accurate to 50 us on
    an idle machine, and never short. Ctrl-C ends it in the main thread.

    ns: the length in nanoseconds; an int, or anything with __index__, from
        0 to 2**63 - 1.

    Raises TypeError when ns is not an integer, ValueError when it is
    negative, and OverflowError when it is more than 2**63 - 1.
    """

def release(ns: SupportsIndex) -> None:
    """Give the GIL up for ns nanoseconds, retake it, and return.

    The thread sleeps, and spins for the last 500 us: accurate to 50 us on
    an idle machine, and never short. Retaking the GIL comes on top, and
    takes as long as another thread keeps it. Ctrl-C ends it in the main
    thread; nothing else retakes the GIL before the span is over.

    ns: the length in nanoseconds; an int, or anything with __index__, from
        0 to 2**63 - 1.

    Raises TypeError when ns is not an integer, ValueError when it is
    negative, and OverflowError when it is more than 2**63 - 1.
    """

def format_saved(text: str) -> str:
    """Return the table of a gilscope.summary/1, which is JSON. Raises Error."""

def format_duration(ns: float) -> str:
    """Return a time with its unit: 1.23 s, 45.6 ms, 789 µs, 12.0 ns."""

def format_share(share: float) -> str:
    """Return a share, 0 to 1, in percent."""

class Error(RuntimeError):
    """What gilscope cannot do, and what to try."""

class Snapshot:
    """What was recorded up to an instant."""

    def words(self) -> tuple[str, str]:
        """Return it as gilscope.summary/1, and its table. Other threads go on meanwhile."""

class Tracer:
    """A recording of this process, and its summary: what gilscope.trace() drives."""

    def __init__(self, lines: str, keeps_events: bool) -> None:
        """`lines`: as gilscope.trace() has them; `keeps_events`: for a timeline."""
    def lack(self) -> str | None:
        """Return why this process is not recorded: it has too few addresses left. None: it is."""
    def start(self) -> bool:
        """Begin to record; false where there is no GIL, or where something lacks. Raises Error."""
    def name_thread(self, thread: int, name: str) -> None:
        """Note the name of a thread, by the system's id."""
    def name_process(self, name: str, is_worker: bool = False) -> None:
        """Note what multiprocessing calls this process, or what tells workers apart that have one title."""
    def end_thread(self, thread: int) -> None:
        """Note that a thread is about to end."""
    def stop(self) -> None:
        """End the recording."""
    def snapshot(self, python: str, command: list[str]) -> Snapshot:
        """Return what was recorded up to now, or to the stop; python is JSON. Other threads go on meanwhile."""
    def timeline(self) -> str | None:
        """Return when each thread held and awaited a GIL, as JSON, after the stop; None where events were not kept."""

class Flight:
    """A recording of what this process did last: what gilscope.FlightRecorder drives."""

    def __init__(self, keep: str, when: list[str], folder: str, per_hour: int, python: str, command: list[str]) -> None:
        """As gilscope.FlightRecorder has them; python is JSON. Raises Error."""
    def lack(self) -> str | None:
        """Return why this process is not recorded: it has too few addresses left. None: it is."""
    def start(self) -> bool:
        """Begin to record; false where there is no GIL, or where something lacks. Raises Error."""
    def name_thread(self, thread: int, name: str) -> None:
        """Note the name of a thread, by the system's id."""
    def name_process(self, name: str, is_worker: bool = False) -> None:
        """Note what multiprocessing calls this process, or what tells workers apart that have one title."""
    def end_thread(self, thread: int) -> None:
        """Note that a thread is about to end."""
    def watch(self, seconds: float) -> list[tuple[str, str, str, int, int, int]]:
        """Look for so long, or until there are dumps: folder, error, reason, process, thread, ns of each."""
    def dump(self, folder: str, force: bool) -> None:
        """Write what is kept now. Raises Error."""
    def end_watch(self) -> None:
        """Have watch() return."""
    def stop(self) -> list[tuple[str, str, str, int, int, int]]:
        """End the recording; return the dumps that were due."""
    def passed_over(self) -> int:
        """Return how often there would have been one more dump than the hour may have."""

def run_command_line(arguments: Sequence[bytes]) -> int:
    """Run gilscope with this Python as its engine, and return the exit code.

    The subcommand `run` ends the process instead.

    arguments: those after `gilscope`, as bytes.
    """

def enter_child() -> None:
    """Make this process, a child of multiprocessing, one of gilscope's.

    Records it where its parent is recorded; where that fails it goes on
    without.
    """

def join_run(recording: str) -> None:
    """Record this process, which a recorded one has started.

    Where that fails it goes on without.

    recording: where an ancestor records.
    """
