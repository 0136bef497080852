"""The processes of one run on one clock, ordered by their start, by the names that `multiprocessing` gives them.

Only here the names that Python says are those of summary, page and time line, and these have one order.
"""

import itertools
import json

import pytest
from tests.integration.test_html import document_of

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


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


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
