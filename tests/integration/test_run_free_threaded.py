"""Without a GIL: waits for locks and for a stopped world, and who asked for that, of `gilscope run`, by both recorders.

Threads go on until each has seen what is looked for: a busy machine only takes longer.
"""

import pytest
from tests.integration.live import first_line
from tests.integration.summaries import NATIVE_AND_SLEEPER
from tests.integration.test_run_locks import LOCK, line_of, rows_of

pytestmark = pytest.mark.usefixtures("only_without_a_gil")


def locks_of(rows):
    return {(row["lock"]["kind"], row["lock"]["type"]) for row in rows if row["lock"]}


def states_of(process):
    return {thread["name"]: thread["states"] for thread in process["other_threads"]}


def assert_waits_are_in_states(process):
    """What the rows of a kind have, the states of the threads have, in all."""
    states = states_of(process).values()
    for key, waits_for in (("lock_wait", "turn"), ("work_wait", "work"), ("stopped", "world")):
        rows = [row["total_ns"] for row in process["lock_waits"] if row["waits_for"] == waits_for]
        in_rounding = len(rows) + len(states)
        assert abs(sum(row[key] for row in states) - sum(rows)) <= in_rounding, key


@pytest.mark.contract
def test_waits_for_a_lock_have_their_line_their_length_and_who_ended_them(summarize):
    ran, document = summarize(LOCK + "import sys; assert not sys._is_gil_enabled()\n")
    assert ran.returncode == 0, ran.stderr
    assert document["verdict"]["kind"] == "no_gil"
    (process,) = document["processes"]
    assert (process["gils"], process["threads"]) == ([], [])
    workers = {row["id"] for row in process["other_threads"] if (row["name"] or "").startswith("worker")}
    line = line_of(LOCK, "    take()")
    rows = [row for row in rows_of(process, "turn") if row["place"]["line"] == line]
    # Of a wait that ended with one of its tries, on a busy machine, nobody knows the lock and who ended it.
    row = max((row for row in rows if row["lock"]), key=lambda row: row["total_ns"])
    assert row["ended_at"]["line"] == line_of(LOCK, "and here it ends")
    assert row["lock"] == {"kind": "lock", "type": None}
    assert (row["threads"], {row["max_thread"], row["max_ender"]}) == (2, workers)
    assert 0 < row["by_peers_ns"] <= row["total_ns"]
    # Shorter waits are not in its sum.
    count, total = (sum(row[figure] for row in rows) for figure in ("count", "total_ns"))
    assert total - count * 1_000_000 <= int(ran.stdout)
    (finding,) = [finding for finding in document["findings"] if finding["kind"] == "lock_turns"]
    assert finding["threads"] == 2
    said = " ".join(ran.stderr.split())
    assert "its GIL is off: nobody waited for it, and threads for" in said
    assert f"script.py:{line} timed (threading.Lock):" in said


@pytest.mark.contract
def test_where_the_time_of_each_thread_went_adds_up_to_its_life(summarize):
    ran, document = summarize(LOCK)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    assert_waits_are_in_states(process)
    states = states_of(process)
    assert min(states[name]["lock_wait"] for name in ("worker 0", "worker 1")) > 0
    main = states["MainThread"]
    assert main["work_wait"] > 0, "it joins them"
    assert (main["gil_wait"], main["computing_without_gil"]) == (0, None)
    assert abs(sum(part or 0 for part in main.values()) - process["wall_ns"]) <= len(main)
    assert "Where the time of each thread went:" in ran.stderr


@pytest.mark.parametrize("keeps", [(), ("-o", "capture")], ids=["counters", "events"])
def test_a_look_at_a_program_that_goes_on_says_where_time_went_so_far(host, script, start, look, keeps):
    process = start([host, "run", *keeps, script("import sys\nprint('begun', flush=True)\nsys.stdin.read()\n")])
    assert first_line(process) == "begun"
    document = look(process.pid)
    assert document["verdict"]["kind"] == "no_gil"
    (seen,) = document["processes"]
    main = states_of(seen)["MainThread"]
    assert abs(sum(part or 0 for part in main.values()) - seen["wall_ns"]) <= len(main)
    process.communicate(timeout=60)


def test_what_computes_is_running_and_what_sleeps_is_blocked(summarize):
    _, document = summarize(NATIVE_AND_SLEEPER)
    states = states_of(document["processes"][0])
    assert states["native"]["running"] > states["native"]["blocked"]
    assert states["sleeper"]["blocked"] + (states["sleeper"]["no_cpu"] or 0) > states["sleeper"]["running"]


