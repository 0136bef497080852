"""gilscope.trace(): the figures of what is known beforehand, in the Python that runs these tests.

Only here, and in the files of what is made of a trace, the process of the tests is traced, by the package alone.
"""

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest
from tests.python.contention import LONG_NS, caused_wait, forced_releases, longest_wait, make_wait
from tests.python.traced import check_in_child, holds_here, read_bytes

import gilscope
from gilscope._process import LockWaits, Process

pytestmark = [pytest.mark.alone, pytest.mark.contract]

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")


def count_releases(work) -> int:
    """The voluntary releases of this thread while it works."""
    with gilscope.trace() as trace:
        work()
    threads = trace.summary.processes[0].threads
    return sum(thread.voluntary for thread in threads if thread.id == threading.get_native_id())


@with_gil
def test_every_release_is_counted() -> None:
    without = count_releases(lambda: read_bytes(0))
    assert count_releases(lambda: read_bytes(1)) == without + 1
    assert count_releases(lambda: read_bytes(10_000)) == without + 10_000


@with_gil
def test_spans_of_known_length_are_holds_and_gaps_of_that_length() -> None:
    with gilscope.trace() as trace:
        for _ in range(3):
            gilscope.release(0)
            gilscope.hold(20_000_000)
    (gil,) = trace.summary.processes[0].gils
    assert gil.hold_ns >= 60_000_000
    assert (gil.waits, gil.forced, gil.overlaps) == (0, 0, 0)
    (thread,) = trace.summary.processes[0].threads
    assert thread.hold is not None
    assert thread.hold.max_ns >= 20_000_000


@with_gil
def test_a_waiter_is_seen_to_wait_for_as_long_as_the_gil_is_held() -> None:
    with gilscope.trace() as trace:
        make_wait(trace, lambda summary: forced_releases(summary) > 0)
    assert longest_wait(trace.summary) > LONG_NS
    rows = {row.name: row for row in trace.summary.processes[0].threads}
    assert rows["MainThread"].forced >= 1
    assert trace.summary.processes[0].gils[0].handoffs >= 2


@with_gil
def test_threads_have_their_names_and_cpu_times() -> None:
    def work() -> None:
        threading.current_thread().name = "renamed"
        gilscope.count(10_000_000)

    with gilscope.trace() as trace:
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
    rows = {row.name: row for row in trace.summary.processes[0].threads}
    assert set(rows) == {"MainThread", "renamed"}
    cpu_ns, wall_ns = rows["renamed"].cpu_ns, trace.summary.wall_ns
    assert cpu_ns is not None
    assert wall_ns is not None
    assert 0 < cpu_ns <= wall_ns


def test_a_name_that_is_no_unicode_text_breaks_no_thread() -> None:
    with gilscope.trace() as trace:
        thread = threading.Thread(target=gilscope.count, args=(1000,), name="a\udcffb")
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
    if has_gil:
        assert "a\\udcffb" in {row.name for row in trace.summary.processes[0].threads}


def name_of_traced_process(_: object = None) -> str | None:
    """In this process."""
    with gilscope.trace() as trace:
        gilscope.count(1000)
    return trace.summary.processes[0].name


@with_gil
def test_a_process_of_multiprocessing_has_its_name() -> None:
    assert name_of_traced_process() is None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (worker,) = pool._pool  # type: ignore[attr-defined]
        assert pool.map(name_of_traced_process, [None]) == [worker.name]


def test_arguments_that_are_no_unicode_text_are_in_the_command() -> None:
    code = "import gilscope\nwith gilscope.trace() as t: pass\nprint(ascii(t.summary.command[-1]))"
    done = subprocess.run([sys.executable, "-c", code, b"a\xffb"], check=True, capture_output=True, timeout=60)
    assert done.stdout == b"'a\\\\udcffb'\n"


def test_the_threading_module_is_as_it_was_afterwards() -> None:
    before = threading.Thread._set_native_id, threading.Thread._delete  # type: ignore[attr-defined]
    with gilscope.trace():
        pass
    after = threading.Thread._set_native_id, threading.Thread._delete  # type: ignore[attr-defined]
    assert after == before


def holds_of(trace: gilscope.trace) -> int:
    """Of the main interpreter's GIL."""
    return trace.summary.processes[0].gils[0].holds


@with_gil
def test_a_trace_within_a_trace_is_a_window_and_the_outer_one_has_all() -> None:
    with gilscope.trace() as outer:
        read_bytes(100)
        with gilscope.trace(lines="all") as inner:
            read_bytes(200)
        read_bytes(400)
    assert 200 <= holds_of(inner) < 300
    assert holds_of(outer) >= holds_of(inner) + 500
    assert sum(row.holds for row in inner.summary.processes[0].blame or []) == holds_of(inner)
    assert sum(row.holds for row in outer.summary.processes[0].blame or []) < holds_of(inner)  # nobody waited
    assert count_releases(lambda: read_bytes(10)) >= 10


