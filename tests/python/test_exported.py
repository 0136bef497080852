"""The counters that monitoring reads: they never get less, lose nothing, and are of a bounded number."""

import contextlib
import dataclasses
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.python.contention import make_wait

import gilscope
from gilscope._exported import METRICS, OTHER, UNNAMED, Series, Source, Totals, label_of
from gilscope._process import Thread

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")

FIGURES = [metric.figure for metric in METRICS]


def row(name, *, thread: int | None = 1, gil=0, holds=0, hold_ns=0) -> Thread:
    """A row of a snapshot, zeros but for these."""
    return Thread(
        id=thread, name=name, gil=gil, holds=holds, hold_ns=hold_ns, hold_share=None, waits=0, wait_ns=0,
        wait_share=None, lifetime_ns=0, forced=0, voluntary=0, cpu_ns=None, hold=None, wait=None,
        longest_waits=[],
    )  # fmt: skip


def folded(name, *, thread: int, holds: int, folded: int) -> Thread:
    """Likewise, of threads that have ended."""
    return dataclasses.replace(row(name, thread=thread, holds=holds), folded=folded)


def holds(totals: Totals) -> dict[Series, int]:
    return {series: figures["holds"] for series, figures in totals.series.items()}


def make_totals(max_series=50) -> Totals:
    return Totals(max_series, label_of, FIGURES)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Thread-12", "Thread"),
        ("Thread-12 (handle)", "Thread (handle)"),
        ("Thread-N (handle)", "Thread (handle)"),
        ("ThreadPoolExecutor-0_N", "ThreadPoolExecutor"),
        ("Dummy-3", "Dummy"),
        ("ThreadPoolExecutor-0_3", "ThreadPoolExecutor"),
        ("MainThread", "MainThread"),
        ("waitress-0", "waitress-0"),
        ("asyncio_2", "asyncio_2"),
        ("Thread-12b", "Thread-12b"),
        ("My Thread-12", "My Thread-12"),
        ("Thread-1 (f) of Thread-2 (g)", "Thread (f) of Thread-2 (g)"),
        ("(other)", "(other)"),
    ],
)
def test_the_numbers_that_cpython_gives_are_left_out_of_names(name, label) -> None:
    assert label_of(name) == label


def test_the_names_that_this_cpython_gives_are_known() -> None:
    assert label_of(threading.Thread().name) == "Thread"
    assert label_of(threading.Thread(target=gilscope.count).name) == "Thread (count)"
    with ThreadPoolExecutor() as pool:
        assert pool.submit(lambda: label_of(threading.current_thread().name)).result() == "ThreadPoolExecutor"


def test_what_a_thread_did_before_it_had_a_name_stays_where_it_was() -> None:
    totals = make_totals()
    totals.update([row(None, holds=3)])
    totals.update([row("worker", holds=10)])
    assert holds(totals) == {("0", UNNAMED): 3, ("0", "worker"): 7}


def test_a_thread_with_the_id_of_one_that_ended_takes_nothing_from_it() -> None:
    totals = make_totals()
    totals.update([row("first", holds=3)])
    totals.update([row("second", holds=5)])
    totals.update([row("first", thread=2, holds=1), row("second", holds=6)])
    assert holds(totals) == {("0", "first"): 4, ("0", "second"): 3}


def test_threads_of_one_name_are_summed() -> None:
    totals = make_totals()
    totals.update([row("Thread-1 (f)", thread=1, holds=3), row("Thread-2 (f)", thread=2, holds=4)])
    assert holds(totals) == {("0", "Thread (f)"): 7}


def test_threads_that_the_recorder_merged_are_others() -> None:
    totals = make_totals()
    totals.update([row(None, thread=None, holds=3)])
    assert holds(totals) == {("0", OTHER): 3}


def test_names_beyond_the_bound_are_summed_by_gil() -> None:
    totals = make_totals(max_series=2)
    names = [row(name, thread=number, gil=number % 3, holds=1) for number, name in enumerate("abcdefg")]
    totals.update(names)
    totals.update(names)
    assert holds(totals) == {
        ("0", "a"): 1,
        ("1", "b"): 1,
        (OTHER, OTHER): 2,  # c and f, of GIL 2
        ("0", OTHER): 2,  # d and g
        ("1", OTHER): 1,  # e
    }


