"""Measurements of the pytest plugin, written by hand."""

from types import SimpleNamespace
from typing import Any

from gilscope._meter import Measurement, Meter
from gilscope._process import Blame, Place, Thread

MS = 1_000_000


def thread(number=1, *, held=0, longest=0, waited=0, lifetime=0, holds=1, gil=0) -> Thread:
    """A row of a summary, times in ms; the first thread is the one that runs the code."""
    hold: Any = SimpleNamespace(max_ns=(longest or held) * MS)
    return Thread(
        id=number, name=f"thread {number}", gil=gil, holds=holds, hold_ns=held * MS, hold_share=None, waits=0,
        wait_ns=waited * MS, wait_share=None, lifetime_ns=lifetime * MS, forced=2, voluntary=0, cpu_ns=None, hold=hold,
        wait=None, longest_waits=[],
    )  # fmt: skip


def span(begin, end, held, *, holds=1, stack=()) -> Blame:
    """Holds of the first thread between two lines, each a file and a number, or None; the stack is that of the end."""
    places = [place and Place(place[0], place[1], "f") for place in (begin, end, *stack)]
    return Blame(
        from_=places[0], to=places[1], thread=1, gil=0, holds=holds, hold_ns=held * MS, forced=0, caused_wait_ns=0,
        max_hold_ns=held * MS // holds, max_wait_ns=0, stack=places[1:], task=None, stack_wait_ns=0, waiters=[],
    )  # fmt: skip


def measure(*threads: Thread, wall=100, bystanders=(), blame=()) -> Measurement:
    """What a meter makes of a summary with these rows."""
    meter = Meter()
    meter._runner, meter._bystanders, meter._begin = 1, set(bystanders), "the begin (a.py:1 test_a)"
    gils = [SimpleNamespace(id=0, interpreters=[0]), SimpleNamespace(id=1, interpreters=[1])]
    process = SimpleNamespace(gils=gils, threads=threads, blame=list(blame))
    summary: Any = SimpleNamespace(processes=[process])
    return meter._measure(summary, wall * MS)
