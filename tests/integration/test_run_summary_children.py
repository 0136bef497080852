"""What `gilscope run` says of children and of many threads; and that the script may do what it likes to its process.

Only here Python itself forks, spawns and names what is recorded: each child is there with all that it did, by the name
and parent that it had, and a script that closes, empties, limits or blocks what we use runs as ever.
"""

import json
import os
import signal
import subprocess

import pytest
from tests.integration.summaries import main_thread, releases

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


def children(document):
    """The processes beside the first, and beside the fork server."""
    first = document["processes"][0]
    assert first["start_method"] is None
    return [process for process in document["processes"] if process["start_method"] is not None]


POOL = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from threading import Barrier
def read(times):
    zero = os.open("/dev/zero", os.O_RDONLY)
    for _ in range(times):
        os.read(zero, 1)
    os.close(zero)
    return os.getpid()
def meet():
    global barrier
    barrier.wait()
def begin(shared):
    global barrier
    barrier = shared
    barrier.wait()
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    barrier = context.Barrier(2)
    {}
    print(*pids)
"""
POOLS = {
    # The barrier has both workers there before there is work.
    "Pool": """pool = context.Pool(2, begin, (barrier,))
    pids = set(pool.map(read, [500] * 8, chunksize=1))
    pool.close(); pool.join()""",
    "Pool, terminated": """with context.Pool(2, begin, (barrier,)) as pool:
        pids = set(pool.map(read, [500] * 8, chunksize=1))""",
    "ProcessPoolExecutor": """with ProcessPoolExecutor(2, context, begin, (barrier,)) as pool:
        pids = set(f.result() for f in [pool.submit(read, 500) for _ in range(8)])""",
    "Process, in an empty environment": """os.environ.clear()
    processes = [context.Process(target=read, args=(4000,)) for _ in range(2)]
    for process in processes: process.start()
    for process in processes: process.join()
    pids = [process.pid for process in processes]""",
}


@pytest.mark.contract
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", POOLS)
def test_children_of_multiprocessing_are_there_with_all_that_they_did(summarize, method, name):
    result, document = summarize(POOL.replace("{}", POOLS[name]), method)
    assert result.returncode == 0, result.stderr
    pids = set(map(int, result.stdout.split()))
    found = children(document)
    assert pids <= {process["pid"] for process in found}
    assert {process["start_method"] for process in found} == {method}
    first = document["processes"][0]["pid"]
    parents = {process["parent_pid"] for process in found}
    if method == "forkserver":
        (server,) = [p for p in document["processes"][1:] if p["start_method"] is None]
        assert (parents, server["parent_pid"]) == ({server["pid"]}, first)
        assert "the fork server" in result.stderr
    else:
        assert parents == {first}
        assert len(document["processes"]) == 1 + len(found)
    done = sum(gil["forced"] + gil["voluntary"] for process in found for gil in process["gils"])
    assert done >= 8 * 500
    for process in found:
        (gil,) = process["gils"]
        assert gil["overlaps"] == 0
        assert gil["hold_ns"] <= process["wall_ns"]
        assert "MainThread" in {thread["name"] for thread in process["threads"]}
        if name != "Pool, terminated":
            assert process["cpu_ns"] > 0
    assert document["probe"]["unrecorded_processes"] == 0


ENDS = "sys.exit(3)", "os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()", "1 / 0", "os.execv('/bin/true', ['true'])"


@pytest.mark.contract
def test_forked_children_are_exact_however_they_end_and_their_parent_is_not_touched(summarize):
    code = f"""
import os, sys
zero = os.open("/dev/zero", os.O_RDONLY)
for end in {ENDS}:
    pid = os.fork()
    if pid == 0:
        for _ in range(int(sys.argv[1])): os.read(zero, 1)
        exec(end)
    os.waitpid(pid, 0)
"""
    few, many = (summarize(code, times)[1] for times in (0, 1000))
    for document in (few, many):
        assert [child["start_method"] for child in children(document)] == ["fork"] * len(ENDS)
        assert {child["parent_pid"] for child in children(document)} == {document["processes"][0]["pid"]}
    assert releases(many) == releases(few)
    for number, end in enumerate(ENDS, 1):
        assert releases(many, number) == releases(few, number) + 1000, end


@pytest.mark.contract
def test_a_fork_by_a_thread_and_a_fork_by_a_child_are_there(summarize, host_version):
    code = """
import os, threading, warnings
warnings.simplefilter("ignore")
def fork(depth):
    pid = os.fork()
    if pid == 0:
        if depth > 1: fork(depth - 1)
        os._exit(0)
    os.waitpid(pid, 0)
thread = threading.Thread(target=fork, args=(2,)); thread.start(); thread.join()
"""
    _, document = summarize(code)
    first, child, grandchild = document["processes"]
    assert (child["parent_pid"], grandchild["parent_pid"]) == (first["pid"], child["pid"])
    assert child["start_method"] == grandchild["start_method"] == "fork"
    # It keeps Python's name for it; from 3.14 on Python tells that name again after a fork.
    name = "Thread-1 (fork)" if host_version >= (3, 14) else "MainThread"
    for process in (child, grandchild):
        (thread,) = process["threads"]
        assert (thread["name"], thread["id"]) == (name, process["pid"])


def test_a_child_that_outlives_the_script_is_counted_up_to_then_and_runs_on(summarize, tmp_path):
    code = """