def test_what_ended_threads_did_is_counted_once_when_they_are_folded() -> None:
    totals = make_totals()
    totals.update([row("Thread-1 (work)", thread=1, holds=10), row("pool-0_3", thread=2, holds=5), row("b", thread=3)])
    totals.update(
        [
            row("Thread-1 (work)", thread=1, holds=10),
            row("pool-0_3", thread=2, holds=5),
            row("b", thread=3),
            row(None, thread=4, holds=2),
        ]
    )
    totals.update(
        [
            folded("Thread-N (work)", thread=2**31 + 1, holds=17, folded=3),
            folded("pool-0_N", thread=2**31 + 2, holds=9, folded=1),
            folded("(ended threads)", thread=2**31, holds=6, folded=2),
            row("b", thread=3, holds=1),
        ]
    )
    expected = {
        ("0", "Thread (work)"): 17,
        ("0", "pool-0_3"): 5,
        ("0", "pool-0_N"): 4,
        ("0", "b"): 1,
        ("0", UNNAMED): 6,
    }
    assert holds(totals) == expected
    # The system gives an id again; and where there are many names, the last share the row of those without.
    totals.update(
        [
            folded("Thread-N (work)", thread=2**31 + 1, holds=20, folded=4),
            folded("pool-0_N", thread=2**31 + 2, holds=9, folded=1),
            folded("(ended threads)", thread=2**31, holds=8, folded=3),
            row("Thread-9 (work)", thread=1, holds=2),
        ]
    )
    assert holds(totals) == expected | {("0", "Thread (work)"): 17 + 3 + 2, ("0", UNNAMED): 6 + 2 - 1}


def test_a_label_that_raises_changes_nothing() -> None:
    totals = Totals(50, {"known": "known"}.__getitem__, FIGURES)
    with pytest.raises(KeyError):
        totals.update([row("known", holds=1), row("unknown", thread=2, holds=1)])
    assert totals.series == {}


def test_no_counter_gets_less_nor_is_anything_lost_whatever_snapshots_come() -> None:
    # No wheel of hypothesis for every Python: its absence must not cost the other tests.
    hypothesis = pytest.importorskip("hypothesis")
    some = hypothesis.strategies
    change = some.tuples(
        some.tuples(some.integers(0, 3), some.none() | some.integers(1, 4)),  # whose row: a GIL's, a thread's
        some.none() | some.sampled_from(["", "a", "b", "Thread-1", "Thread-2", "c", "d"]),  # its name from now on
        some.lists(some.integers(0, 10**12), min_size=len(FIGURES), max_size=len(FIGURES)),  # gained
        some.sampled_from([0, 0, 0, 1, 10**6, None]),  # shown too low by so much, or not at all
    )

    def check(max_series, steps) -> None:
        totals = make_totals(max_series)
        truth: dict[tuple[int, int | None], list[int]] = {}
        names: dict[tuple[int, int | None], str | None] = {}

        def show(wrong) -> None:
            before = {series: figures.copy() for series, figures in totals.series.items()}
            rows = []
            for (gil, thread), figures in truth.items():
                lack = wrong.get((gil, thread), 0)
                if lack is None:
                    continue
                shown = dict(zip(FIGURES, (max(0, figure - lack) for figure in figures), strict=True))
                rows.append(Thread(**{**vars(row(names[gil, thread], thread=thread, gil=gil)), **shown}))
            totals.update(rows)
            for series, figures_before in before.items():
                assert all(totals.series[series][figure] >= figures_before[figure] for figure in FIGURES)
            assert len(totals.series) <= 2 * max_series + 1
            if len({gil for gil, _ in truth}) == 1:
                assert len(totals.series) <= max_series + 1

        for changes in steps:
            for key, name, gains, _ in changes:
                old = truth.setdefault(key, [0] * len(FIGURES))
                truth[key] = [figure + gain for figure, gain in zip(old, gains, strict=True)]
                names[key] = name
            show({key: lack for key, _, _, lack in changes})
        show({})
        for index, figure in enumerate(FIGURES):
            told = sum(figures[figure] for figures in totals.series.values())
            assert told == sum(figures[index] for figures in truth.values())

    steps = some.lists(some.lists(change, max_size=8), max_size=8)
    given = hypothesis.given(some.integers(1, 6), steps)
    slow = [hypothesis.HealthCheck.too_slow]
    settings = hypothesis.settings(deadline=None, max_examples=100, suppress_health_check=slow)
    settings(given(check))()


