"""The programs whose processes process_count.py counts: one for each start method, of two workers, forked off it.

A helper of multiprocessing outlives the workers, and would be counted again with the next method. So a program starts
afresh, as a fork of a process that never starts a helper itself; what it has started ends with it.
"""

import json
import multiprocessing
import os
import signal
import tempfile
from contextlib import ExitStack, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from interrupts import ENDINGS, held_back

WORKERS = 2
HELPERS = {b"multiprocessing.forkserver": "fork server", b"multiprocessing.resource_tracker": "resource tracker"}
ROLES = ("program", "worker", *HELPERS.values(), "other")


class Row(NamedTuple):
    """The processes that one method makes, each with its pid and role; or the reason why there are none."""

    method: str
    processes: list[dict[str, Any]] = []  # noqa: RUF012  (never changed)
    reason: str | None = None


def stay(here: Connection, there: Connection) -> None:
    """Be a worker: say so, and stay until the program closes its end, or ends."""
    here.close()  # the program's: with this copy of it open, its end would not be seen
    with suppress(EOFError, ConnectionError):
        there.send("ready")
        there.recv()


def find_descendants(root: int) -> list[int]:
    """Return it, and all that it and its children started and that live."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, parent = file.read_bytes().rpartition(b")")[2].split()[:2]
            if state not in b"ZX":
                parents[int(file.parent.name)] = int(parent)
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def find_role(pid: int, known: dict[int | None, str]) -> str:
    """Return what multiprocessing knows it as, or what its command line tells."""
    if pid in known:
        return known[pid]
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return next((role for module, role in HELPERS.items() if module in command), "other")


def count(method: str) -> list[dict[str, Any]]:
    """Return the processes that there are while the workers live; this one has started none before."""
    context: Any = multiprocessing.get_context(method)
    workers = []
    for _ in range(WORKERS):
        here, there = context.Pipe()
        worker = context.Process(target=stay, args=(here, there))
        worker.start()
        there.close()
        workers.append((worker, here))
    for worker, here in workers:
        try:
            here.recv()
        except EOFError:
            worker.join()
            raise RuntimeError(f"a worker ended before it was ready: exit code {worker.exitcode}") from None
    known: dict[int | None, str] = {worker.pid: "worker" for worker, _ in workers}
    # Private names: where a version has others, the command line tells.
    known[getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)] = "fork server"
    known[getattr(getattr(resource_tracker, "_resource_tracker", None), "_pid", None)] = "resource tracker"
    known[os.getpid()] = "program"
    found = [{"pid": pid, "role": find_role(pid, known)} for pid in find_descendants(os.getpid())]
    for _, here in workers:
        here.close()  # all of them first: a forked worker has the ends of those before it too
    for worker, _ in workers:
        worker.join()
    return sorted(found, key=lambda process: ROLES.index(process["role"]))


def be_program(method: str, folder: str, timeout_s: float) -> NoReturn:
    """Be the forked program of one method: leave a row in the folder, and never return into the parent's code."""
    try:
        os.setpgid(0, 0)  # as the parent does: whichever comes first
        for number in ENDINGS:
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        # The time limit: it holds even where the parent was killed.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, timeout_s)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*ENDINGS, signal.SIGALRM])
        tempfile.tempdir = folder  # the fork server's socket goes when the parent removes it
        try:
            row = Row(method, count(method))
        except Exception as error:
            row = Row(method, reason=str(error) or type(error).__name__)
        Path(folder, "row").write_text(json.dumps(row), encoding="utf-8")
    finally:
        os._exit(0)


def end_group(program: int) -> None:
    """End the program and whatever it has started; until it is reaped, the number of its group is nobody else's."""
    os.killpg(program, signal.SIGKILL)
    os.waitpid(program, 0)


def measure(method: str, timeout_s: float) -> Row:
    """Return the method's row; nothing that it started is left, whatever happens."""
    with ExitStack() as stack:
        try:
            with held_back(*ENDINGS):
                folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
                program = os.fork()
                if program == 0:
                    be_program(method, folder, timeout_s)
                os.setpgid(program, program)
                stack.callback(end_group, program)
            end = os.waitid(os.P_PID, program, os.WEXITED | os.WNOWAIT)
            assert end is not None
            if end.si_code != os.CLD_EXITED:
                late = end.si_status == signal.SIGALRM
                why = f"not done within {timeout_s:g} s (--timeout)" if late else f"ended by signal {end.si_status}"
                return Row(method, reason=why)
            return Row(*json.loads(Path(folder, "row").read_text(encoding="utf-8")))
        except OSError as error:
            return Row(method, reason=str(error))
