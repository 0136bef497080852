"""Pythons that a program starts by its own means are recorded like children of multiprocessing, and do not notice.

Only here a recorded program starts Pythons by subprocess, posix_spawn, exec, a script's first line or in
loky's way; each is in the report with what it did, prints what it does without gilscope, or is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.summaries import READS, main_thread

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Pair, Runner, Summarize

# `words` are what the Python is to run.
WAYS = {
    "subprocess": "subprocess.run([sys.executable, *words], check=True)",
    "subprocess, with an environment": "subprocess.run([sys.executable, *words], check=True, env=dict(os.environ))",
    "subprocess, by fork": "subprocess.run([sys.executable, *words], check=True, preexec_fn=os.getpid)",
    "posix_spawn": "os.waitpid(os.posix_spawn(sys.executable, [sys.executable, *words], os.environ), 0)",
    "fork and exec": """
if (pid := os.fork()) == 0: os.execv(sys.executable, [sys.executable, *words])
os.waitpid(pid, 0)
""",
    "a script": "subprocess.run([make_script(words[0]), *words[1:]], check=True)",
    "loky's way": """
import _posixsubprocess
environment = [os.fsencode(f"{name}={value}") for name, value in os.environ.items()]
command = [os.fsencode(word) for word in (sys.executable, *words)]
pipes = [-1] * 6 + list(os.pipe())
last = [-1, None, None, None, -1, None] + ([False] if hasattr(subprocess, "_USE_VFORK") else [])
pid = _posixsubprocess.fork_exec(command, command[:1], True, (), None, environment, *pipes, False, False, *last)
os.waitpid(pid, 0)
""",
}

START = """
import os, subprocess, sys
words = sys.argv[1:]

def make_script(file):
    with open(file) as lines:
        text = lines.read()
    with open(file + ".sh", "w") as script:
        script.write(f"#!{sys.executable}\\n" + text)
    os.chmod(script.name, 0o755)
    return os.path.abspath(script.name)

"""

# All that a program may see of how it was started.
DESCRIBE = """
import os, sys
print("words", sys.argv, sys.orig_argv)
print("path", sys.path, sorted(name for name in sys.path_importer_cache if name.startswith("/proc")))
print("flags", sys.flags, sys.warnoptions, sys._xoptions, "sitecustomize" in sys.modules)
print("environment", sorted(item for item in os.environ.items() if item[0] != "_"))
print("descriptors", sorted(int(name) for name in os.listdir("/proc/self/fd") if int(name) < 200))
print("executable", sys.executable, sys.prefix, sys.base_prefix, os.getcwd())
sys.exit(3)
"""


def started(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that were started as Pythons of their own."""
    return [process for process in document["processes"] if process["start_method"] == "exec"]


@pytest.mark.contract
@pytest.mark.parametrize("way", WAYS)
def test_a_python_is_recorded_however_it_is_started(summarize: Summarize, tmp_path: Path, way: str) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(READS)
    result, document = summarize(START + WAYS[way], str(worker), 3000)
    assert result.returncode == 0, result.stderr
    assert document["probe"]["unrecorded_processes"] == 0
    assert document["probe"]["unrecorded_programs"] == []
    assert document["probe"]["unseen_cpu_share"] == 0
    (process,) = started(document)
    index = document["processes"].index(process)
    assert main_thread(document, index)["voluntary"] >= 3000
    assert process["name"] in ("worker.py 3000", "worker.py.sh 3000")
    assert f"({process['name']}), by exec: " in result.stderr


@pytest.mark.parametrize("way", WAYS)
def test_it_finds_what_it_finds_without(same: Pair, tmp_path: Path, way: str) -> None:
    (tmp_path / "describe.py").write_text(DESCRIBE)
    (tmp_path / "start.py").write_text(START + WAYS[way].replace("check=True", "check=False"))
    assert "descriptors [0, 1, 2" in same("start.py", "describe.py", "an argument").stdout