@with_gil
def test_traces_may_end_in_any_order() -> None:
    before = threading.Thread._set_native_id, threading.Thread._delete  # type: ignore[attr-defined]
    first, second = gilscope.trace(), gilscope.trace()
    first.start()
    second.start()
    read_bytes(100)
    first.stop()
    thread = threading.Thread(target=read_bytes, args=(100,), name="between")
    thread.start()
    thread.join()
    second.stop()
    assert 100 <= holds_of(first) < 200
    assert holds_of(second) >= 200
    assert "between" in {row.name for row in second.summary.processes[0].threads}
    assert "between" not in {row.name for row in first.summary.processes[0].threads}
    after = threading.Thread._set_native_id, threading.Thread._delete  # type: ignore[attr-defined]
    assert after == before


@with_gil
def test_one_trace_too_many_is_refused_and_the_others_go_on() -> None:
    with contextlib.ExitStack() as outer:
        traces = [outer.enter_context(gilscope.trace()) for _ in range(4)]
        with pytest.raises(gilscope.Error, match="4 probes of gilscope already run"), gilscope.trace():
            pass
        read_bytes(100)
    assert min(holds_of(trace) for trace in traces) >= 100


def test_a_trace_is_entered_once_and_has_its_summary_at_the_end() -> None:
    trace = gilscope.trace()
    with pytest.raises(gilscope.Error, match="has not ended"):
        _ = trace.summary
    with trace, pytest.raises(gilscope.Error, match="has not ended"):
        _ = trace.summary
    with pytest.raises(gilscope.Error, match="started before"), trace:
        pass
    assert trace.summary.exit_code is None


def test_an_exception_ends_the_trace_and_is_the_users() -> None:
    trace = gilscope.trace()
    with pytest.raises(ZeroDivisionError), trace:
        _ = 1 / 0
    assert trace.summary.probe.dropped == 0


def test_a_trace_starts_and_stops_without_a_with_statement() -> None:
    trace = gilscope.trace()
    for call in (trace.stop, trace.snapshot):
        with pytest.raises(gilscope.Error, match=r"try: its start\(\)"):
            call()
    trace.start()
    read_bytes(100)
    summary = trace.stop()
    assert trace.summary is trace.snapshot() is summary
    with pytest.raises(gilscope.Error, match="does not run"):
        trace.stop()
    if has_gil:
        assert summary.processes[0].gils[0].holds > 100


def test_a_trace_may_be_stopped_within_its_with_statement() -> None:
    with gilscope.trace() as trace:
        summary = trace.stop()
        read_bytes(1000)
    assert trace.summary is summary
    assert not has_gil or summary.processes[0].gils[0].holds < 1000


@with_gil
def test_any_thread_traces_and_another_one_may_end_it() -> None:
    trace = gilscope.trace()

    def begin() -> None:
        trace.start()
        read_bytes(1000)

    thread = threading.Thread(target=begin, name="beginner")
    thread.start()
    thread.join()
    rows = {row.name: row for row in trace.stop().processes[0].threads}
    assert rows["beginner"].voluntary >= 1000
    assert set(rows) == {"beginner", "MainThread"}


@pytest.mark.skipif(has_gil, reason="this Python has a GIL")
def test_without_a_gil_the_summary_says_so() -> None:
    assert sysconfig.get_config_var("Py_GIL_DISABLED")
    with gilscope.trace() as trace:
        pass
    assert trace.summary.verdict.kind == "no_gil"
    (process,) = trace.summary.processes
    assert (process.gils, process.threads) == ([], [])
    assert [thread.name for thread in process.other_threads] == ["MainThread"]


