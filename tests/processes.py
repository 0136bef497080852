"""The processes of programs under test, and what these may leave behind."""

import ctypes
import os
import select
import signal
import struct
import time
from pathlib import Path

FUTEX_CLOCK_REALTIME = 256
NEAR_S = 0.2  # a switch interval is a fortieth of that
FUTEX = {"x86_64": "202", "aarch64": "98"}.get(os.uname().machine)  # the number of the system call


def has_ended(pid: int, patience_s: float) -> bool:
    """Waits for it: what loses its parent (resource trackers, fork servers) needs a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], patience_s)[0])
    finally:
        os.close(descriptor)


def of_session(session: int) -> dict[int, str]:
    """The processes that run in it, each with its state: S of one that waits."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (read := read_state(folder)) and read[1] == session:
            found[int(folder.name)] = read[0]
    return found


def threads_of_session(session: int) -> dict[int, bool]:
    """The threads of its processes, and whether each waits, but not for a GIL: that it gets, and goes on."""
    found = {}
    for pid in of_session(session):
        for folder in Path(f"/proc/{pid}/task").glob("*"):
            if read := read_state(folder):
                found[int(folder.name)] = read[0] == "S" and not waits_for_gil(folder)
    return found


def waits_for_gil(folder: Path) -> bool:
    """Whether a process or thread is in a futex with a time limit that is near, as who waits for a GIL is.

    Other locks have none, or, while gilscope looks at who waits for long, one of a second or more.
    """
    try:
        number, *arguments = (folder / "syscall").read_text(encoding="utf-8").split()
        _, operation, _, limit = (int(argument, 16) for argument in arguments[:4])
        if number != FUTEX or limit == 0:
            return False
        with (folder / "mem").open("rb") as memory:
            memory.seek(limit)
            deadline: tuple[int, int] = struct.unpack("qq", memory.read(16))
    except (OSError, ValueError, struct.error):  # it has just ended, runs, or this machine lets nobody know
        return False
    clock = time.CLOCK_REALTIME if operation & FUTEX_CLOCK_REALTIME else time.CLOCK_MONOTONIC
    return deadline[0] + deadline[1] / 1e9 - time.clock_gettime(clock) < NEAR_S


def signal_main_thread(pid: int, number: signal.Signals) -> None:
    """As a signal to the process. But of one that was just stopped and continued any thread may get that.

    Then CPython's main thread goes on waiting for a lock, and never handles it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.tgkill(pid, pid, number):
        raise OSError(ctypes.get_errno(), "no such thread")


def read_state(folder: Path) -> tuple[str, int] | None:
    """The state and the session of a process or thread; None of one that has ended."""
    try:
        state, *numbers = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else (state, int(numbers[2]))


def require_end_of_session(session: int, patience_s: float = 10) -> None:
    """Trackers and fork servers see that their parent has ended only a moment later."""
    deadline = time.monotonic() + patience_s
    while (left := of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "processes are left behind"


def segments() -> set[str]:
    """The blocks of shared memory that multiprocessing has made, whoever's."""
    return {path.name for path in Path("/dev/shm").glob("psm_*")}


def have_gone(names: set[str], patience_s: float) -> bool:
    """Waits for them: those of tests that run beside go too, only later."""
    deadline = time.monotonic() + patience_s
    while names & segments():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