def test_every_metric_is_documented_by_both_of_its_names_and_its_unit() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "monitoring.md").read_text(encoding="utf-8")
    for metric in METRICS:
        unit = metric.unit if metric.unit == "s" else f"`{metric.unit}`"
        assert f"| `{metric.prometheus}_total` | `{metric.opentelemetry}` | {unit} |" in page


@pytest.mark.alone
@with_gil
def test_many_short_threads_lose_nothing_and_no_counter_gets_less() -> None:
    source = Source(None, 5, label_of)
    before = source.read().series
    for name in "ab":
        for number in range(100):
            thread = threading.Thread(target=gilscope.release, args=(0,), name=f"{name}{number % 10}")
            thread.start()
            thread.join()
            if number % 10 == 0:
                now = source.read().series
                assert now.keys() >= before.keys()
                for series, figures in before.items():
                    assert all(now[series][figure] >= figures[figure] for figure in FIGURES), series
                before = now
    (gil,) = source.trace.stop().processes[0].gils
    final = source.read().series
    assert len(final) == 6
    assert sum(figures["holds"] for figures in final.values()) == gil.holds
    assert final[Series("0", OTHER)]["holds"] >= 15 * 10  # of all names but the first four
    assert final[Series("0", "a0")]["holds"] >= 10


@pytest.mark.alone
@with_gil
def test_a_trace_that_is_begun_for_counters_notes_no_lines() -> None:
    source = Source(None, 50, label_of)
    make_wait(source.trace)
    (process,) = source.trace.stop().processes
    assert process.blame
    assert not [row for row in process.blame if row.from_ or row.to or row.stack]


@pytest.mark.alone
@with_gil
def test_counters_of_a_trace_that_was_stopped_stand_still() -> None:
    with gilscope.trace() as trace:
        source = Source(trace, 50, label_of)
    assert source.read() == source.read()


@pytest.mark.alone
def test_a_label_that_raises_at_the_first_reading_leaves_no_trace_behind() -> None:
    def refuse(name: str) -> str:
        raise LookupError(name)

    if has_gil:
        with pytest.raises(LookupError, match="MainThread"):
            Source(None, 50, refuse)
    with gilscope.trace():
        pass


@pytest.mark.alone
def test_bad_arguments_are_refused_and_nothing_is_traced() -> None:
    with pytest.raises(ValueError, match="max_series must be at least 1, and is 0"):
        Source(None, 0, label_of)
    with pytest.raises(TypeError):
        Source(None, "5", label_of)  # type: ignore[arg-type]
    with pytest.raises(gilscope.Error, match=r"try: its start\(\)"):
        Source(gilscope.trace(), 50, label_of)
    with contextlib.ExitStack() as as_many_as_may:
        for _ in range(4):
            as_many_as_may.enter_context(gilscope.trace())
        if has_gil:
            with pytest.raises(gilscope.Error, match="already run"):
                Source(None, 50, label_of)


@with_gil
def test_a_forked_child_counts_itself_alone_even_while_a_thread_reads() -> None:
    code = """
import os, signal, threading, gilscope
from gilscope._exported import Source, label_of
source = Source(None, 50, label_of)
worker = threading.Thread(target=lambda: [gilscope.release(0) for _ in range(500)], name="worker")
worker.start()
worker.join()
reading, forked = threading.Event(), threading.Event()
def read():
    with source._lock:
        reading.set()
        forked.wait()
reader = threading.Thread(target=read, name="reader")
reader.start()
reading.wait()
source._shared = object()
child = os.fork()
if child == 0:
    signal.alarm(30)
    first, shared_one = source.read().series, source.read_for("any").series
    for _ in range(1000): gilscope.release(0)
    second = source.read().series
    assert list(first) == [("0", "MainThread")], first
    assert list(shared_one) == [("0", "MainThread")], shared_one
    assert first["0", "MainThread"]["holds"] < 200, first
    assert second["0", "MainThread"]["holds"] >= first["0", "MainThread"]["holds"] + 1000
    os._exit(0)
forked.set()
reader.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert source.read().series["0", "worker"]["holds"] >= 500
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


@with_gil
def test_a_child_knows_nothing_of_a_trace_that_was_stopped_before_the_fork() -> None:
    code = """
import os, gilscope
from gilscope._exported import Source, label_of
source = Source(None, 50, label_of)
source.trace.stop()
child = os.fork()
if child == 0:
    reading = source.read()
    os._exit(0 if reading.series == {} and reading.is_complete is None else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert source.read().is_complete
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