@pytest.mark.skipif(has_gil, reason="this Python has a GIL")
def test_without_a_gil_there_are_the_waits_for_locks_and_the_gil_stays_off() -> None:
    lock = threading.Lock()
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            with lock:
                time.sleep(0.002)

    def turns(process: Process) -> list[LockWaits]:
        """Those that slept: of others, which got the lock at one of their tries, nobody knows which it was."""
        rows = [row for row in process.lock_waits if row.waits_for == "turn" and row.lock]
        return [row for row in rows if row.place and row.place.file == __file__]

    with gilscope.trace() as trace:
        threads = [threading.Thread(target=work, name=f"worker {n}") for n in range(2)]
        for thread in threads:
            thread.start()
        while not any(row.threads == 2 and row.max_ender for row in turns(trace.snapshot().processes[0])):
            time.sleep(0.01)
        is_over.set()
        for thread in threads:
            thread.join()
    (process,) = trace.summary.processes
    names: dict[int | None, str | None] = {row.id: row.name for row in process.other_threads}
    row = next(row for row in turns(process) if row.threads == 2 and row.max_ender)
    assert row.lock is not None
    assert (row.lock.kind, row.lock.type) == ("lock", None)
    assert row.place == row.ended_at
    assert {names[row.max_thread], names[row.max_ender]} == {"worker 0", "worker 1"}
    states = {row.name: row.states for row in process.other_threads}
    for name in ("worker 0", "worker 1"):
        own = states[name]
        assert own is not None
        assert own.lock_wait is not None
        assert own.lock_wait > 0
        assert (own.gil_wait, own.computing_without_gil) == (0, None)
    main = states["MainThread"]
    assert main is not None
    assert abs(sum(part or 0 for part in vars(main).values()) - process.wall_ns) <= len(vars(main))
    assert not getattr(sys, "_is_gil_enabled", lambda: True)()


@with_gil
def test_a_forked_child_traces_itself_alone() -> None:
    trace = gilscope.trace()
    trace.start()
    read_bytes(1000)
    check_in_child(lambda: holds_here(trace.snapshot()) < 500)
    check_in_child(lambda: holds_here(trace.stop()) < 500)
    assert holds_here(trace.snapshot()) > 1000
    assert holds_here(trace.stop()) > 1000


@with_gil
def test_a_child_of_a_fork_traces_afresh() -> None:
    def trace_reads() -> bool:
        with gilscope.trace() as trace:
            read_bytes(1000)
            assert holds_here(trace.snapshot()) > 1000
        return holds_here(trace.summary) > 1000

    with gilscope.trace():
        pass
    check_in_child(trace_reads)


WITHIN_HOST = """
import gilscope
from gilscope._process import LockWaits, Process
with gilscope.trace() as t:
    for _ in range(100):
        gilscope.release(0)
print(t.summary.processes[0].gils[0].holds)
gilscope.trace().start()  # never stopped
for _ in range(1000):
    gilscope.release(0)
"""


@with_gil
def test_the_host_and_the_package_trace_at_once() -> None:
    host = os.environ.get("GILSCOPE_HOST")
    if not host:
        pytest.skip("GILSCOPE_HOST is not set")
    environment = {**os.environ, "VIRTUAL_ENV": str(Path(sys.prefix))}
    command = [host, "run", "--json", "-", "-c", WITHIN_HOST]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    holds, _, text = done.stdout.partition("\n")
    document = json.loads(text)
    assert 100 <= int(holds) < 1000
    assert document["processes"][0]["gils"][0]["holds"] >= 1000 + int(holds)
    assert (document["probe"]["dropped"], document["probe"]["overwritten"]) == (0, False)


@with_gil
def test_the_line_that_made_another_thread_wait_is_blamed() -> None:
    with gilscope.trace() as trace:
        make_wait(trace, lambda summary: caused_wait(summary) > LONG_NS)
    (process,) = trace.summary.processes
    assert process.blame
    culprit = next(row for row in process.blame if row.thread == threading.get_native_id())
    assert culprit.caused_wait_ns > 0
    assert "make_wait" in [place.function for place in culprit.stack]
    waited = sum(thread.wait_ns for thread in process.threads)
    assert abs(sum(row.caused_wait_ns for row in process.blame) - waited) <= len(process.blame) + len(process.threads)


@with_gil
def test_lines_of_all_holds_are_those_of_uncontended_ones_too() -> None:
    with gilscope.trace(lines="all") as trace:
        gilscope.release(0)
        gilscope.hold(20_000_000)
        gilscope.release(0)
        during = trace.snapshot()
    for summary in (during, trace.summary):
        (process,) = summary.processes
        assert process.blame is not None
        assert sum(row.holds for row in process.blame) == sum(thread.holds for thread in process.threads)
        (hold,) = [row for row in process.blame if row.from_ and row.to and row.to.line == (row.from_.line or 0) + 2]
        assert hold.hold_ns >= 20_000_000
        assert hold.caused_wait_ns == 0
        assert {place.file for place in (hold.from_, hold.to) if place} == {__file__}


@with_gil
def test_without_lines_threads_are_blamed_alone() -> None:
    with gilscope.trace(lines="none") as trace:
        make_wait(trace)
    (process,) = trace.summary.processes
    assert process.blame
    assert all(row.from_ is row.to is None and row.stack == [] for row in process.blame)
    assert not trace.summary.probe.stacks_unreadable


def test_lines_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="lines is one of contended, all, none, not 'every'"):
        gilscope.trace(lines="every")  # type: ignore[arg-type]
