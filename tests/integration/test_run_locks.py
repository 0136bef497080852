"""Waits for Python's locks, and who ended them: `lock_waits` of `gilscope run`, by both recorders.

Threads go on until each has waited often enough, as it has seen itself: a busy machine only takes longer.
"""

import pytest
from tests.integration.summaries import NATIVE_AND_SLEEPER, TURNS

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

LOCK = (
    TURNS
    + """
lock = threading.Lock()
def work(own):
    timed(own, lock.acquire)  # here they wait
    time.sleep(0.005)
    lock.release()  # and here it ends
until_all_have_waited(work)
"""
)


def line_of(code, words):
    return next(number for number, line in enumerate(code.splitlines(), 1) if words in line)


def rows_of(process, waits_for):
    """Those of the script's own lines."""
    rows = [row for row in process["lock_waits"] if row["waits_for"] == waits_for and row["place"]]
    return [row for row in rows if row["place"]["file"].endswith("script.py")]


@pytest.mark.contract
def test_waits_for_a_turn_have_their_line_their_length_and_who_ended_them(summarize):
    ran, document = summarize(LOCK)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    workers = {thread["id"] for thread in process["threads"] if (thread["name"] or "").startswith("worker")}
    line = line_of(LOCK, "    take()")
    rows = [row for row in rows_of(process, "turn") if row["place"]["line"] == line]
    (row,) = [row for row in rows if row["ended_at"]]  # of a wait that was over before it had begun nobody knows
    assert row["within"] is None
    assert row["ended_at"]["line"] == line_of(LOCK, "and here it ends")
    assert (row["threads"], {row["max_thread"], row["max_ender"]}) == (2, workers)
    assert row["count"] > 2
    assert row["max_ns"] <= row["total_ns"]
    assert 0 < row["by_peers_ns"] <= row["total_ns"]
    # Each took the GIL again after its wait, before it read its clock; shorter waits are not in its sum.
    count, total = (sum(row[figure] for row in rows) for figure in ("count", "total_ns"))
    assert total - count * 1_000_000 <= int(ran.stdout)
    (finding,) = [finding for finding in document["findings"] if finding["kind"] == "lock_turns"]
    assert (finding["threads"], finding["count"], finding["lock_wait_ns"]) == (2, count, total)
    said = " ".join(ran.stderr.split())
    assert f"2 threads take turns at a lock at script.py:{line} timed: {count} waits" in said
    assert f"script.py:{line} timed: {row['count']} × up to" in said.split("Waits for a turn at one")[1]


def test_a_handler_of_logging_is_named_with_the_line_that_logs(summarize):
    code = (
        TURNS
        + """
class SlowDisk(logging.Handler):
    def emit(self, record): time.sleep(0.005)
log = logging.getLogger("app")
log.addHandler(SlowDisk())
log.propagate = False
until_all_have_waited(lambda own: timed(own, lambda: log.error("one")))  # the line
"""
    )
    _, document = summarize(code)
    row = rows_of(document["processes"][0], "turn")[0]
    assert row["within"] in ("Handler.handle", "Handler.acquire")
    assert row["place"]["line"] == row["ended_at"]["line"] == line_of(code, "# the line")
    (finding,) = [finding for finding in document["findings"] if finding["kind"] == "lock_turns"]
    assert finding["within"] == row["within"]


@pytest.mark.contract
def test_waits_for_work_are_told_apart(summarize):
    code = """
import concurrent.futures, queue, threading, time
tasks, done = queue.Queue(), queue.SimpleQueue()
def work():
    for number in iter(tasks.get, None):
        time.sleep(0.002)
        done.put(number)
worker = threading.Thread(target=work)
worker.start()
for number in range(20):
    tasks.put(number)
    assert done.get() == number  # simple
tasks.put(None)
worker.join()
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    for _ in range(20):
        future = pool.submit(time.sleep, 0.002)
        future.result()  # result
for _ in range(20):
    event = threading.Event()
    sleeper = threading.Thread(target=lambda: (time.sleep(0.002), event.set()))
    sleeper.start()
    event.wait()  # event
    sleeper.join()  # join
"""
    ran, document = summarize(code)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    assert not [finding for finding in document["findings"] if finding["kind"] == "lock_turns"]
    within = {(row["place"]["line"], row["within"]) for row in rows_of(process, "work")}
    assert (line_of(code, "# simple"), None) in within
    assert (line_of(code, "iter(tasks.get"), "Queue.get") in within
    assert (line_of(code, "# result"), "Future.result") in within
    assert (line_of(code, "# event"), "Event.wait") in within
    waits_for_turns = {row["place"]["line"] for row in rows_of(process, "turn")}
    assert not {line_of(code, "# simple"), line_of(code, "# join"), line_of(code, "# event")} & waits_for_turns


def test_each_process_has_its_own(summarize):
    code = LOCK.replace("until_all_have_waited(work)", "import os\nif os.fork() == 0:\n    until_all_have_waited(work)")
    ran, document = summarize(code + "\n    os._exit(0)\nos.wait()\n")
    assert ran.returncode == 0, ran.stderr
    parent, child = document["processes"]
    line = line_of(code, "    take()")
    assert not [row for row in rows_of(parent, "turn") if row["place"]["line"] == line]
    assert max(row["threads"] for row in rows_of(child, "turn") if row["place"]["line"] == line) == 2


def states_of(process):
    return {thread["name"]: thread["states"] for thread in process["threads"]}


def test_each_thread_has_what_it_waited_for_locks_in_its_time(summarize):
    ran, document = summarize(LOCK)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    times = states_of(process)
    for key, waits_for in (("lock_wait", "turn"), ("work_wait", "work")):
        rows = [row["total_ns"] for row in process["lock_waits"] if row["waits_for"] == waits_for]
        in_rounding = len(rows) + len(times)
        assert abs(sum(row[key] for row in times.values()) - sum(rows)) <= in_rounding
    assert min(times[name]["lock_wait"] for name in ("worker 0", "worker 1")) > 0
    assert times["MainThread"]["work_wait"] > 0, "it joins them"
    assert "Where the time of each thread went:" in ran.stderr


def test_a_thread_that_never_gets_a_lock_waits_to_the_end(summarize):
    code = """
import threading, time
lock = threading.Lock()
lock.acquire()
waiter = threading.Thread(target=lock.acquire, name="waiter", daemon=True)
waiter.start()
time.sleep(0.05)
"""
    _, document = summarize(code)
    (process,) = document["processes"]
    assert states_of(process)["waiter"]["lock_wait"] > 0
    assert not [row for row in process["lock_waits"] if row["waits_for"] == "turn"], "it did not end"


def test_what_computes_without_the_gil_is_native_and_what_sleeps_is_asleep(summarize):
    _, document = summarize(NATIVE_AND_SLEEPER)
    times = states_of(document["processes"][0])
    assert times["native"]["computing_without_gil"] > times["native"]["running"]
    sleeper = times["sleeper"]
    # In the queue for a CPU it may also have been before its first event, and while it waited for the GIL.
    assert sleeper["blocked"] + (sleeper["no_cpu"] or 0) > sleeper["computing_without_gil"]


def test_without_lines_nobody_looks_what_threads_wait_for(summarize):
    _, document = summarize("import time; time.sleep(0.01)", flags=["--no-stacks"])
    main = states_of(document["processes"][0])["MainThread"]
    assert (main["lock_wait"], main["work_wait"]) == (None, None)
    assert main["blocked"] + (main["no_cpu"] or 0) > 0
