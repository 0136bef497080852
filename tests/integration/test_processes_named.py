"""The processes of one run on one clock, ordered by their start, by the names that `multiprocessing` gives them.

Only here the names that Python says are those of summary, page and time line, and these have one order.
"""

import itertools
import json

import pytest
from tests.integration.summaries import document_of

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

# All but the workers of a pool one after the other: their order is known. Prints who they were.
PROCESSES = """
import json, multiprocessing, os, sys, threading

def work(_=None):
    sum(range(100_000))

def rename():
    multiprocessing.current_process().name = "renamed"
    threading.current_thread().name = "the one thread"
    work()

def meet(barrier):
    barrier.wait()

def interpret():
    try: import _interpreters as interpreters
    except ImportError: import _xxsubinterpreters as interpreters
    other = interpreters.create(isolated=False) if sys.version_info < (3, 12) else interpreters.create()
    interpreters.run_string(other, "sum(range(100_000))")
    interpreters.destroy(other)

if __name__ == "__main__":
    started = [[os.getpid(), None]]
    def run(process, name=None):
        process.start()
        process.join()
        started.append([process.pid, name or process.name])
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)
    started.append([child, None])
    fork, spawn, server = map(multiprocessing.get_context, ["fork", "spawn", "forkserver"])
    run(spawn.Process(target=work, name="spawned \\udcff <b>"), "spawned \\\\udcff <b>")
    run(fork.Process(target=rename, name="before"), "renamed")
    run(fork.Process(target=work))
    for context in (fork, spawn, server):
        barrier = context.Barrier(2)
        with context.Pool(2, meet, (barrier,)) as pool:
            workers = list(pool._pool)
            pool.map(work, range(2))
            pool.close()
            pool.join()
        started += [[worker.pid, worker.name] for worker in workers]
    thread = threading.Thread(target=interpret, name="of an interpreter")
    thread.start()
    thread.join()
    print(json.dumps(started))
"""


def test_the_report_has_the_names_that_python_says(summarize):
    ran, document = summarize(PROCESSES)
    assert ran.returncode == 0, ran.stderr
    named = dict(json.loads(ran.stdout))
    processes = {process["pid"]: process for process in document["processes"]}
    assert {pid: processes[pid]["name"] for pid in named} == named
    assert "ForkPoolWorker-4" in named.values()
    (server,) = processes.keys() - named.keys()
    assert (processes[server]["start_method"], processes[server]["name"]) == (None, None)
    (renamed,) = [process for process in document["processes"] if process["name"] == "renamed"]
    assert [thread["name"] for thread in renamed["threads"]] == ["the one thread"]
    assert f"process {renamed['pid']} (renamed), by fork: " in ran.stderr


def test_all_are_on_one_time_line_by_their_names(run, host, host_version, script, capture, tmp_path):
    page, trace = tmp_path / "page.html", tmp_path / "trace.json"
    ran = run([host, "run", "-q", "-o", str(capture), "--html", str(page), "--trace", str(trace), script(PROCESSES)])
    assert ran.returncode == 0, ran.stderr
    named = dict(json.loads(ran.stdout))
    main, *children = named
    timeline = document_of(page)["timeline"]["processes"]
    titles = {row["pid"]: row["name"] for row in timeline}
    (server,) = titles.keys() - named.keys()
    assert titles.pop(main).endswith(script(PROCESSES))
    assert titles == {pid: named[pid] or "fork" for pid in children} | {server: "fork server"}
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    rows = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert rows == {row["pid"]: row["name"] for row in timeline}
    order = {event["args"]["sort_index"]: event["pid"] for event in events if event["name"] == "process_sort_index"}
    assert [order[place] for place in sorted(order)] == [row["pid"] for row in timeline]

    # Each of the first ones ends before the next one begins, and so do its holds.
    assert [row["begin"] for row in timeline] == sorted(row["begin"] for row in timeline)
    in_turn = children[:4]
    assert [row["pid"] for row in timeline][:5] == [main, *in_turn]
    holds = {pid: [event for event in events if event["pid"] == pid and event["name"] == "hold"] for pid in named}
    for before, after in itertools.pairwise(in_turn):
        (earlier,) = [row for row in timeline if row["pid"] == before]
        (later,) = [row for row in timeline if row["pid"] == after]
        assert earlier["end"] <= later["begin"]
        assert max(hold["ts"] + hold["dur"] for hold in holds[before]) <= min(hold["ts"] for hold in holds[after])
    gils = {row["gil"] for row in timeline[0]["rows"] if row["name"] == "of an interpreter"}
    assert len(gils) == (1 if host_version < (3, 12) else 2)


# What programs call themselves: setproctitle writes over the command line, others name their first thread.
TITLES = """
import ctypes, multiprocessing, os, signal, threading

def set_title(title):
    with open("/proc/self/stat", "rb") as stat:
        begin = int(stat.read().rpartition(b")")[2].split()[45])
    ctypes.memmove(begin, title + b"\\0", len(title) + 1)

def name_in_kernel(name):
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)

def fork(*acts):
    if (pid := os.fork()) == 0:
        for act in acts: act()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid

def kill_after_a_thread():
    thread = threading.Thread(target=sum, args=([],))
    thread.start(); thread.join()
    os.kill(os.getpid(), signal.SIGKILL)

def work(title=None):
    if title: set_title(title)

if __name__ == "__main__":
    set_title(b"master")
    pids = [
        fork(lambda: None),
        fork(lambda: set_title(b"worker 1")),
        fork(lambda: set_title(b"worker 2"), kill_after_a_thread),
        fork(lambda: name_in_kernel(b"worker 3")),
    ]
    for title in (None, b"worker 4"):
        process = multiprocessing.get_context("fork").Process(target=work, args=(title,), name="a process")
        process.start(); process.join()
        pids.append(process.pid)
    print(pids)
"""


def test_a_process_has_the_title_that_it_gave_itself(summarize):
    ran, document = summarize(TITLES)
    assert ran.returncode == 0, ran.stderr
    names = {process["pid"]: process["name"] for process in document["processes"]}
    assert document["processes"][0]["name"] == "master"
    given = [None, "worker 1", "worker 2", "worker 3", "a process", "worker 4"]
    assert [names[pid] for pid in json.loads(ran.stdout)] == given
    assert " (worker 1), by fork: " in ran.stderr


def test_processes_of_what_imitates_multiprocessing_have_their_names(summarize):
    """As celery's billiard: a module of its own, a fork, and os._exit at the end."""
    code = """
import os, sys, threading, types

class Process:
    _parent_pid = None
    _name = "MainProcess"

module = types.ModuleType("billiard.process")
module._current_process = Process()
sys.modules["billiard.process"] = module
pids = []
for number in (1, 2):
    process = Process()
    process._parent_pid, process._name = os.getpid(), f"ForkPoolWorker-{number}"
    if (pid := os.fork()) == 0:
        module._current_process = process
        os._exit(0)
    os.waitpid(pid, 0)
    pids.append(pid)
print(pids)
"""
    ran, document = summarize(code)
    names = {process["pid"]: process["name"] for process in document["processes"]}
    assert document["processes"][0]["name"] is None
    pids = json.loads(ran.stdout)
    assert [names[pid] for pid in pids] == ["ForkPoolWorker-1", "ForkPoolWorker-2"]
