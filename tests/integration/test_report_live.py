"""`gilscope report` of a run that goes on: by the number of a process, or by its capture.

Only here a program is looked at from outside while it runs, and what it does afterwards is what it would have done.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.live import first_line
from tests.integration.summaries import READS, releases
from tests.processes import has_ended
from tests.schemas import validator_of

pytestmark = pytest.mark.usefixtures("only_with_a_gil")


# Three threads that fight for the GIL until standard input ends, and 1,000 releases before.
BUSY = f"""
{READS}
import threading
is_over = False
def work():
    while not is_over: sum(range(10_000))
threads = [threading.Thread(target=work, name=f"worker {{i}}") for i in range(3)]
for thread in threads: thread.start()
print("begun", flush=True)
sys.stdin.read()
is_over = True
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("keeps", [(), ("-o", "capture"), ("--html", "page.html")], ids=["counted", "kept", "page"])
def test_a_run_that_goes_on_is_told_so_far(run, host, script, start, look, tmp_path, keeps):
    process = start([host, "run", *keeps, "--json", "own.json", script(BUSY), "1000"])
    assert first_line(process) == "begun"
    document = look(process.pid)
    assert releases(document) >= 1000
    assert (document["exit_code"], document["ended_by"], document["running"]) == (None, None, [process.pid])
    assert document["command"][:2] == ["gilscope", "run"]
    assert {thread["name"] for thread in document["processes"][0]["threads"]} >= {"MainThread", "worker 0"}
    assert document["processes"][0]["cpu_ns"] > 0
    # What comes later is no less.
    again = look(process.pid)
    assert releases(again) >= releases(document)
    assert again["wall_ns"] > document["wall_ns"]
    told = run([host, "report", str(process.pid)])
    assert told.stdout.startswith("gilscope run ")
    assert f"Still running: 1 process (pid {process.pid})" in told.stdout
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert "Still running" not in errors
    own = json.loads((tmp_path / "own.json").read_text())
    assert own["running"] == []
    assert releases(own) >= releases(again)


def test_a_capture_that_grows_is_told_so_far(host, script, start, look, tmp_path):
    process = start([host, "run", "-o", "capture", script(BUSY), "1000"])
    assert first_line(process) == "begun"
    document = look(tmp_path / "capture")
    assert releases(document) >= 1000
    assert (document["exit_code"], document["running"]) == (None, [process.pid])
    assert document["processes"][0]["cpu_ns"] > 0
    process.communicate(timeout=60)
    again = look(tmp_path / "capture")
    assert (again["exit_code"], again["running"]) == (0, [])
    assert releases(again) >= releases(document)


def test_the_process_may_be_a_child_and_have_closed_all_descriptors(host, script, start, look):
    code = f"""
{READS}
r, w = os.pipe()
child = os.fork()
if not child: os.dup2(w, 1)
else: os.dup2(r, 2)
os.closerange(3, 4096)
if not child: os.close(1); os.read(0, 1); os._exit(0)
os.read(2, 1)  # it has closed them, too
print(child, flush=True)
os.waitpid(child, 0)
"""
    process = start([host, "run", script(code), "1000"])
    child = int(first_line(process))
    for pid in (process.pid, child):
        assert releases(look(pid)) >= 1000


@pytest.mark.parametrize("end", ["", "os._exit(0)"], ids=["by Python", "by os._exit"])
@pytest.mark.parametrize("keeps", [(), ("-o", "capture")], ids=["counted", "kept"])
def test_a_daemon_is_named_at_the_end_of_who_started_it_and_lives_on(host, script, start, look, tmp_path, keeps, end):
    code = f"""
import os
r, w = os.pipe()
child = os.fork()
if not child:
    os.setsid()
    if os.fork(): os._exit(0)
    os.close(1); os.close(2)
    os.write(w, str(os.getpid()).encode())
    os.read(0, 1)
    open("daemon.done", "w").close()
    os._exit(0)
os.waitpid(child, 0)
print(os.read(r, 100).decode(), flush=True)
{end}
"""
    process = start([host, "run", *keeps, "--json", "out.json", script(code)])
    daemon = int(first_line(process))
    assert process.stderr
    assert f"Still running: 1 process (pid {daemon})" in process.stderr.read()
    assert process.wait(timeout=60) == 0
    document = json.loads((tmp_path / "out.json").read_text())
    validator_of("summary").validate(document)
    assert document["running"] == [daemon]
    assert daemon in [told["pid"] for told in document["processes"]]
    assert look(daemon)["running"] == [daemon]
    assert not (tmp_path / "daemon.done").exists()
    process.communicate(timeout=60)
    assert has_ended(daemon, 60)
    assert (tmp_path / "daemon.done").exists()


