"""`gilscope run --keep`: a flight recorder, its dumps, and `gilscope dump`.

Only here what a program did is forgotten while it runs, and what is told is of its last while. What takes long enough
for a dump is waited for by the program itself, which goes on until the dump is there.
"""

import functools
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from tests.integration.hosts import only_binary
from tests.integration.live import first_line
from tests.integration.summaries import READS, releases
from tests.schemas import validator_of

pytestmark = pytest.mark.usefixtures("only_with_a_gil")


@pytest.fixture
def run(run, tmp_path):
    """Where the dumps are made unless it is said."""
    return functools.partial(run, cwd=tmp_path)


# Until so many dumps are there, with their rings' files, or the other side of standard input has gone.
DUMPS = """
import os, sys, threading, time
def dumps():
    try:
        return [name for name in os.listdir("dumps") if ".part-" not in name]
    except FileNotFoundError:
        return []
def wait_for_dumps(count):
    while len(dumps()) < count: time.sleep(0.01)
"""

# Two threads that take turns at the GIL, each at its own line.
TURNS = f"""
{DUMPS}
is_over = False
def left():
    while not is_over: sum(range(100_000))
def right():
    while not is_over: sum(range(100_000))
threads = [threading.Thread(target=target, name=target.__name__) for target in (left, right)]
for thread in threads: thread.start()
"""

ENDS = """
is_over = True
for thread in threads: thread.join()
"""


def report(run, host, folder):
    asked = run([host, "report", "--check", "--json", "-", str(folder)])
    assert asked.returncode == 0, asked.stderr
    document = json.loads(asked.stdout)
    validator_of("summary").validate(document)
    return document


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def names(process):
    return {thread["name"] for thread in process["threads"]}


@pytest.mark.parametrize("what", ["hold", "wait"])
def test_what_takes_long_is_dumped_with_its_line(run, host, script, tmp_path, what):
    path = script(TURNS + "wait_for_dumps(1)" + ENDS)
    ran = run([host, "run", "--keep", "60s", "--when", f"{what}>1us", "--dump", "dumps", "--json", "own.json", path])
    assert ran.returncode == 0, ran.stderr
    own = json.loads((tmp_path / "own.json").read_text())
    validator_of("summary").validate(own)
    assert own["kept"]["dump"] is None
    made = [dump for dump in own["kept"]["dumps"] if dump["reason"] == what]
    assert made
    assert own["kept"]["dumps"] == made
    assert made[0]["ns"] >= 1000
    assert f"gilscope report {made[0]['folder']}" in ran.stderr
    assert sorted(Path(dump["folder"]).name for dump in made) == names_in(tmp_path / "dumps")
    document = report(run, host, made[0]["folder"])
    assert document["kept"]["dump"]["reason"] == what
    assert (document["kept"]["dump"]["pid"], document["kept"]["dump"]["ns"]) == (made[0]["pid"], made[0]["ns"])
    process = document["processes"][0]
    assert {"left", "right"} <= names(process)
    assert document["kept"]["dump"]["thread"] in {thread["id"] for thread in process["threads"]}
    functions = {row["to"]["function"] for row in process["blame"] if row["to"]}
    assert functions & {"left", "right"}
    heading = run([host, "report", made[0]["folder"]]).stdout.splitlines()[1]
    assert heading.startswith("Dumped at 20")
    assert {"hold": "a hold of the GIL of", "wait": "a wait for the GIL of"}[what] in heading


def test_a_step_of_an_event_loop_that_takes_long_is_dumped_with_its_line(run, host, script, tmp_path):
    path = script(
        f"""
{DUMPS}
import asyncio
async def main():
    await asyncio.sleep(0)
    time.sleep(0.06)
    await asyncio.sleep(0)
asyncio.run(main())
wait_for_dumps(1)
"""
    )
    ran = run([host, "run", "--keep", "60s", "--when", "loop>50ms", "--dump", "dumps", path])
    assert ran.returncode == 0, ran.stderr
    (name,) = names_in(tmp_path / "dumps")
    assert re.fullmatch(r"\d{8}T\d{6}Z-loop-\d+", name)
    document = report(run, host, tmp_path / "dumps" / name)
    assert [step["place"]["function"] for step in document["processes"][0]["loop_steps"]] == ["main"]


