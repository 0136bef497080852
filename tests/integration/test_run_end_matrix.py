"""Each sudden end of test_run_ends.py, with each kind of report, under whatever starts programs.

Only here a supervisor stands between: `timeout`, a shell with job control on a terminal of its own, the start of a
container. It sees the end that it would see of `python`, and the report comes all the same; but for the first process
of a PID namespace, which takes all others with it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.integration.summaries import READS, releases
from tests.integration.test_run_ends import ENDS, IMPORTS
from tests.schemas import validator_of


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


KEEPS = {"run": [], "run -o": ["-o", "capture"], "run --html": ["--html", "page.html"]}

UNSHARE = ["unshare", "-pf", "--mount-proc", "--kill-child"]
# As a shell with job control: the terminal becomes that of its session, and the program has a process group of its own.
# Who stops it with SIGSTOP is neither the terminal nor we, and goes on with it (`make test-busy`); bash would lose it.
SHELL = """
import os, signal, sys
os.dup2(os.open(sys.argv[1], os.O_RDWR), 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
program = os.fork()
if not program:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[2], sys.argv[2:])
status = signal.SIGSTOP << 8 | 0x7F
while os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP:
    status = os.waitpid(program, os.WUNTRACED)[1]
os.tcsetpgrp(0, os.getpgrp())
if os.WIFSTOPPED(status): sys.exit(128 + os.WSTOPSIG(status))
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
"""
JOB_CONTROL = [sys.executable, "-I", "-c", SHELL]

# What the first process of a PID namespace sends itself does nothing, where it has no handler: it goes on. And a
# sudden end takes whoever could tell of it with it: of os._exit it tells before. The exit code, and what is told where
# that is not as ever: "" is nothing.
AS_FIRST = {
    "os.abort": (-signal.SIGSEGV, ""),
    "faulthandler": (1, ""),
    "a fault": (-signal.SIGSEGV, ""),
    "SIGHUP": (0, "python"),
    "SIGTERM": (0, "python"),
    "SIGKILL": (0, "python"),
    "a handler that ends itself": (0, "python"),
    "exec": (6, ""),
}


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.fixture(params=["alone", "timeout", "job control", "first of a namespace"])
def starter(request: pytest.FixtureRequest, terminal: str) -> tuple[str, list[str]]:
    """What starts the program: its name, and the words before those of the program."""
    if request.param == "timeout":
        return request.param, ["timeout", "60"]
    if request.param == "job control":
        return request.param, [*JOB_CONTROL, terminal]
    if request.param == "first of a namespace":
        is_there = shutil.which(UNSHARE[0]) is not None
        if not is_there or subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode:
            pytest.skip("this machine lets nobody make a PID namespace")
        return request.param, UNSHARE
    return request.param, []


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize("end", ENDS)
def test_the_end_is_the_scripts_own_and_is_told_whoever_started_it(run, host, script, tmp_path, starter, keeps, end):
    name, words = starter
    code, returned, exit_code, by = ENDS[end]
    told: str | None = by
    if name == "first of a namespace":
        returned, told = AS_FIRST.get(end, (returned, by))
        exit_code, told = (returned, None) if told == "python" else (exit_code, told)
    if name == "job control" and returned < 0:
        returned = 128 - returned
    (tmp_path / "tmp").mkdir()
    program = script(f"{IMPORTS}{READS}\nprint('begun', flush=True)\n{code}")
    command = [*words, host, "run", *KEEPS[keeps], "--json", "out.json", program, "1000"]
    ran = run(command, cwd=tmp_path, env={"TMPDIR": str(tmp_path / "tmp")})
    assert (ran.returncode, ran.stdout) == (returned, "begun\n")
    assert ("\ngilscope: " in ran.stderr) == (told != "")
    if told == "":
        assert not (tmp_path / "out.json").exists()
    else:
        document = json.loads((tmp_path / "out.json").read_text())
        validator_of("summary").validate(document)
        assert (document["exit_code"], document["ended_by"]) == (exit_code, told)
        assert releases(document) >= 1000
        assert list((tmp_path / "tmp").iterdir()) == []
        assert keeps != "run --html" or (tmp_path / "page.html").stat().st_size > 0
    if keeps == "run -o":  # which tells of it, whatever became of the rest
        again = run([host, "report", "--json", "-", "capture"], cwd=tmp_path)
        assert releases(json.loads(again.stdout)) >= 1000


def test_the_first_process_of_a_namespace_is_told_that_nobody_would_tell(run, host, starter):
    name, words = starter
    ran = run([*words, host, "run", "-v", "-c", ""])
    assert ran.returncode == 0
    assert ("nobody reports where this process is killed" in ran.stderr) == (name == "first of a namespace")