@pytest.mark.parametrize("flags", [[], ["-W", "error", "-X", "dev", "-O"], ["-I"], ["-E"], ["-S"], ["-sS", "-c"]])
@pytest.mark.parametrize("paths", [None, "", "own", "own:"])
def test_flags_and_paths_of_its_own_are_as_without(
    same: Pair, tmp_path: Path, flags: list[str], paths: str | None
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("print('own sitecustomize', __name__, __file__)\n")
    program = [DESCRIBE] if flags[-1:] == ["-c"] else ["describe.py"]
    (tmp_path / "describe.py").write_text(DESCRIBE)
    (tmp_path / "start.py").write_text(START + WAYS["subprocess"].replace("check=True", "check=False"))
    same("start.py", *flags, *program, env={"PYTHONPATH": paths})


def test_an_error_in_the_environments_own_sitecustomize_is_told_as_without(same: Pair, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise ValueError('mine')\n")
    start = START + "subprocess.run([sys.executable, *words])"
    same("-c", start, "-c", "print('runs')", env={"PYTHONPATH": str(tmp_path)})


def test_a_python_of_a_python_and_its_forks_are_recorded(summarize: Summarize, tmp_path: Path) -> None:
    inner = tmp_path / "inner.py"
    inner.write_text(START + "if os.fork() == 0: os._exit(0)\nos.wait()\nif words: " + WAYS["subprocess"])
    result, document = summarize(START + WAYS["subprocess"], str(inner), str(inner))
    assert result.returncode == 0, result.stderr
    methods = [process["start_method"] for process in document["processes"]]
    assert sorted(methods[1:]) == ["exec", "exec", "fork", "fork"]
    parents = {process["pid"]: process["parent_pid"] for process in started(document)}
    assert len(parents.keys() & set(parents.values())) == 1


def test_set_executable_spawns_what_is_recorded_as_spawned(summarize: Summarize) -> None:
    code = """
import multiprocessing, sys
def work(): print("works")
if __name__ == "__main__":
    multiprocessing.set_executable(sys.executable)
    process = multiprocessing.get_context("spawn").Process(target=work, name="mine")
    process.start(); process.join()
    print(process.exitcode)
"""
    result, document = summarize(code)
    assert result.stdout == "works\n0\n"
    assert [process["name"] for process in document["processes"] if process["start_method"] == "spawn"] == ["mine"]


def test_programs_that_are_no_python_find_what_they_find_without(same: Pair) -> None:
    start = "subprocess.run(words + ['sh', '-c', 'env; exec \"$0\" -c \"import os, sys; print(os.environ, sys.path)\"'"
    same("-c", START + start + ", sys.executable])", "env", "-u", "_")


def test_without_children_nobody_else_is_recorded_and_nothing_is_passed_on(summarize: Summarize) -> None:
    code = """
import multiprocessing, os, subprocess, sys
def work(): pass
if __name__ == "__main__":
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    print(subprocess.check_output(["env"], text=True).count("/proc/"))
    for method in ("fork", "spawn"):
        process = multiprocessing.get_context(method).Process(target=work)
        process.start(); process.join()
        print(process.exitcode)
"""
    result, document = summarize(code, flags=["--no-children"])
    assert result.stdout == "0\n0\n0\n"
    assert len(document["processes"]) == 1
    assert document["probe"]["unrecorded_processes"] == 0


def test_those_that_could_not_be_recorded_are_named_the_most_first(summarize: Summarize) -> None:
    code = """
import subprocess, sys
for flag in ("-S", "-I", "-I"):
    subprocess.run([sys.executable, flag, "-c", "sum(range(10_000_000))"], check=True)
"""
    result, document = summarize(code)
    assert result.returncode == 0, result.stderr
    probe = document["probe"]
    rows = [(row["command"].partition(" ")[2], row["count"]) for row in probe["unrecorded_programs"]]
    assert rows == [("-I -c sum(range(10_000_000))", 2), ("-S -c sum(range(10_000_000))", 1)]
    assert 0 < probe["unseen_cpu_share"] < 1
    assert "3 Python processes were not recorded: " in result.stderr.replace("\n", " ")


def test_a_python_elsewhere_does_not_notice(same: Pair, stranger: str, tmp_path: Path) -> None:
    """It is of the same build, and has no package."""
    (tmp_path / "describe.py").write_text(DESCRIBE)
    assert "descriptors [0, 1, 2" in same("-c", START + "subprocess.run(words)", stranger, "describe.py").stdout


def test_what_a_program_becomes_finds_nothing_of_the_run(same: Pair) -> None:
    inner = "import os; print(sorted(os.environ), __import__('sys').path)"
    same("-c", "import os, sys; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])", inner)


def test_once_the_first_process_has_ended_nothing_is_passed_on(run: Runner, host: str, tmp_path: Path) -> None:
    """A child that lives on starts another one when nothing is there any more."""
    later = "import os, sys; print(sys.path[1:], sorted(os.environ))"
    (tmp_path / "orphan.py").write_text(f"""
import os, subprocess, sys
os.write(int(sys.argv[1]), b"r")
os.read(0, 1)  # until the parent has ended
subprocess.run([sys.executable, "-c", {later!r}], check=True)
""")
    code = """
import os, subprocess, sys
read, write = os.pipe()
ready, tell = os.pipe()
subprocess.Popen([sys.executable, "orphan.py", str(tell)], stdin=read, pass_fds=[tell])
os.read(ready, 1)
"""
    result = run([host, "run", "-q", "-c", code], cwd=tmp_path)
    assert result.stdout.startswith("["), result.stderr
    assert "/proc" not in result.stdout
    assert "GILSCOPE" not in result.stdout.replace("GILSCOPE_TEST_MARKER", "")


def test_forks_that_become_other_programs_are_no_workers(summarize: Summarize) -> None:
    """They hold their GIL all the time."""
    code = """
import subprocess, time
for _ in range(2): subprocess.run(["true"], preexec_fn=lambda: sum(range(1_000_000)), check=True)
"""
    result, document = summarize(code)
    first, *forks = document["processes"]
    assert [(fork["start_method"], fork["became_program"]) for fork in forks] == [("fork", True)] * 2
    assert not first["became_program"]
    assert document["verdict"]["pid"] == first["pid"]
    assert "(Without a table, as they only help: 2 forks that became other programs;" in result.stderr
    assert f"process {forks[0]['pid']}" not in result.stderr


def test_what_imitates_multiprocessing_starts_as_that_does(summarize: Summarize, tmp_path: Path) -> None:
    """As `multiprocess`, a module of its own."""
    package = tmp_path / "script" / "imitated"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "spawn.py").write_text("def spawn_main(): sum(range(1000))\n")
    (package / "forkserver.py").write_text("""
import os
def main():
    if os.fork() == 0: os._exit(0)
    os.wait()
""")
    code = """
import os, subprocess, sys
os.chdir(os.path.dirname(os.path.abspath(__file__)))
for code in ("from imitated.spawn import spawn_main; spawn_main()", "from imitated.forkserver import main; main()"):
    subprocess.run([sys.executable, "-c", code], check=True)
"""
    result, document = summarize(code)
    assert result.returncode == 0, result.stderr
    _, spawned, server, forked = document["processes"]
    assert [process["start_method"] for process in (spawned, server, forked)] == ["spawn", None, "forkserver"]
    assert forked["parent_pid"] == server["pid"]
    assert f"as they only help: process {server['pid']}, the fork server;" in " ".join(result.stderr.split())


def test_nothing_is_unseen_where_all_are_children_of_multiprocessing(summarize: Summarize) -> None:
    code = """
import multiprocessing
def work(): sum(range(10_000_000))
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start(); process.join()
"""
    _, document = summarize(code)
    assert len(document["processes"]) == 2
    assert document["probe"]["unseen_cpu_share"] == 0


def test_a_worker_of_xdist_has_its_number_beside_its_title(summarize: Summarize, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("""
import ctypes, os, subprocess, sys, threading
os.environ["PYTEST_XDIST_WORKER"] = sys.argv[1]
ctypes.CDLL(None).prctl(15, b"a title", 0, 0, 0)
if os.fork() == 0: os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "import threading"], check=True)
""")
    code = """
import subprocess, sys
for name in ("gw0", "gw1"): subprocess.run([sys.executable, sys.argv[1], name], check=True)
"""
    result, document = summarize(code, str(worker), env={"PYTEST_XDIST_WORKER": None})  # it may run by xdist itself
    assert result.returncode == 0, result.stderr
    names = [process["name"] for process in document["processes"]]
    assert names == [None, *["gw0", None, "-c import threading"], *["gw1", None, "-c import threading"]]
