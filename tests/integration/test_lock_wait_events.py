"""Each wait for a lock in captures: what time lines have of it, against the sums of the report."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest
from tests.integration.summaries import TURNS, document_of

KINDS = {"turn": "lock wait", "work": "work wait", "world": "stopped"}

# Threads that take turns at a lock, hand things over by a queue, and (without a GIL) stand in a stopped world.
PROGRAM = (
    TURNS
    + """
import gc
lock = threading.Lock()
def work(own):
    timed(own, lock.acquire)
    time.sleep(0.002)
    lock.release()
todo = queue.Queue()
def consume():
    while todo.get(): todo.task_done()
consumer = threading.Thread(target=consume)
consumer.start()
until_all_have_waited(work, times=5)
for _ in range(20): todo.put(1)
todo.join()
gc.collect()
todo.put(0)
consumer.join()
"""
)


@pytest.fixture
def recorded(host, run, script, tmp_path):
    """The report of the program, the slices of its trace, and the rows of its page's time line."""
    summary, trace, page = (tmp_path / name for name in ("summary.json", "trace.json", "page.html"))
    files = ["--json", str(summary), "--trace", str(trace), "--html", str(page)]
    ran = run([host, "run", "-q", *files, script(PROGRAM)])
    assert ran.returncode == 0, ran.stderr
    slices = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
    timeline = document_of(page)["timeline"]
    rows = [(row, timeline["tick_ns"]) for process in timeline["processes"] for row in process["rows"]]
    return json.loads(summary.read_text())["processes"][0], slices, rows


@pytest.mark.contract
def test_each_wait_is_in_the_trace_with_its_line_and_they_sum_to_those_of_the_report(recorded):
    process, slices, _ = recorded
    assert process["further_lock_waits"] == 0
    for waits_for, name in KINDS.items():
        rows = [row for row in process["lock_waits"] if row["waits_for"] == waits_for]
        found = [each for each in slices if each["name"] == name]
        assert len(found) == sum(row["count"] for row in rows), name
        total = sum(each["dur"] * 1000 for each in found)
        assert total == pytest.approx(sum(row["total_ns"] for row in rows), abs=2 * len(found) + 2), name
    turns = [each for each in slices if each["name"] == "lock wait"]
    threads = {thread["id"] for thread in process["threads"] or process["other_threads"]}
    mine = [each for each in turns if (each["args"]["at"] or "").startswith("timed")]
    assert len(mine) >= 10
    assert {each["args"]["ended_by"] for each in mine} <= threads | {None}
    assert any(each["args"]["ended_by"] for each in mine)


@pytest.mark.contract
def test_no_two_slices_of_a_thread_overlap(recorded):
    """As a viewer would drop one of them."""
    _, slices, _ = recorded
    rows = defaultdict(list)
    for each in slices:
        rows[each["pid"], each["tid"]].append((round(each["ts"] * 1000), round(each["dur"] * 1000), each["name"]))
    assert len(rows) == 4
    for row in rows.values():
        for (begin, length, _), (following, *_) in pairwise(sorted(row)):
            assert begin + length <= following, row


@pytest.mark.contract
def test_the_page_draws_those_for_a_turn_and_in_a_stopped_world(recorded):
    """Waits for work are idleness."""
    process, _, rows = recorded
    drawn = sum(sum(row["cells"][4::8]) * tick for row, tick in rows)
    told = [row for row in process["lock_waits"] if row["waits_for"] != "work"]
    assert drawn == pytest.approx(sum(row["total_ns"] for row in told), abs=2 * len(told) + 2)
    ends = sum(sum(row["cells"][7::8]) for row, _ in rows)
    assert ends == sum(row["count"] for row in told)