def test_a_lock_that_is_waited_for_long_is_dumped(run, host, script, tmp_path):
    path = script(
        f"""
{DUMPS}
lock = threading.Lock()
def hold():
    with lock:
        has_it.set()
        is_wanted.wait()
        time.sleep(0.01)
has_it, is_wanted = threading.Event(), threading.Event()
thread = threading.Thread(target=hold)
thread.start()
has_it.wait()
is_wanted.set()
with lock: pass
thread.join()
wait_for_dumps(len(sys.argv) - 1)
"""
    )
    ran = run([host, "run", "--keep", "60s", "--when", "lock>100us", "--dump", "dumps", path, "one"])
    assert ran.returncode == 0, ran.stderr
    assert all("-lock-" in name for name in names_in(tmp_path / "dumps"))


@pytest.mark.parametrize("who", ["itself", "another"])
def test_a_signal_dumps(run, host, script, start, tmp_path, who):
    path = script(
        f"""
{DUMPS}
print("begun", flush=True)
if sys.argv[1] == "itself": os.kill(os.getpid(), 12)
wait_for_dumps(1)
print("dumped", flush=True)
sys.stdin.read()
"""
    )
    process = start([host, "run", "--keep", "60s", "--dump-signal", "USR2", "--dump", "dumps", path, who])
    assert first_line(process) == "begun"
    if who == "another":
        os.kill(process.pid, signal.SIGUSR2)
    assert first_line(process) == "dumped"
    (name,) = names_in(tmp_path / "dumps")
    assert name.endswith(f"Z-signal-{process.pid}")
    document = report(run, host, tmp_path / "dumps" / name)
    assert document["running"] == [process.pid]
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_somebody_asks_for_a_dump(run, host, script, start, tmp_path):
    process = start(
        [host, "run", "--keep", "60s", script(TURNS + "print('begun', flush=True); sys.stdin.read()" + ENDS)]
    )
    assert first_line(process) == "begun"
    asked = run([host, "dump", "-o", "one", str(process.pid)])
    assert (asked.returncode, asked.stdout) == (0, "Dump: gilscope report one\n")
    document = report(run, host, tmp_path / "one")
    assert document["kept"]["dump"]["reason"] == "request"
    assert document["kept"]["dump"]["pid"] is None
    assert document["check"]["passed"]
    assert {"left", "right"} <= names(document["processes"][0])
    again = run([host, "dump", "-o", "one", str(process.pid)])
    assert again.returncode == 2
    assert "one exists already" in again.stderr
    assert run([host, "dump", "--force", "-q", "-o", "one", str(process.pid)]).stdout == ""
    unnamed = run([host, "dump", "--json", "-", str(process.pid)])
    folder = Path(json.loads(unnamed.stdout)["folder"])
    assert re.fullmatch(rf"gilscope-dump-\d{{8}}T\d{{6}}Z-{process.pid}", folder.name)
    assert folder.parent == tmp_path
    # As of any run that goes on.
    assert {"left", "right"} <= names(report(run, host, str(process.pid))["processes"][0])
    top = run([host, "top", "--json", "--count", "2", "--interval", "0.1", str(process.pid)])
    assert top.returncode == 0, top.stderr
    for line in top.stdout.splitlines():
        window = json.loads(line)
        validator_of("summary").validate(window)
        assert {"left", "right"} <= names(window["processes"][0])
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_what_happens_in_a_child_is_dumped_with_all_processes(run, host, script, tmp_path):
    path = script(
        f"""
{TURNS}
is_over = True
for thread in threads: thread.join()
import multiprocessing
def work():
    global is_over
    is_over = False
    threads = [threading.Thread(target=target) for target in (left, right)]
    for thread in threads: thread.start()
    before = len(dumps())
    os.kill(os.getpid(), 12)
    wait_for_dumps(before + 1)
    is_over = True
    for thread in threads: thread.join()
if __name__ == "__main__":
    child = multiprocessing.get_context("fork").Process(target=work, name="child")
    child.start()
    child.join()
    sys.exit(child.exitcode)
"""
    )
    ran = run([host, "run", "--keep", "60s", "--dump-signal", "USR2", "--dump", "dumps", path])
    assert ran.returncode == 0, ran.stderr
    (name,) = names_in(tmp_path / "dumps")
    document = report(run, host, tmp_path / "dumps" / name)
    assert [process["name"] for process in document["processes"]] == [None, "child"]
    assert document["kept"]["dump"]["pid"] == document["processes"][1]["pid"]


