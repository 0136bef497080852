"""Threads that wait for one another's locks: told while they do, and at the end, however that comes.

A wait is looked at after a second, so each test takes that long; it asks until it is told.
"""

import json
import signal
import time

import pytest
from tests.integration.conftest import PATIENCE_S
from tests.integration.live import first_line
from tests.integration.test_run_locks import line_of

BEGIN = """
import sys, threading
first, second = threading.{lock}(), threading.{lock}()
both = threading.Barrier(2)
def start(*works):
    threads = [threading.Thread(target=work, name=work.__name__, daemon=True) for work in works]
    for thread in threads: thread.start()
    print("begun", flush=True)
    return threads
"""

CROSSED = (
    BEGIN
    + """
def transfer():
    with first:
        both.wait()
        with second: pass  # transfer waits
def refund():
    with second:
        both.wait()
        with first: pass  # refund waits
start(transfer, refund)
sys.stdin.read()
"""
)


@pytest.fixture
def look_until(look):
    def look_until(process, is_told):
        """What is said of a program that goes on, once it is."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            document = look(process.pid)
            if is_told(document):
                return document
            assert time.monotonic() < deadline, document["processes"][0]["open_lock_waits"]

    return look_until


def deadlocks(document):
    return [finding for finding in document["findings"] if finding["kind"] == "deadlock"]


def has_deadlock(document):
    return len(deadlocks(document)) == 1


def holders(process):
    names = {thread["id"]: thread["name"] for thread in process["threads"] + process["other_threads"]}
    return {
        names[wait["thread"]]: wait["holder"] and names[wait["holder"]]
        for wait in process["open_lock_waits"]
        if wait["waits_for"] == "turn"
    }


@pytest.mark.contract
@pytest.mark.parametrize("lock", ["Lock", "RLock"])
@pytest.mark.parametrize("keeps", [(), ("-o", "capture")], ids=["counters", "events"])
def test_two_threads_that_take_two_locks_crosswise_are_told_at_once_and_at_the_end(
    host, script, start, look_until, run, tmp_path, lock, keeps
):
    code = CROSSED.replace("{lock}", lock)
    process = start([host, "run", *keeps, "--json", "own.json", script(code)])
    assert first_line(process) == "begun"
    document = look_until(process, has_deadlock)
    assert holders(document["processes"][0]) == {"transfer": "refund", "refund": "transfer"}
    (told,) = deadlocks(document)
    assert told["text"].startswith("a deadlock: ")
    assert (told["threads"], len(told["victims"]), document["findings"][0]) == (2, 2, told)
    _, errors = process.communicate(timeout=60)
    own = json.loads((tmp_path / "own.json").read_text())
    assert own["findings"][0]["victims"] == told["victims"]
    said = " ".join(errors.split())
    for name in ("transfer", "refund"):
        assert f"waits at script.py:{line_of(code, name + ' waits')} {name} for" in said
    assert "Waits for a turn at a lock that had not ended:" in errors
    if keeps:
        again = json.loads(run([host, "report", "--json", "-", str(tmp_path / "capture")]).stdout)
        assert again["findings"][0] == own["findings"][0]
        assert again["processes"][0]["open_lock_waits"] == own["processes"][0]["open_lock_waits"]


def test_who_joins_a_thread_that_waits_for_its_lock_is_told_when_it_is_killed(
    host, script, start, look_until, tmp_path
):
    code = BEGIN.replace("{lock}", "Lock") + (
        "def work():\n    with first: pass  # work waits\n"
        "with first:\n    for thread in start(work): thread.join()  # main waits\n"
    )
    process = start([host, "run", "--json", "own.json", script(code)])
    assert first_line(process) == "begun"
    document = look_until(process, has_deadlock)
    (told,) = deadlocks(document)
    assert told["text"].startswith(f"probably a deadlock: work waits at script.py:{line_of(code, '# work')} work for")
    assert f"MainThread, which waits in Thread.join, called at script.py:{line_of(code, '# main')}" in told["text"]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM or process.returncode == 128 + signal.SIGTERM
    own = json.loads((tmp_path / "own.json").read_text())
    assert own["findings"][0]["victims"] == told["victims"]
    assert "probably a deadlock: work waits" in " ".join(errors.split())


@pytest.mark.contract
@pytest.mark.parametrize("again", ["first.acquire()", "with first: pass"])
def test_who_takes_its_own_lock_again_has_a_deadlock_alone(host, script, start, look_until, again):
    code = BEGIN.replace("{lock}", "Lock") + (
        f"def work():\n    with first:\n        {again}\nstart(work)\nsys.stdin.read()\n"
    )
    process = start([host, "run", script(code)])
    assert first_line(process) == "begun"
    (told,) = deadlocks(look_until(process, has_deadlock))
    assert "for a lock that it has itself" in told["text"]


@pytest.mark.contract
@pytest.mark.parametrize("lock", ["Lock", "RLock"])
def test_who_takes_back_what_it_gave_up_to_wait_for_a_condition_has_it_not(host, script, start, look_until, lock):
    code = BEGIN.replace("{lock}", lock) + (
        "condition = threading.Condition(first)\n"
        "def back():\n    with first:\n        both.wait()\n        condition.wait()\n"
        "start(back)\nboth.wait()\n"
        "with first:\n    condition.notify()\n    sys.stdin.read()\n"
    )
    process = start([host, "run", script(code)])
    assert first_line(process) == "begun"
    # Of a condition's own lock the library says that it is waited for, for work or for a turn.
    document = look_until(process, lambda document: document["processes"][0]["open_lock_waits"])
    assert not deadlocks(document)
    assert "back" not in holders(document["processes"][0]).values()
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.contract
def test_an_idle_worker_and_a_lock_that_is_held_for_long_are_none(host, script, start, look_until):
    code = BEGIN.replace("{lock}", "Lock") + (
        "import queue\ntasks = queue.Queue()\n"
        "def idle(): tasks.get()\n"
        "def late():\n    with first: pass\n"
        "with first:\n    start(idle, late)\n    sys.stdin.read()\n"
    )
    process = start([host, "run", script(code)])
    assert first_line(process) == "begun"
    document = look_until(process, lambda document: len(document["processes"][0]["open_lock_waits"]) == 2)
    assert not deadlocks(document)
    assert holders(document["processes"][0]) == {"late": None}
    process.communicate(timeout=60)
    assert process.returncode == 0
