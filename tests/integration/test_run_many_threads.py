"""More threads than are kept apart, one after the other: nothing gets lost, and the report says so."""

import pytest
from tests.integration.summaries import assert_blame_sums

# Threads that Python names, threads that the script names, and threads that nobody does.
SCRIPT = """
import _thread, threading, time
def work():
    time.sleep(0)
for number in range(300):
    threads = [threading.Thread(target=work), threading.Thread(target=work, name=f"reader_{number}")]
    for thread in threads: thread.start()
    done = _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(done.release, ())
    done.acquire()
    for thread in threads: thread.join()
"""


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


@pytest.mark.contract
@pytest.mark.parametrize("summarize", ["counters"], indirect=True)
def test_threads_that_have_ended_share_rows_by_their_name(summarize):
    result, document = summarize(SCRIPT)
    assert result.returncode == 0
    (process,) = document["processes"]
    assert document["probe"]["dropped"] == 0
    rows = process["threads"]
    assert len(rows) < 300
    assert sum(row["folded"] or 1 for row in rows) == 901
    folded = {row["name"]: row for row in rows if row["folded"]}
    assert set(folded) == {"Thread-N (work)", "reader_N", "(ended threads)"}
    for name, row in folded.items():
        assert row["id"] >= 2**31
        assert row["holds"] >= row["folded"] > 100
        assert row["holds"] == row["forced"] + row["voluntary"]
        assert row["hold_ns"] > 0
        assert row["lifetime_ns"] > 0
        assert (row["cpu_ns"] is None) == (name == "(ended threads)"), "Python tells of the end of its own threads"
    (gil,) = process["gils"]
    for figure in ("holds", "hold_ns", "waits", "wait_ns", "forced", "voluntary"):
        assert abs(sum(row[figure] for row in rows) - gil[figure]) <= len(rows)
    assert_blame_sums(process)
    assert "300 reader_N, 300 Thread-N (work), " in " ".join(result.stderr.split())


def test_the_text_has_a_row_for_the_threads_of_a_server_by_either_recorder(summarize):
    """As of socketserver's ThreadingMixIn: one for each request."""
    code = """
import threading
def process_request_thread(): sum(range(1000))
for _ in range(302):
    thread = threading.Thread(target=process_request_thread)
    thread.start(); thread.join()
"""
    result, document = summarize(code)
    assert result.returncode == 0
    rows = [row for row in document["processes"][0]["threads"] if row["name"].startswith("Thread-")]
    assert sum(row["folded"] or 1 for row in rows) == 302
    text = " ".join(result.stderr.split())
    assert "(Threads share a row by their name: 302 Thread-N (process_request_thread))" in text
    times, line = [line for line in result.stderr.splitlines() if line.startswith("Thread-N (process")]
    assert times.count("%") == 7
    assert int(line[20:].split()[1]) == sum(row["holds"] for row in rows)