@pytest.mark.parametrize("capture", [(), ("-o", "kept")], ids=["told", "kept"])
def test_in_the_end_what_was_last_is_told(run, host, script, tmp_path, capture):
    path = script(READS)
    ran = run([host, "run", "--keep", "256K", *capture, "--json", "own.json", path, "300000"])
    assert ran.returncode == 0, ran.stderr
    own = json.loads((tmp_path / "own.json").read_text())
    validator_of("summary").validate(own)
    assert own["kept"] == {"dumps": [], "passed_over": 0, "dump": None}
    assert own["exit_code"] == 0
    # A release and its acquire take four bytes or more.
    assert 10_000 < releases(own) < 288 * 1024 / 4  # the block that is written to is one more
    if capture:
        document = report(run, host, tmp_path / "kept")
        assert releases(document) == releases(own)
        assert document["check"]["passed"]
        assert document["probe"]["capture_bytes"] < 400 * 1024


def test_what_is_kept_lies_beside_what_the_program_puts_there(run, host, script, tmp_path):
    path = script(f"open('kept/note', 'w').close()\n{READS}")
    ran = run([host, "run", "--keep", "64M", "-o", "kept", path, "1000"])
    assert ran.returncode == 0, ran.stderr
    assert "The capture is in" in ran.stderr
    assert (tmp_path / "kept" / "note").exists()
    assert releases(report(run, host, tmp_path / "kept")) >= 1000


def test_a_run_that_is_kept_whole_is_told_whole(run, host, script, tmp_path):
    ran = run([host, "run", "--keep", "64M", "--json", "own.json", script(READS), "1000"])
    assert ran.returncode == 0, ran.stderr
    own = json.loads((tmp_path / "own.json").read_text())
    assert releases(own) >= 1000
    assert own["cpu_ns"] > 0


# The file that a process writes to names the folder of its ring.
RING = """
with open("/proc/self/maps") as maps:
    ring, = {line.split(maxsplit=5)[5].strip().rpartition("/")[0] for line in maps if ".events" in line}
"""


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)", "os._exit(3)"], ids=["end", "killed", "left"])
def test_nothing_of_the_ring_is_left(run, host, script, tmp_path, end):
    ran = run([host, "run", "--keep", "10s", script(f"import os\n{RING}\nprint(ring, flush=True)\n{end}")])
    assert ran.returncode == {"": 0, "os._exit(3)": 3}.get(end, -signal.SIGKILL), ran.stderr
    assert "process " in ran.stderr
    assert not Path(ran.stdout.strip()).parent.exists()


def test_a_killed_program_has_what_was_due(run, host, script, tmp_path):
    path = script(f"{TURNS}\nimport time; time.sleep(0.05); os.kill(os.getpid(), 9)")
    ran = run([host, "run", "--keep", "60s", "--when", "hold>1us", "--dump", "dumps", "--json", "own.json", path])
    assert ran.returncode == -signal.SIGKILL
    own = json.loads((tmp_path / "own.json").read_text())
    assert own["ended_by"] == "SIGKILL"
    folders = [dump["folder"] for dump in own["kept"]["dumps"]]
    assert folders
    for folder in folders:
        assert {"left", "right"} & names(report(run, host, folder)["processes"][0])