import os, sys
alive, end = os.pipe()
begun, tell = os.pipe()
if os.fork():
    os.read(begun, 1)
else:
    os.setsid()
    os.close(end)
    os.write(tell, b"!")
    os.read(alive, 1)  # the parent's end, whose report waits for nobody
    os.kill(os.getpid(), 0)
    with open(sys.argv[1], "w") as file: file.write("done")
    os._exit(0)
"""
    _, document = summarize(code, tmp_path / "done")
    (child,) = children(document)
    assert document["running"] == [child["pid"]]
    assert 0 < child["cpu_ns"] < document["cpu_ns"]
    while not ((tmp_path / "done").exists() and (tmp_path / "done").read_text()):
        os.sched_yield()


def test_a_hundred_short_threads_are_all_there(summarize):
    code = """
import os, threading
zero = os.open("/dev/zero", os.O_RDONLY)
def read():
    for _ in range(5): os.read(zero, 1)
for n in range(100):
    thread = threading.Thread(target=read, name=f"t{n}")
    thread.start(); thread.join()
"""
    result, document = summarize(code)
    assert result.returncode == 0
    (process,) = document["processes"]
    threads = [thread for thread in process["threads"] if thread["name"] != "MainThread"]
    assert sorted(thread["name"] for thread in threads) == sorted(f"t{n}" for n in range(100))
    assert all(thread["voluntary"] + thread["forced"] >= 5 for thread in threads)
    assert all(thread["cpu_ns"] is not None for thread in threads)
    assert "(Threads share a row by their name: 100 tN)" in result.stderr


def test_names_are_those_that_threads_had_last_and_steer_no_terminal(summarize):
    code = r"""
import threading
def rename(): threading.current_thread().name = "\x1b[31mafter\n"
thread = threading.Thread(target=rename, name="before"); thread.start(); thread.join()
for name in ("Zoë 漢字 🐍", "x" * 500, "\udc80", "n\x00l", ""):
    thread = threading.Thread(target=int, name=name or None); thread.start(); thread.join()
"""
    result, document = summarize(code)
    names = {thread["name"] for thread in document["processes"][0]["threads"]}
    assert {"MainThread", "\x1b[31mafter\n", "Zoë 漢字 🐍", "x" * 103} <= names
    assert "\x1b" not in result.stderr
    assert "?[31mafter? " in result.stderr


def test_a_thread_class_with_a_name_of_its_own_runs(summarize):
    """A name that is asked for before start() has returned must not be able to hold it up."""
    code = """
import threading
lock = threading.Lock()
lock.acquire()
def run(look):
    class Own(threading.Thread):
        name = property(look, lambda self, name: None)
        native_id = property(look)
    thread = Own(target=print, args=("ran",))
    thread.start(); thread.join()
run(lambda self: 42)
run(lambda self: 1 / 0)
run(lambda self: threading.current_thread().name)
run(lambda self: lock.acquire() and "x")
"""
    result, document = summarize(code)
    assert (result.returncode, result.stdout) == (0, "ran\n" * 4), result.stderr
    assert len(document["processes"][0]["threads"]) == 5


def test_daemon_threads_at_the_end_do_no_harm(summarize):
    code = """
import itertools, threading, time
running = threading.Barrier(4)
def spin():
    running.wait()
    for _ in itertools.count(): pass
def sleep():
    running.wait()
    time.sleep(1000)
for function in (spin, spin, sleep): threading.Thread(target=function, daemon=True).start()
running.wait()
raise SystemExit(3)
"""
    result, document = summarize(code)
    assert (result.returncode, document["exit_code"]) == (3, 3)
    assert len(document["processes"][0]["threads"]) == 4


@pytest.mark.parametrize("ends_by_signal", [True, False])
def test_an_interrupt_beside_daemon_threads_is_reported(summarize, ends_by_signal):
    """They do not block the signal by which Python ends then: it must not end the process before the report."""
    code = """
import os, threading
read, write = os.pipe()
for _ in range(3): threading.Thread(target=os.read, args=(read, 1), daemon=True).start()
"""
    end = (
        "raise KeyboardInterrupt"
        if ends_by_signal
        else "try:\n    raise KeyboardInterrupt\nfinally:\n    os.close(9999)"
    )
    result, document = summarize(code + end)
    assert result.returncode == (-signal.SIGINT if ends_by_signal else 1)
    assert document["exit_code"] == (130 if ends_by_signal else 1)
    assert "\ngilscope: " in result.stderr


SEEN = "sorted(name for name in os.environ if name.startswith('GILSCOPE_R'))"


def test_the_environment_that_the_script_and_its_children_see_does_not_tell(host, run, script):
    file = script(f"""
import multiprocessing, os
def look(queue): queue.put({SEEN})
if __name__ == "__main__":
    for method in {METHODS}:
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=look, args=(queue,))
        process.start()
        print({SEEN}, queue.get())
        process.join()
