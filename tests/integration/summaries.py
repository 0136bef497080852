"""Figures of gilscope.summary/1, as the tests of `gilscope run` ask for them."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

# As many releases of the GIL as its argument says, by the thread that runs it.
READS = """
import os, sys
zero = os.open("/dev/zero", os.O_RDONLY)
for _ in range(int(sys.argv[1])):
    os.read(zero, 1)
"""

# Threads that go on until each has waited often enough, as it has seen itself.
TURNS = """
import json, logging, queue, threading, time

def until_all_have_waited(work, threads=2, times=50):
    waits = [[] for _ in range(threads)]
    def run(own):
        while min(map(len, waits)) < times:
            work(own)
    workers = [threading.Thread(target=run, args=(own,), name=f"worker {n}") for n, own in enumerate(waits)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    print(json.dumps(sum(sum(own) for own in waits)))

def timed(own, take):
    begin = time.perf_counter_ns()
    take()
    took = time.perf_counter_ns() - begin
    if took > 1_000_000: own.append(took)
"""

# A thread that computes in C without the GIL, and one that sleeps.
NATIVE_AND_SLEEPER = """
import hashlib, threading, time
def native():
    block = bytes(1 << 22)
    while time.thread_time() < 0.1: hashlib.sha256(block)
def sleeper():
    time.sleep(0.1)
    time.sleep(0.1)
workers = [threading.Thread(target=work, name=work.__name__) for work in (native, sleeper)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"""


def document_of(page: Path) -> dict[str, Any]:
    """The JSON in a page."""
    found = re.search(r'<script type="application/json" id="document">(.*?)</script>', page.read_text("utf-8"), re.S)
    assert found
    document: dict[str, Any] = json.loads(found[1])
    return document


def gils(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the first process."""
    found: list[dict[str, Any]] = document["processes"][0]["gils"]
    return found


def main_thread(document: dict[str, Any], process: int = 0) -> dict[str, Any]:
    """Of a process, on its first GIL."""
    threads: list[dict[str, Any]] = document["processes"][process]["threads"]
    return next(thread for thread in threads if thread["name"] == "MainThread")


def steps_of(process: dict[str, Any], function: str) -> list[dict[str, Any]]:
    """The rows of a function; others may have been long, too, where the machine was busy."""
    return [row for row in process["loop_steps"] if row["place"] and row["place"]["function"] == function]


def releases(document: dict[str, Any], process: int = 0) -> int:
    """All that a process made."""
    return sum(gil["forced"] + gil["voluntary"] for gil in document["processes"][process]["gils"])


def assert_states(process: dict[str, Any]) -> None:
    """All that a thread did is its life, which is no less than what it did with one GIL."""
    lives: dict[int, int] = {}
    for thread in process["other_threads"]:
        if thread["states"] is not None:
            assert min(state or 0 for state in thread["states"].values()) >= 0
            assert sum(state or 0 for state in thread["states"].values()) <= process["wall_ns"] + len(thread["states"])
            assert thread["states"]["running"] <= thread["cpu_ns"]
    for thread in process["threads"]:
        assert (thread["states"] is None) == (thread["id"] is None)
        if thread["states"] is None:
            continue
        life = sum(state or 0 for state in thread["states"].values())
        assert min(state or 0 for state in thread["states"].values()) >= 0
        assert lives.setdefault(thread["id"], life) == life, "in each of its rows"
        assert life + 2 >= thread["hold_ns"] + thread["wait_ns"], "each is rounded"


def assert_blame_sums(process: dict[str, Any]) -> None:
    """Thread by thread, what was caused is what was waited; each figure is rounded to a nanosecond."""
    left: Counter[int | None] = Counter()
    for thread in process["threads"]:
        left[thread["id"]] += thread["wait_ns"]
    blame = process["blame"] or []  # null without a GIL
    for row in blame:
        waits = [waiter["wait_ns"] for waiter in row["waiters"]]
        assert abs(sum(waits) - row["caused_wait_ns"]) <= len(waits) + 1
        for waiter in row["waiters"]:
            left[waiter["thread"]] -= waiter["wait_ns"]
    # Of many that waited for one hold some are summed, without an id: docs/decisions/0016-blame.md.
    further, rounded = -left.pop(None, 0), len(blame) + 1
    assert all(-rounded <= wait <= further + rounded for wait in left.values()), (left, further)
    assert abs(sum(left.values()) - further) <= rounded * len(left), (left, further)
