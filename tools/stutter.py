"""Runs a command on a machine that gives it little: `tools/stutter.py [--busy N] [--stopped MS] COMMAND…`.

Beside N busy loops, every process that descends from the command is stopped for MS of each 100 ms, at random. What
somebody else has stopped is left alone. What cannot be hidden: a program that stops one of ours meanwhile sees it
continued early; who waits for a child with WUNTRACED is told of it; a process group that loses its parent while one of
it is stopped is hung up by the kernel; and a signal to a process that was just continued may reach any thread of it. At
the end, also on Ctrl-C and SIGTERM, all that was stopped is continued, and all that is left is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import random
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NoReturn

PERIOD_S = 0.1
PATIENCE_S = 10
BUSY = ["sh", "-c", "while :; do :; done"]
PR_SET_CHILD_SUBREAPER = 36
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def read_process(pid: int) -> tuple[str, int]:
    """Its state and its parent; of one that is no more, that of a zombie."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return "Z", 0
    return state, int(parent)


def descendants() -> set[int]:
    """Of this process, which is the parent of those that have lost theirs; without zombies."""
    children: dict[int, list[int]] = defaultdict(list)
    alive = set()
    for name in os.listdir("/proc"):  # noqa: PTH208  # ten times a second
        if name.isdigit():
            state, parent = read_process(int(name))
            children[parent].append(int(name))
            if state not in "ZX":
                alive.add(int(name))
    found, open_ones = set(), [os.getpid()]
    while open_ones:
        below = children[open_ones.pop()]
        found.update(below)
        open_ones += below
    return found & alive


def send(number: signal.Signals, pid: int) -> None:
    """To one that may have ended, or be somebody else's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


class Stutter:
    """Whom it has stopped."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._stopped: set[int] = set()

    def period(self, pids: set[int], stop_s: float) -> None:
        """Each of the processes once, wherever in the period; all of them run when it returns."""
        begin = time.monotonic()
        acts = []
        for pid in pids:
            stop = begin + random.uniform(0, PERIOD_S - stop_s)  # noqa: S311
            acts += [(stop, self._stop, pid), (stop + stop_s, self._resume, pid)]
        for when, act, pid in sorted(acts, key=lambda act: act[0]):
            time.sleep(max(0, when - time.monotonic()))
            act(pid)
        time.sleep(max(0, begin + PERIOD_S - time.monotonic()))

    def resume_all(self) -> None:
        """At the end, whenever it comes."""
        for pid in list(self._stopped):
            self._resume(pid)

    def _stop(self, pid: int) -> None:
        if read_process(pid)[0] in "TtZX":
            return
        self._stopped.add(pid)  # first: a signal may end us at any line
        send(signal.SIGSTOP, pid)

    def _resume(self, pid: int) -> None:
        if pid in self._stopped:
            send(signal.SIGCONT, pid)
            self._stopped.discard(pid)


def reap() -> dict[int, int]:
    """Those that ended since the last time, with their exit codes."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])
    return ended


def end_all() -> None:
    """All that is left of the command, and the busy loops."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + PATIENCE_S
        told: set[int] = set()
        while (left := descendants()) and time.monotonic() < deadline:
            for pid in left - told:
                send(number, pid)
                send(signal.SIGCONT, pid)
            told |= left
            time.sleep(0.02)
            reap()


def be_deaf() -> None:
    """Nothing shall disturb the end."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def end(number: int, _: object) -> NoReturn:
    """The handler of the first such signal."""
    be_deaf()
    sys.exit(128 + number)


def run(command: list[str], busy: int, stop_s: float) -> int:
    """The exit code of the command; of one that a signal has ended, as a shell says it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in ENDING:
        signal.signal(number, end)
    stutter = Stutter()
    try:
        loops = {os.posix_spawnp(BUSY[0], BUSY, os.environ) for _ in range(busy)}
        main = os.posix_spawnp(command[0], command, os.environ)
        with contextlib.suppress(PermissionError):  # to be on time; the others were started before
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        while main not in (ended := reap()):
            stutter.period(descendants() - loops if stop_s else set(), stop_s)
        code = ended[main]
        return code if code >= 0 else 128 - code
    finally:
        be_deaf()
        stutter.resume_all()
        end_all()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="busy loops beside (none)")
    parser.add_argument("--stopped", type=int, default=60, metavar="MS", help="of each 100 ms (60)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    sys.exit(run(options.command, options.busy, options.stopped / 1000))
