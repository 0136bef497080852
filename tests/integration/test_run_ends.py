"""Ends after which nothing of Python or of gilscope runs in the process any more: they are told all the same.

Only here a run is watched from outside: by whom its report comes, that the program does not see them, and that they
outlive what ends it, and nothing more.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.integration.conftest import MARKER, find_marked
from tests.integration.summaries import READS, releases

pytestmark = pytest.mark.usefixtures("only_with_a_gil")


# The code, how the process ends, and the exit code and the cause that are told.
ENDS = {
    "os._exit": ("os._exit(7)", 7, 7, "exit"),
    "os._exit in a thread": ("t = threading.Thread(target=os._exit, args=(8,)); t.start(); t.join()", 8, 8, "exit"),
    "os.abort": ("os.abort()", -signal.SIGABRT, 134, "SIGABRT"),
    "faulthandler": ("faulthandler.dump_traceback_later(1e-3, exit=True); time.sleep(60)", 1, 1, "exit"),
    "a fault": ("ctypes.string_at(0)", -signal.SIGSEGV, 139, "SIGSEGV"),
    "SIGHUP": ("os.kill(os.getpid(), signal.SIGHUP)", -signal.SIGHUP, 129, "SIGHUP"),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, 143, "SIGTERM"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, 137, "SIGKILL"),
    "a handler that ends itself": (
        "signal.signal(15, lambda *_: (signal.signal(15, signal.SIG_DFL), os.kill(os.getpid(), 15)));"
        "os.kill(os.getpid(), 15)",
        -signal.SIGTERM,
        143,
        "SIGTERM",
    ),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(6)'])", 6, 6, "exec"),
    "an exec that failed before": ("try: os.execv('/', ['x'])\nexcept OSError: os._exit(5)", 5, 5, "exit"),
    "a forgotten descriptor": ("os.closerange(3, 4096); os._exit(4)", 4, 4, "exit"),
}
IMPORTS = "import ctypes, faulthandler, os, signal, sys, threading, time\n"


@pytest.mark.contract
@pytest.mark.parametrize(("end", "returned", "exit_code", "by"), ENDS.values(), ids=ENDS)
def test_a_sudden_end_is_the_scripts_own_and_is_told(summarize, end, returned, exit_code, by):
    result, document = summarize(f"{IMPORTS}{READS}\nprint('begun', flush=True)\n{end}", 1000)
    assert (result.returncode, result.stdout) == (returned, "begun\n")
    assert (document["exit_code"], document["ended_by"]) == (exit_code, by)
    assert releases(document) >= 1000
    assert "\ngilscope: " in result.stderr


def test_an_end_of_python_is_no_sudden_one(summarize):
    assert summarize("raise SystemExit(3)")[1]["ended_by"] is None


def test_its_time_is_that_until_it_was_killed(host, no_leftovers, tmp_path):
    """And not until its last event: who is killed may have held the GIL, or waited, for long."""
    code = "import ctypes, time; print(time.monotonic(), flush=True); ctypes.PyDLL(None).pause()"
    command = [host, "run", "-q", "--json", "out.json", "-c", code]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=no_leftovers)
    assert process.stdout
    begun = float(process.stdout.readline())
    while time.monotonic() < begun + 0.1:
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    assert json.loads((tmp_path / "out.json").read_text())["wall_ns"] >= 100_000_000


@pytest.mark.parametrize("option", ["--trace", "--html", "--speedscope"])
def test_exports_are_made_and_the_temporary_capture_goes(host, run, script, tmp_path, option):
    (tmp_path / "tmp").mkdir()
    command = [host, "run", "-q", option, str(tmp_path / "out"), script(f"{READS}\nos._exit(4)"), "10"]
    ran = run(command, env={"TMPDIR": str(tmp_path / "tmp")})
    assert (ran.returncode, ran.stdout + ran.stderr) == (4, "")
    assert (tmp_path / "out").stat().st_size > 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_program_does_not_see_who_tells(run, host, stock):
    """Its children, its descriptors, its signals, the processes of its group and session."""
    code = """
import os, signal
print(open(f"/proc/self/task/{os.getpid()}/children").read())
try: os.wait()
except ChildProcessError as error: print(error)
print(sorted(signal.sigpending()), signal.getsignal(signal.SIGCHLD), signal.pthread_sigmask(signal.SIG_BLOCK, []))
def is_beside(process):
    try: stat = open(f"/proc/{process}/stat").read().rpartition(")")[2].split()
    except OSError: return False
    return stat[2] == str(os.getpgrp()) or stat[3] == str(os.getsid(0))
print(sum(is_beside(name) for name in os.listdir("/proc") if name.isdigit()))
"""
    assert run([host, "run", "-q", "--json", "/dev/null", "-c", code]).stdout == run([stock, "-c", code]).stdout


def test_what_ends_the_programs_around_does_not_end_who_tells(host, no_leftovers, tmp_path):
    command = [
        host,
        "run",
        "--json",
        "out.json",
        "-c",
        "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=no_leftovers
    )
    assert process.stdout
    program = int(process.stdout.readline())
    (witness,) = (pid for pid in find_marked(no_leftovers[MARKER]) if pid != program)
    assert Path(f"/proc/{witness}/cmdline").read_bytes().strip(b"\0") == b"gilscope-witness"
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD):
        os.kill(witness, number)
    process.kill()
    _, errors = process.communicate(timeout=60)
    assert b"It was ended by SIGKILL." in errors
    assert json.loads((tmp_path / "out.json").read_text())["ended_by"] == "SIGKILL"


def test_it_ends_with_the_program_and_holds_no_pipe_of_it(host, no_leftovers):
    """Standard output ends when the program closes it, and not with the one who tells."""
    code = "import os, sys; os.close(1); sys.stdin.read()"
    process = subprocess.Popen(
        [host, "run", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=no_leftovers,
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.read() == b""
    process.stdin.close()
    assert process.wait(timeout=60) == 0