def test_the_number_may_be_that_of_a_thread(host, script, start, look):
    code = f"""
{READS}
import threading
t = threading.Thread(target=sys.stdin.read)
t.start()
print(t.native_id, flush=True)
"""
    process = start([host, "run", script(code), "1000"])
    document = look(int(first_line(process)))
    assert document["running"] == [process.pid]
    assert releases(document) >= 1000


def test_nothing_of_the_program_changes(host, script, start, look):
    """Its descriptors, its threads, the memory that it shares: as before. No system call of it was interrupted."""
    code = """
import os, sys
def state():
    files = sorted(os.listdir("/proc/self/fd"))
    memory = [os.stat(f"/proc/self/fd/{file}").st_ino for file in files if os.path.exists(f"/proc/self/fd/{file}")]
    return len(files), len(memory), os.listdir("/proc/self/task")
print(os.getpid(), flush=True)
before = state()
line = sys.stdin.readline()
print(state() == before, line.strip(), flush=True)
"""
    process = start([host, "run", script(code)])
    first_line(process)
    look(process.pid)
    assert process.stdin
    process.stdin.write("go on\n")
    process.stdin.flush()
    assert first_line(process) == "True go on"


def test_what_needs_every_event_is_refused_where_they_are_counted(run, host, script, start):
    process = start([host, "run", script(BUSY), "10"])
    first_line(process)
    for option in (["--check"], ["--trace", "trace.json"]):
        ran = run([host, "report", *option, str(process.pid)])
        assert ran.returncode == 2
        assert "needs every event" in ran.stderr
        assert "-o DIR" in ran.stderr


@pytest.mark.any_host
def test_it_says_why_there_is_none(run, host, start, tmp_path):
    stranger = start([sys.executable, "-c", "import sys; sys.stdin.read()"])
    ran = run([host, "report", str(stranger.pid)], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (125, "")
    assert f"process {stranger.pid} is not recorded" in ran.stderr
    assert "gilscope run" in ran.stderr
    stranger.communicate(timeout=60)
    ran = run([host, "report", str(stranger.pid)], cwd=tmp_path)
    assert ran.returncode == 125
    assert f"there is no process {stranger.pid}, and no capture of that name" in ran.stderr


@pytest.mark.any_host
def test_a_folder_of_that_name_comes_first(run, host, tmp_path):
    (tmp_path / str(os.getpid())).mkdir()
    ran = run([host, "report", str(os.getpid())], cwd=tmp_path)
    assert ran.returncode == 125
    assert "process" not in ran.stderr


def unshare() -> list[str]:
    """What begins a PID namespace, as a container does."""
    command = ["unshare", "-pf", "--mount-proc", "--kill-child"]
    is_there = shutil.which("unshare") is not None
    if not is_there or subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a PID namespace")
    return command


def test_a_process_that_is_not_recorded_is_not_told_of(run, host, script, start):
    """Though its run is, and the memory of that is in it."""
    code = """
import os
child = os.fork()
if not child: os.close(1); os.read(0, 1); os._exit(0)
print(child, flush=True)
os.waitpid(child, 0)
"""
    process = start([host, "run", "--no-children", script(code)])
    child = first_line(process)
    ran = run([host, "report", child])
    assert (ran.returncode, ran.stdout) == (125, "")
    assert f"process {child} is not recorded" in ran.stderr


def test_one_of_a_container_is_asked_for_in_there(run, host, start):
    process = start([*unshare(), host, "run", "-c", "import sys; print(1, flush=True); sys.stdin.read()"])
    first_line(process)
    (program,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ran = run([host, "report", program])
    assert ran.returncode == 125
    assert "lives in a PID namespace of its own" in ran.stderr
    os.kill(int(program), signal.SIGKILL)