""")
    assert run([host, "run", "-q", file]).stdout == "[] []\n" * 3


def test_pythons_that_it_starts_are_there_and_a_run_within_the_run_is_its_own(host, summarize, tmp_path):
    inner = f"import os, sys; print({SEEN})"
    command = [host, "run", "--json", str(tmp_path / "inner"), "-c", inner]
    code = f"import subprocess, sys\nfor c in [sys.executable, '-c', '1'], {command}: subprocess.run(c, check=True)"
    result, document = summarize(code)
    assert result.stdout == "[]\n"
    assert [process["name"] for process in document["processes"]] == [None, "-c 1"]
    assert document["probe"]["unrecorded_programs"] == []
    assert len(json.loads((tmp_path / "inner").read_text())["processes"]) == 1


def test_a_script_that_closes_all_descriptors_has_its_own_files_to_itself(summarize, tmp_path):
    """Its files get the numbers that were ours: nothing of ours may be written there, nor read from there."""
    code = f"""
import multiprocessing, os, sys
def work(): os.listdir("/")
if __name__ == "__main__":
    os.closerange(3, 4096)
    file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    os.write(file, b"x" * 100_000)
    for number in range(100, 300): os.dup2(file, number)
    for method in {METHODS}:
        process = multiprocessing.get_context(method).Process(target=work)
        process.start(); process.join()
        print(process.exitcode)
    for number in range(100, 300): assert os.fstat(number).st_size == 100_000
"""
    result, document = summarize(code, tmp_path / "own")
    assert (result.returncode, result.stdout) == (0, "0\n" * 3), result.stderr
    assert (tmp_path / "own").read_bytes() == b"x" * 100_000
    # A capture is a folder: a forked child finds it all the same.
    is_captured = (tmp_path / "capture").exists()
    assert [process["start_method"] for process in document["processes"]] == [None, "fork"][: 1 + is_captured]
    if not is_captured:
        assert document["probe"]["unrecorded_processes"] == 1
        assert "1 process could not be recorded" in result.stderr.replace("\n", " ")


LIMITS = {
    "no children": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "no addresses": "resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)",
    "no descriptors": "resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))",
    "no folder": "os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
    "no environment": "os.environ.clear()",
    "no files": "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20,) * 2)",
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_the_summary_comes_whatever_the_script_has_left_us(summarize, tmp_path, limit):
    code = f"""
import os, re, resource, signal
with open("/proc/self/status") as file: size = int(re.search(r"VmSize:\\s+(\\d+)", file.read())[1]) * 1024
if os.fork() == 0: os._exit(0)
os.wait()
{limit}
"""
    result, document = summarize(code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert main_thread(document)["holds"] > 10
    assert "\ngilscope: " in result.stderr
    assert "no report" not in result.stderr


def test_where_files_may_not_be_large_only_the_first_process_is_recorded(host, run, tmp_path):
    file = tmp_path / "out.json"
    code = "import os\nif os.fork() == 0: os._exit(0)\nos.wait()"
    command = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", host, "run", "--json", str(file), "-c", code]
    result = run(command)
    assert result.returncode == 0, result.stderr
    assert "child processes are not recorded" in result.stderr
    assert len(json.loads(file.read_text())["processes"]) == 1


def test_an_interrupt_from_outside_is_pythons_to_handle_and_its_exit_code_in_the_json(host, no_leftovers, tmp_path):
    command = [host, "run", "--json", "out.json", "-c", "import time; print('ready', flush=True); time.sleep(60)"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=no_leftovers
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert json.loads((tmp_path / "out.json").read_text())["exit_code"] == 130
    assert "gilscope: " in errors.partition("KeyboardInterrupt")[2]


# As a server that forks for each request; every other child becomes another program at once.
ONE_AFTER_THE_OTHER = """
import os, subprocess
zero = os.open("/dev/zero", os.O_RDONLY)
for number in range(200):
    if number % 2:
        subprocess.run(["/bin/true"], preexec_fn=lambda: os.read(zero, 1))
    elif os.fork() == 0:
        for _ in range(10):
            os.read(zero, 1)
        os._exit(0)
    else:
        os.wait()
"""


def test_children_that_have_ended_are_one_and_nothing_of_them_is_lost(host, run, tmp_path):
    file = tmp_path / "out.json"
    result = run([host, "run", "--json", str(file), "-c", ONE_AFTER_THE_OTHER])
    assert result.returncode == 0, result.stderr
    document = json.loads(file.read_text())
    assert document["probe"]["unrecorded_processes"] == 0
    found = children(document)
    assert sum(max(process["folded"], 1) for process in found) == 200
    (folded,) = [process for process in found if process["folded"]]
    assert (folded["pid"], folded["start_method"]) == (2**31, "fork")
    assert folded["parent_pid"] == document["processes"][0]["pid"]
    assert folded["threads"][0]["name"] == "MainThread"
    assert folded["threads"][0]["folded"] == folded["folded"]
    assert sum(gil["voluntary"] for process in found for gil in process["gils"]) >= 100 * 1 + 100 * 10
    assert f"{folded['folded']} processes that have ended, by fork" in result.stderr
