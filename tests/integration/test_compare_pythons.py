"""`gilscope compare --python`: the same comparison under several Pythons, by whatever can run it there.

What is decided without asking a Python, and what is written of several, is tested in tests/unit:
run/python_choice_test, run/stock_python_test, report/pythons_report_test.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.conftest import clean_environment, run_command
from tests.integration.hosts import is_package, only_binary, only_package
from tests.integration.tasks import MODES, TASKS, rows_of, run_until, task, waiting_task

any_host = pytest.mark.any_host


@pytest.fixture
def program(tmp_path) -> Callable[[str], str]:
    """Writes a shell script that says it is some Python, and returns its path."""

    def program(code: str) -> str:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{code}\n")
        file.chmod(0o755)
        return str(file)

    return program


def engines(compared):
    """What ran the tasks of each Python."""
    return [python["engine"] for python in compared.document["pythons"]]


def test_each_python_is_run_by_what_there_is_for_it(compare, host, stock, stranger, free_threaded):
    tasks = [task("where"), task("count")]
    compared = compare("--python", stock, "--python", stranger, *tasks, "--", "a", "b")
    own, other = compared.document["pythons"]
    assert engines(compared) == ["package" if is_package(host) else "host", "timing"]
    assert (own["path"], other["path"]) == (stock, stranger)
    assert own["python"]["linkage"] in ({"stock"} if is_package(host) else {"static", "shared"})
    assert other["python"]["linkage"] == "stock"
    assert own["python"]["version"] == other["python"]["version"]
    assert own["machine"] == other["machine"]
    assert own["sequential_ratio"]["median"] == 1
    assert other["sequential_ratio"]["median"] > 0

    assert {row["gil_figures"] is None for row in own["modes"]} == {free_threaded}
    assert {row["gil_figures"] for row in other["modes"]} == {None}
    assert {row["status"] for row in own["modes"]} == {"ok"}
    rows = rows_of(other)
    assert rows.pop("subinterpreters")["status"] == "unavailable", "which is no failure"
    figures = ("work_ns", "setup_ns", "speedup", "concurrency", "parallelism", "cpu_ns", "max_rss_bytes")
    for mode, row in rows.items():
        assert (row["status"], row["results_equal"], row["reason"]) == ("ok", True, None), mode
        assert all(row[figure] is not None for figure in figures)
    assert (compared.code, compared.errors) == (0, "")

    lines = compared.text.splitlines()
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in compared.text
    names = next(line for line in lines if "1: " in line and "2: " in line)
    assert (", its own host" in names) != is_package(host)
    assert ", timing only" in names
    begins = [line.split()[0] for line in lines[lines.index(names) + 1 :][:7]]
    assert begins == ["mode", *MODES, "seq."]


@any_host
def test_one_python_is_an_ordinary_comparison_and_a_name_is_looked_up_on_the_path(compare, stranger, tmp_path):
    (tmp_path / "python3.99").symlink_to(stranger)
    search_path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    compared = compare("--python", "python3.99", "--modes", "subinterpreters", task("count"), env=search_path)
    assert compared.document["schema"] == "gilscope.compare/1"
    assert compared.document["python"]["executable"] == str(tmp_path / "python3.99")
    assert "(timing only)" in " ".join(compared.text.split())
    row = compared.rows["subinterpreters"]
    assert row["status"] == "unavailable"
    assert "gilscope host" in row["reason"]
    assert compared.code == 1, "nothing that can be run is the answer no"


@only_binary
def test_pythons_are_compared_in_the_given_order_each_once(compare, host, stock, stranger, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(stranger)
    arguments = ["--python", f"{stranger},{link}", f"--python={host}", "--python", stock, "--python", stranger]
    compared = compare(*arguments, "--modes", "sequential", task("count"))
    assert [python["path"] for python in compared.document["pythons"]] == [stranger, host]
    assert engines(compared) == ["timing", "host"]


@only_package
def test_the_script_that_pip_installs_is_the_package(compare, host):
    compared = compare("--python", host, "--modes", "sequential", task("count"))
    assert Path(compared.document["python"]["executable"]).parent.samefile(Path(host).parent)


@only_binary
def test_a_virtual_environment_is_run_by_the_host_of_its_python(compare, run, stock, tmp_path):
    assert run([stock, "-m", "venv", "--without-pip", tmp_path / "environment"]).returncode == 0
    python = tmp_path / "environment" / "bin" / "python"
    compared = compare("--python", python, "--python", stock, "--modes", "sequential", task("count"))
    assert engines(compared) == ["host", "host"]
    environment, own = [python["python"]["executable"] for python in compared.document["pythons"]]
    assert environment == str(python)
    assert own != str(python)


@only_binary
def test_hosts_that_were_built_beside_this_one_are_found(compare, host):
    others = [path for path in Path(host).parents[3].glob("cpython-*/release/host/gilscope") if str(path) != host]
    if not others:
        pytest.skip("no host of another Python was built: PYTHON=PATH make build")
    asked = run_command([str(others[0]), "run", "-q", "-c", "import sys; print(sys.executable)"], clean_environment())
    python = asked.stdout.strip()
    compared = compare("--python", python, "--modes", "sequential,subinterpreters", task("count"))
    assert compared.document["python"]["executable"] == python
    assert compared.document["python"]["linkage"] in {"static", "shared"}
    assert compared.reasons == {"sequential": None, "subinterpreters": None}
    assert compared.code == 0


@only_binary
def test_a_package_that_runs_trials_is_used(compare, host, stock, stranger, tmp_path):
    package = tmp_path / "gilscope"
    package.mkdir()
    (package / "__init__.py").touch()
    # As the host does it: what a package of that name will do itself.
    (package / "__main__.py").write_text(f"import os, sys\nos.execv({host!r}, [{host!r}, *sys.argv[1:]])\n")
    arguments = ["--python", f"{stock},{stranger}", "--modes", "sequential,subinterpreters", task("count")]
    compared = compare(*arguments, env={"PYTHONPATH": tmp_path})
    assert engines(compared) == ["host", "package"]
    assert {row["status"] for row in compared.document["pythons"][1]["modes"]} == {"ok"}
    assert compared.code == 0


@only_binary
def test_a_package_that_is_the_extension_alone_gives_timing_only_whatever_is_printed(
    compare, stock, stranger, tmp_path
):
    (tmp_path / "gilscope").mkdir()
    (tmp_path / "gilscope" / "__init__.py").touch()
    (tmp_path / "sitecustomize.py").write_text("print('{\"setup_ns\": 1}')\n")
    arguments = ["--python", f"{stock},{stranger}", "--modes", "sequential,threads", task("print_much")]
    compared = compare(*arguments, env={"PYTHONPATH": tmp_path})
    assert engines(compared) == ["host", "timing"]
    assert {row["status"] for row in compared.document["pythons"][1]["modes"]} == {"ok"}
    assert compared.code == 0


@any_host
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_timing_only_starts_processes_as_asked(compare, stranger, method):
    arguments = ["--modes", "sequential,processes", "--start-method", method, task("which_binary")]
    row = compare("--python", stranger, *arguments).rows["processes"]
    assert (row["status"], row["start_method"], row["results_equal"]) == ("ok", method, True)


@any_host
def test_a_task_that_raises_is_a_row_without_frames_of_ours(compare, stranger):
    compared = compare("--python", stranger, "--modes", "sequential,threads,processes,asyncio", task("raise_error"))
    for row in compared.rows.values():
        assert row["status"] == "failed"
        assert "ValueError: no good" in row["reason"]
        assert 'tasks.py", line' in row["traceback"]
        assert "gilscope" not in row["traceback"].replace(str(TASKS), "")
    assert compared.code == 1


@any_host
def test_a_crash_says_where_it_happened_and_nothing_of_ours(compare, stranger):
    compared = compare("--python", stranger, "--modes", "sequential", task("crash"))
    row = compared.rows["sequential"]
    assert "SIGSEGV" in row["reason"]
    assert "in crash" in row["traceback"]
    assert "_gilscope" not in row["traceback"]
    assert "runpy" not in row["traceback"]
    assert compared.code == 1


@any_host
def test_what_one_python_cannot_load_is_a_row_of_it_alone(compare, stock, stranger, tmp_path):
    file = tmp_path / "picky.py"
    refused = str(Path(stranger).parent)
    file.write_text(f"import sys\nif {refused!r} in sys.executable:\n    import no_such_module\ndef f():\n    pass\n")
    compared = compare("--python", f"{stranger},{stock}", "--modes", "sequential,threads", f"{file}:f")
    failed, good = compared.document["pythons"]
    assert {row["reason"] for row in failed["modes"]} == {"ModuleNotFoundError: No module named 'no_such_module'"}
    assert {row["status"] for row in good["modes"]} == {"ok"}
    assert (failed["sequential_ratio"], good["sequential_ratio"]) == (None, None)
    assert compared.code == 1


@any_host
def test_what_no_python_can_load_is_a_mistake(host, run, stock, stranger):
    result = run([host, "compare", "--python", f"{stock},{stranger}", "--modes", "sequential", task("nowhere")])
    assert (result.returncode, result.stdout) == (2, "")
    assert "has no function 'nowhere'" in result.stderr


@any_host
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("echo 'no good' >&2; exit 3", "does not start (exit code 3): no good"),
        ("kill -KILL $$", "does not start: ended by signal 9"),
        ("echo Python 2.7.18", "is Python 2.7.18, too old"),
        ("echo Python 3.13.0", "is no Python: it runs, but does not answer as one"),
        ("[ $1 = --version ] && echo Python 3.13.0", "does not start (exit code 1)"),
        ("echo gilscope 0.1.0", "the host does not tell which Python it embeds"),
    ],
)
def test_a_program_that_only_says_it_is_a_python_is_one_clear_error(host, run, program, tmp_path, code, message):
    script = tmp_path / "task.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    fake = program(code)
    result = run([host, "compare", "--python", fake, script])
    assert (result.returncode, result.stdout) == (2, "")
    assert f"gilscope: {fake}: {message}" in result.stderr
    assert "try: --python takes a CPython 3.11 or later, a PyPy 3.9 or later, or a gilscope host" in result.stderr
    assert not (tmp_path / "ran").exists(), "nothing is measured"


@any_host
def test_a_path_that_is_no_python_ends_the_comparison_of_those_that_are(host, run, stock):
    result = run([host, "compare", "--python", stock, "--python", "python9.99", task("count")])
    assert (result.returncode, result.stdout) == (2, "")
    assert "gilscope: python9.99: is not on PATH" in result.stderr
    assert "try: --python takes" in result.stderr


@any_host
def test_pypy_is_compared_by_time_alone(compare, stock):
    pypy = shutil.which("pypy3")
    if pypy is None:
        pytest.skip("no PyPy here: Debian's package pypy3")
    compared = compare("--python", f"{stock},{pypy}", task("count"))
    other = compared.document["pythons"][1]
    assert (other["engine"], other["python"]["implementation"]) == ("timing", "PyPy")
    assert {row["status"] for mode, row in rows_of(other).items() if mode != "subinterpreters"} == {"ok"}
    assert {row["gil_figures"] for row in other["modes"]} == {None}
    assert compared.code == 0


@any_host
def test_an_interrupt_within_a_round_shows_what_there_is_and_leaves_nothing(
    host, stock, stranger, tmp_path, no_leftovers
):
    function, ready = waiting_task(tmp_path, calls=4)  # of two by each Python
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [host, "compare", "--python", f"{stock},{stranger}", function, "--modes", "sequential", "--workers", "2"]
    ended = run_until(ready, command, {**no_leftovers, "TMPDIR": str(temporary)})
    assert ended.returncode == 130
    assert "interrupted after 0 of 5 rounds" in ended.stderr
    assert "sequential" in ended.stdout
    assert not list(temporary.iterdir())


@any_host
def test_an_interrupt_while_a_python_is_asked_ends_it_at_once(host, program, tmp_path, no_leftovers):
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    fake = program(f": > {ready}; exec tail -f /dev/null")
    ended = run_until(ready, [host, "compare", "--python", fake, task("count")], no_leftovers)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert "interrupted after 0 of 5 rounds" in ended.stderr