def test_no_more_dumps_than_the_hour_may_have(run, host, script, tmp_path):
    path = script(
        f"{TURNS}\nwait_for_dumps(1)\nbefore = time.monotonic()\nwhile time.monotonic() - before < 0.5: pass\n{ENDS}"
    )
    ran = run(
        [
            host,
            "run",
            "--keep",
            "400ms",
            "--when",
            "hold>1us",
            "--dumps-per-hour",
            "1",
            "--dump",
            "dumps",
            "--json",
            "own.json",
            path,
        ],
        env={"TMPDIR": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    own = json.loads((tmp_path / "own.json").read_text())
    assert len(own["kept"]["dumps"]) == 1


@pytest.mark.parametrize(
    ("options", "what", "instead"),
    [
        (["--keep", "long"], "--keep long: this is neither a time nor a size", "--keep 30s"),
        (["--keep", "0s"], "--keep 0s", "--keep 30s"),
        (["--keep", "-1M"], "--keep -1M", "--keep 30s"),
        (["--when", "hold>1ms"], "--when needs --keep", "--keep 30s, beside it"),
        (["--dump", "dumps"], "--dump needs --keep", "--keep 30s, beside it"),
        (["--dump-signal", "USR1"], "--dump-signal needs --keep", "--keep 30s, beside it"),
        (["--keep", "1s", "--when", "hold"], "--when hold: this is nothing to wait for", "hold>50ms"),
        (["--keep", "1s", "--when", "sleep>1s"], "--when sleep>1s: this is nothing to wait for", "hold>50ms"),
        (["--keep", "1s", "--when", "hold>x"], "--when hold>x: this is nothing to wait for", "hold>50ms"),
        (["--keep", "1s", "--when", "loop>1ms"], "steps of event loops are seen from 50.0 ms on", "loop>50ms"),
        (["--keep", "1s", "--dump-signal", "KILL"], "--dump-signal KILL: this is no signal for that", "USR1, USR2"),
        (["--keep", "64M", "--max-size", "1G"], "--keep has a size, and --max-size has another one", "--max-size 64M"),
        (["--keep", "1s", "--no-probe"], "--no-probe traces nothing", "leave it out"),
        (["--keep", "1s", "--no-stacks", "--when", "lock>1s"], "nobody sees locks and loops", "leave --no-stacks out"),
    ],
)
@only_binary
def test_options_that_cannot_be_are_refused(run, host, options, what, instead):
    ran = run([host, "run", *options, "-c", "print('ran')"])
    assert (ran.returncode, ran.stdout) == (2, "")
    assert what in ran.stderr
    assert instead in ran.stderr


def test_a_run_without_a_ring_has_nothing_to_dump(run, host, script, start, tmp_path):
    process = start([host, "run", script("import sys; print('begun', flush=True); sys.stdin.read()")])
    assert first_line(process) == "begun"
    asked = run([host, "dump", str(process.pid)])
    assert asked.returncode == 125
    assert "that run keeps no ring" in asked.stderr
    assert "gilscope run --keep 30s" in asked.stderr
    process.communicate(timeout=60)
    nobody = run([host, "dump", str(process.pid)])
    assert nobody.returncode == 125
    assert run([host, "dump", "app.py"]).returncode == 2
    assert not [path for path in tmp_path.iterdir() if "dump" in path.name]


@pytest.mark.skipif(sys.platform != "linux", reason="the place of memory")
def test_where_there_is_no_room_in_memory_the_ring_is_on_disk(run, host, script, tmp_path):
    ran = run(
        [host, "run", "--keep", "900G", script(f"{RING}\nprint(ring)")],
        env={"TMPDIR": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{tmp_path}/gilscope-")