@pytest.mark.contract
def test_a_stopped_world_has_who_asked_for_it_and_who_stood(summarize):
    code = """
import gc, threading
kept = [[number] for number in range(200_000)]
turns, is_over = [0], []
def work():
    while not is_over:
        turns[0] += 1  # stands here
worker = threading.Thread(target=work, name="worker")
worker.start()
for _ in range(10):
    before = turns[0]
    while turns[0] == before: pass
    gc.collect()  # asked for here
is_over.append(1)
worker.join()
"""
    ran, document = summarize(code)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    line = line_of(code, "# asked for here")
    (row,) = [row for row in process["stops"] if row["place"] and row["place"]["line"] == line]
    assert (row["call"], row["collection"]) == ("gc.collect", True)
    assert row["count"] >= 10  # a collection may stop the world more than once
    assert 0 <= row["until_stood_ns"] <= row["total_ns"]
    assert row["max_thread"] == process["pid"]
    stood = [row for row in process["lock_waits"] if row["waits_for"] == "world" and row["place"]]
    lines = {row["place"]["line"] for row in stood}
    assert lines & {line_of(code, "while not is_over"), line_of(code, "# stands here")}
    assert_waits_are_in_states(process)
    assert states_of(process)["worker"]["stopped"] > 0
    assert " stopped " in ran.stderr
    assert all(row["lock"] is None for row in stood)
    assert row["lost_ns"] > 0
    said = " ".join(ran.stderr.split())
    assert "in a stopped world" in said
    assert f"gc.collect, called at script.py:{line}" in said


def test_a_collection_by_itself_is_named_so(summarize):
    code = """
import gc, threading
gc.set_threshold(1000)
kept, is_over, turns = [], [], [0]
def work():
    while not is_over:
        turns[0] += 1
worker = threading.Thread(target=work)
worker.start()
for _ in range(20):
    before, collections = turns[0], gc.get_stats()[0]["collections"]
    while turns[0] == before: pass
    while gc.get_stats()[0]["collections"] == collections:
        kept.append([[] for _ in range(100)])
is_over.append(1)
worker.join()
"""
    ran, document = summarize(code)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    assert [row for row in process["stops"] if row["collection"] and row["call"] != "gc.collect"]
    assert "a collection of garbage, at script.py:" in " ".join(ran.stderr.split())


@pytest.mark.contract
def test_a_lock_of_an_object_is_named_by_its_type(summarize):
    code = """
import threading
things, sorts = list(range(20_000)), [0, 0]
def work(own):
    seen = 0
    while seen < 5:
        before = sorts[1 - own]
        things.sort(key=float)  # only one at a time
        seen += sorts[1 - own] != before or sorts[1 - own] < 0
        sorts[own] += 1
    sorts[own] = -1
workers = [threading.Thread(target=work, args=(own,)) for own in range(2)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"""
    ran, document = summarize(code)
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    rows = [row for row in rows_of(process, "turn") if row["place"]["line"] == line_of(code, "# only one")]
    assert ("object", "list") in locks_of(rows)
    assert any(row["ended_at"] == row["place"] for row in rows)


def test_the_child_of_a_fork_has_its_own(summarize):
    code = LOCK.replace("until_all_have_waited(work)", "import os\nif os.fork() == 0:\n    until_all_have_waited(work)")
    ran, document = summarize(code + "\n    os._exit(0)\nos.wait()\n")
    assert ran.returncode == 0, ran.stderr
    parent, child = document["processes"]
    line = line_of(code, "    take()")
    assert child["start_method"] == "fork"
    assert not [row for row in rows_of(parent, "turn") if row["place"]["line"] == line]
    assert max(row["threads"] for row in rows_of(child, "turn") if row["place"]["line"] == line) == 2


@pytest.fixture
def old_module(stock, run, tmp_path):
    """A folder with a module that has not declared that it needs no GIL."""
    headers = run([stock, "-c", "import sysconfig; print(sysconfig.get_path('include'))"]).stdout.strip()
    (tmp_path / "old.c").write_text(
        "#include <Python.h>\n"
        'static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "old", "", -1, NULL, NULL, NULL, NULL, NULL};\n'
        "PyMODINIT_FUNC PyInit_old(void) { return PyModule_Create(&definition); }\n"
    )
    made = run(["cc", "-shared", "-fPIC", "-w", f"-I{headers}", "old.c", "-o", "old.so"], cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path


@pytest.mark.contract
def test_the_import_that_brings_the_gil_back_is_named(summarize, old_module):
    code = """
import sys
assert not sys._is_gil_enabled()
import old  # here
assert sys._is_gil_enabled()
"""
    ran, document = summarize(code, env={"PYTHONPATH": str(old_module), "PYTHONWARNINGS": "ignore"})
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    gil = process["gil_return"]
    assert gil["module"] == "old"
    assert gil["place"]["line"] == line_of(code, "# here")
    assert 0 < gil["since_ns"] < process["wall_ns"]
    said = " ".join(ran.stderr.split())
    assert "it came back for good after" in said
    assert f"by the import of old at script.py:{line_of(code, '# here')} <module>" in said


def test_a_gil_that_is_on_from_the_beginning_is_traced_and_did_not_come_back(summarize):
    ran, document = summarize("import _thread", env={"PYTHON_GIL": "1"})
    assert ran.returncode == 0, ran.stderr
    (process,) = document["processes"]
    assert process["gil_return"] is None
    assert document["verdict"]["kind"] != "no_gil"
    assert process["gils"]
