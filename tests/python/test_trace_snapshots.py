"""Snapshots of a trace that goes on: what they count, and that nobody has to wait for them.

Only here threads take snapshots while others work, fork, and end the program.
"""

import copy
import pickle
import subprocess
import sys
import threading

import pytest
from tests.python.traced import check_in_child, holds_here, read_bytes, threads_that

import gilscope

pytestmark = [pytest.mark.alone, pytest.mark.contract]

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")


def counters(summary: gilscope.Summary) -> dict[tuple[str, int | None, int], list[int]]:
    """What may never get less, of each GIL and of each thread."""
    (process,) = summary.processes
    rows = [("gil", gil.id, gil.id, gil) for gil in process.gils]
    rows += [("thread", thread.id, thread.gil, thread) for thread in process.threads]  # type: ignore[misc]
    names = ("holds", "hold_ns", "waits", "wait_ns", "forced", "voluntary")
    return {(kind, of, gil): [getattr(row, name) for name in names] for kind, of, gil, row in rows}


@with_gil
def test_snapshots_are_cumulative_and_whole_while_threads_work() -> None:
    with gilscope.trace() as trace, threads_that(lambda: read_bytes(10), 3):
        before = counters(trace.snapshot())
        for _ in range(50):
            summary = trace.snapshot()
            assert summary.wall_ns is not None
            (gil,) = summary.processes[0].gils
            assert gil.hold_ns <= summary.wall_ns
            assert gil.overlaps == 0
            for name in ("holds", "waits", "forced", "voluntary"):
                assert getattr(gil, name) == sum(getattr(thread, name) for thread in summary.processes[0].threads)
            now = counters(summary)
            assert now.keys() >= before.keys()
            for key, figures in before.items():
                assert all(new >= old for new, old in zip(now[key], figures, strict=True)), (key, figures, now[key])
            before = now
    final = counters(trace.summary)
    assert all(new >= old for key in before for new, old in zip(final[key], before[key], strict=True))
    assert trace.summary.probe.pair_cost_ns is not None


@with_gil
def test_a_snapshot_counts_a_hold_that_goes_on() -> None:
    with gilscope.trace() as trace:
        before = trace.snapshot().processes[0].threads[0].hold_ns
        gilscope.hold(20_000_000)
        assert trace.snapshot().processes[0].threads[0].hold_ns >= before + 20_000_000


@with_gil
def test_neither_a_snapshot_nor_its_words_keep_the_gil() -> None:
    """One release is that of the figures, one that of the words; a summary that was looked at has them."""

    def voluntary(summary: gilscope.Summary) -> int:
        return summary.processes[0].threads[0].voluntary

    with gilscope.trace() as trace:
        unseen = trace.snapshot()
        seen = trace.snapshot()
        assert voluntary(seen) == voluntary(unseen) + 1
        assert voluntary(seen) == voluntary(unseen) + 1
        assert voluntary(trace.snapshot()) == voluntary(seen) + 3


def test_a_snapshot_that_nobody_has_looked_at_is_the_same_as_one_that_somebody_has() -> None:
    with gilscope.trace() as trace:
        read_bytes(10)
    summary = trace.summary
    copied = copy.copy(summary)
    pickled = pickle.loads(pickle.dumps(summary))
    assert summary == copied == pickled
    assert summary.to_json() == copied.to_json() == pickled.to_json()
    assert summary.ended_by is None
    assert repr(summary) == repr(copied)
    with pytest.raises(AttributeError, match="'Summary' object has no attribute 'processs'"):
        _ = summary.processs  # type: ignore[attr-defined]


@with_gil
def test_threads_may_take_and_read_snapshots_at_once() -> None:
    counted: dict[int, list[int]] = {}
    shared: list[int] = []

    def look() -> None:
        counted.setdefault(threading.get_ident(), []).append(holds_here(trace.snapshot()))

    with gilscope.trace() as trace, threads_that(look, 3):
        for _ in range(20):
            summary = trace.snapshot()
            readers = [threading.Thread(target=lambda: shared.append(holds_here(summary))) for _ in range(2)]  # noqa: B023
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            assert shared[-2] == shared[-1] == holds_here(summary)
    assert shared[::2] == sorted(shared[::2])
    assert len(counted) == 3
    assert all(mine == sorted(mine) for mine in counted.values())


@with_gil
def test_a_child_takes_snapshots_though_its_parent_was_about_to() -> None:
    """A lock that a thread of the parent had at the fork is nobody's in the child."""
    with gilscope.trace() as trace, threads_that(trace.snapshot, 1):
        for _ in range(10):
            check_in_child(lambda: holds_here(trace.snapshot()) < holds_here(trace.snapshot()))


# The daemon wants the GIL back while Python ends.
ENDS_MEANWHILE = """
import threading, gilscope
trace = gilscope.trace()
trace.start()
begun = threading.Event()
def look():
    while True:
        str(trace.snapshot())
        begun.set()
for _ in range(4):
    threading.Thread(target=look, daemon=True).start()
begun.wait()
"""


def test_python_ends_as_ever_though_a_daemon_takes_snapshots() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", ENDS_MEANWHILE], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
