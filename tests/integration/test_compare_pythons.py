"""`gilscope compare --python`: the same comparison under several Pythons, by whatever can run it there."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.integration.conftest import clean_environment, run_command
from tests.integration.hosts import only_binary, only_package
from tests.integration.tasks import TASKS, task, waiting_task
from tests.schemas import read_schema


@pytest.fixture
def compare_pythons(host, run) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs `gilscope compare --json -` and returns its exit code and the parsed, validated JSON."""

    def compare_pythons(*arguments: object, rounds: int = 1, **options: Any) -> tuple[int, dict[str, Any]]:
        command = [host, "compare", "--json", "-", "--rounds", str(rounds), *map(str, arguments)]
        result = run(command, **{"timeout": 120, **options})
        assert result.stdout, result.stderr
        document = json.loads(result.stdout)
        several = document["schema"] == "gilscope.compare-pythons/1"
        Draft202012Validator(read_schema(f"compare{'-pythons' if several else ''}.schema.json")).validate(document)
        return result.returncode, document

    return compare_pythons


@pytest.fixture
def program(tmp_path) -> Callable[[str], str]:
    """Writes a shell script that says it is some Python, and returns its path."""

    def program(code: str) -> str:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{code}\n")
        file.chmod(0o755)
        return str(file)

    return program


def rows_of(python):
    """The rows of one Python by the name of their mode."""
    return {row["mode"]: row for row in python["modes"]}


@only_binary
def test_each_python_is_run_by_what_there_is_for_it(compare_pythons, stock, stranger, free_threaded):
    code, document = compare_pythons("--python", stock, "--python", stranger, task("count"))
    own, other = document["pythons"]
    assert (own["engine"], other["engine"]) == ("host", "timing")
    assert (own["path"], other["path"]) == (stock, stranger)
    assert own["python"]["linkage"] in {"static", "shared"}
    assert other["python"]["linkage"] == "stock"
    assert own["python"]["version"] == other["python"]["version"]
    assert own["machine"] == other["machine"]
    if not free_threaded:
        assert rows_of(own)["threads"]["gil_figures"] is not None
    assert {row["gil_figures"] for row in other["modes"]} == {None}
    assert code == 0


def test_timing_only_has_every_figure_but_the_gils(compare_pythons, stock, stranger):
    _, document = compare_pythons("--python", f"{stock},{stranger}", task("count"), rounds=5)
    for python in document["pythons"]:
        rows = rows_of(python)
        for mode in ("sequential", "threads", "processes", "asyncio"):
            row = rows[mode]
            assert (row["status"], row["results_equal"], row["reason"]) == ("ok", True, None)
            figures = ("work_ns", "setup_ns", "speedup", "concurrency", "parallelism", "cpu_ns", "max_rss_bytes")
            assert all(row[figure] is not None for figure in figures)
        assert python["verdict"]["kind"] in {"one_wins", "several_win", "none_wins"}
        assert python["sequential_ratio"]["low"] <= python["sequential_ratio"]["median"]
    assert document["pythons"][0]["sequential_ratio"] == {"median": 1, "low": 1, "high": 1}


def test_what_a_stock_python_cannot_run_is_unavailable_and_no_failure(compare_pythons, stranger):
    code, document = compare_pythons("--python", stranger, task("count"))
    row = rows_of(document)["subinterpreters"]
    assert row["status"] == "unavailable"
    assert "gilscope host" in row["reason"]
    assert code == 0


def test_nothing_that_can_be_run_is_the_answer_no(compare_pythons, stranger):
    code, document = compare_pythons("--python", stranger, "--modes", "subinterpreters", task("count"))
    assert [row["status"] for row in document["modes"]] == ["unavailable"]
    assert code == 1


def test_one_python_is_an_ordinary_comparison(compare_pythons, host, run, stock, stranger):
    assert compare_pythons("--python", stock, task("count"))[1]["schema"] == "gilscope.compare/1"
    document = compare_pythons("--python", stranger, task("count"))[1]
    assert document["schema"] == "gilscope.compare/1"
    assert document["python"]["executable"] == stranger
    table = run([host, "compare", "--python", stranger, "--rounds", "1", task("count")]).stdout
    assert "(timing only)" in " ".join(table.split())


@only_binary
def test_pythons_are_compared_in_the_given_order_each_once(compare_pythons, host, stock, stranger, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(stranger)
    arguments = ["--python", f"{stranger},{link}", "--python", host, "--python", stock, "--python", stranger]
    _, document = compare_pythons(*arguments, "--modes", "sequential", task("count"))
    assert [python["path"] for python in document["pythons"]] == [stranger, host]


@only_package
def test_the_package_knows_its_own_python_and_others(compare_pythons, host, stock, stranger):
    _, document = compare_pythons("--python", f"{stock},{stranger}", task("count"))
    own, other = document["pythons"]
    assert [own["engine"], other["engine"]] == ["package", "timing"]
    assert {row["status"] for row in own["modes"]} == {"ok"}
    assert own["python"]["linkage"] == "stock"


@only_package
def test_the_script_that_pip_installs_is_the_package(compare_pythons, host):
    _, document = compare_pythons("--python", host, "--modes", "sequential", task("count"))
    assert Path(document["python"]["executable"]).parent == Path(host).parent


@only_binary
def test_a_host_is_taken_as_it_is(compare_pythons, host, stranger):
    _, document = compare_pythons(f"--python={stranger}", f"--python={host}", "--modes", "threads", task("count"))
    assert [python["engine"] for python in document["pythons"]] == ["timing", "host"]


def test_a_name_is_looked_up_on_the_path(compare_pythons, stranger, tmp_path):
    (tmp_path / "python3.99").symlink_to(stranger)
    search_path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    _, document = compare_pythons("--python", "python3.99", "--modes", "threads", task("count"), env=search_path)
    assert document["python"]["executable"] == str(tmp_path / "python3.99")


@only_binary
def test_a_virtual_environment_is_run_by_the_host_of_its_python(compare_pythons, run, stock, tmp_path):
    assert run([stock, "-m", "venv", "--without-pip", tmp_path / "environment"]).returncode == 0
    python = tmp_path / "environment" / "bin" / "python"
    _, document = compare_pythons("--python", python, "--python", stock, "--modes", "sequential", task("count"))
    assert [each["engine"] for each in document["pythons"]] == ["host", "host"]
    assert document["pythons"][0]["python"]["executable"] == str(python)
    assert document["pythons"][1]["python"]["executable"] != str(python)


@only_binary
def test_hosts_that_were_built_beside_this_one_are_found(compare_pythons, host):
    others = [path for path in Path(host).parents[3].glob("cpython-*/release/host/gilscope") if str(path) != host]
    if not others:
        pytest.skip("no host of another Python was built: PYTHON=PATH make build")
    asked = run_command([str(others[0]), "run", "-q", "-c", "import sys; print(sys.executable)"], clean_environment())
    python = asked.stdout.strip()
    code, document = compare_pythons("--python", python, "--modes", "sequential,subinterpreters", task("count"))
    assert document["python"]["executable"] == python
    assert document["python"]["linkage"] in {"static", "shared"}
    assert [row["status"] for row in document["modes"]] == ["ok", "ok"]
    assert code == 0


@only_binary
def test_a_package_that_runs_trials_is_used(compare_pythons, host, stock, stranger, tmp_path):
    package = tmp_path / "gilscope"
    package.mkdir()
    (package / "__init__.py").touch()
    # As the host does it: what a package of that name will do itself.
    (package / "__main__.py").write_text(f"import os, sys\nos.execv({host!r}, [{host!r}, *sys.argv[1:]])\n")
    code, document = compare_pythons("--python", f"{stock},{stranger}", task("count"), env={"PYTHONPATH": tmp_path})
    assert [python["engine"] for python in document["pythons"]] == ["host", "package"]
    assert rows_of(document["pythons"][1])["subinterpreters"]["status"] == "ok"
    assert code == 0


@only_binary
def test_a_package_that_is_the_extension_alone_gives_timing_only(compare_pythons, stock, stranger, tmp_path):
    (tmp_path / "gilscope").mkdir()
    (tmp_path / "gilscope" / "__init__.py").touch()
    arguments = ["--python", f"{stock},{stranger}", "--modes", "sequential", task("count")]
    _, document = compare_pythons(*arguments, env={"PYTHONPATH": tmp_path})
    assert [python["engine"] for python in document["pythons"]] == ["host", "timing"]


@only_binary
def test_what_a_python_prints_at_its_start_disturbs_nothing(compare_pythons, stranger, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('{\"setup_ns\": 1}')\n")
    code, document = compare_pythons("--python", stranger, task("print_much"), env={"PYTHONPATH": tmp_path})
    assert rows_of(document)["threads"]["status"] == "ok"
    assert code == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_timing_only_starts_processes_as_asked(compare_pythons, stranger, method):
    modes = ("--modes", "sequential,processes", "--start-method", method)
    _, document = compare_pythons("--python", stranger, *modes, task("which_binary"))
    row = rows_of(document)["processes"]
    assert (row["status"], row["start_method"], row["results_equal"]) == ("ok", method, True)


def test_a_task_sees_the_same_command_line_and_path(compare_pythons, stranger):
    code, document = compare_pythons("--python", stranger, task("where"), "--", "a", "b")
    assert {row["results_equal"] for row in document["modes"] if row["status"] == "ok"} == {True}
    assert code == 0


def test_a_task_that_raises_is_a_row_without_frames_of_ours(compare_pythons, stranger):
    code, document = compare_pythons("--python", stranger, task("raise_error"))
    for mode, row in rows_of(document).items():
        if mode != "subinterpreters":
            assert (row["status"], row["reason"]) == ("failed", "ValueError: no good")
            assert 'tasks.py", line' in row["traceback"]
            assert "gilscope" not in row["traceback"].replace(str(TASKS), "")
    assert code == 1


def test_a_crash_says_where_it_happened_and_nothing_of_ours(compare_pythons, stranger):
    code, document = compare_pythons("--python", stranger, "--modes", "sequential", task("crash"))
    [row] = document["modes"]
    assert "SIGSEGV" in row["reason"]
    assert "in crash" in row["traceback"]
    assert "_gilscope" not in row["traceback"]
    assert "runpy" not in row["traceback"]
    assert code == 1


def test_a_task_that_hangs_is_timed_out_and_nothing_of_it_survives(compare_pythons, stranger):
    arguments = ["--python", stranger, "--modes", "sequential,processes", "--timeout", "1.5"]
    code, document = compare_pythons(*arguments, task("hang"))
    assert [row["status"] for row in document["modes"]] == ["timeout", "timeout"]
    assert "in hang" in rows_of(document)["sequential"]["traceback"]
    assert code == 1


def test_what_one_python_cannot_load_is_a_row_of_it_alone(compare_pythons, stock, stranger, tmp_path):
    file = tmp_path / "picky.py"
    refused = str(Path(stranger).parent)
    file.write_text(f"import sys\nif {refused!r} in sys.executable:\n    import no_such_module\ndef f():\n    pass\n")
    arguments = ["--python", f"{stranger},{stock}", "--modes", "sequential,threads", f"{file}:f"]
    code, document = compare_pythons(*arguments)
    failed, good = document["pythons"]
    assert {row["reason"] for row in failed["modes"]} == {"ModuleNotFoundError: No module named 'no_such_module'"}
    assert {row["status"] for row in good["modes"]} == {"ok"}
    assert (failed["sequential_ratio"], good["sequential_ratio"]) == (None, None)
    assert code == 1


def test_what_no_python_can_load_is_a_mistake(host, run, stock, stranger):
    result = run([host, "compare", "--python", f"{stock},{stranger}", task("nowhere")])
    assert result.returncode == 2
    assert "has no function 'nowhere'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/python3", "/nowhere/python3: no such file"),
        ("python9.99", "python9.99: is not on PATH"),
        ("/", "/: is no file"),
        ("", "--python: an empty path"),
        (str(TASKS), f"{TASKS}: permission to run it denied"),
        ("/bin/false", "/bin/false: does not start (exit code 1)"),
        ("/bin/echo", "/bin/echo: is no Python"),
    ],
)
def test_a_path_that_is_no_python_is_one_clear_error(host, run, stock, path, message):
    result = run([host, "compare", "--python", stock, "--python", path, task("count")])
    assert (result.returncode, result.stdout) == (2, "")
    assert f"gilscope: {message}" in result.stderr
    assert "try: --python takes a CPython 3.11 or later, a PyPy 3.9 or later, or a gilscope host" in result.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("echo 'no good' >&2; exit 3", "does not start (exit code 3): no good"),
        ("kill -KILL $$", "does not start: ended by signal 9"),
        ("echo Python 3.10.13", "is Python 3.10.13, too old"),
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
    assert not (tmp_path / "ran").exists(), "nothing is measured"


def test_pypy_is_compared_by_time_alone(compare_pythons, stock):
    pypy = shutil.which("pypy3")
    if pypy is None:
        pytest.skip("no PyPy here: Debian's package pypy3")
    code, document = compare_pythons("--python", f"{stock},{pypy}", task("count"))
    other = document["pythons"][1]
    assert (other["engine"], other["python"]["implementation"]) == ("timing", "PyPy")
    assert {row["status"] for mode, row in rows_of(other).items() if mode != "subinterpreters"} == {"ok"}
    assert {row["gil_figures"] for row in other["modes"]} == {None}
    assert code == 0


def test_another_implementation_is_refused(host, run, program):
    answer = json.dumps({"implementation": "Jython"})
    fake = program(f"[ $1 = --version ] && echo Python 3.11.9 && exit\necho; echo 'gilscope-answer:{answer}'")
    result = run([host, "compare", "--python", fake, task("count")])
    assert result.returncode == 2
    assert f"{fake}: is Jython, neither CPython nor PyPy" in result.stderr


@only_binary
def test_the_table_names_each_python_and_fits_100_columns(host, run, stock, stranger):
    arguments = ["--python", f"{stock},{stranger}", "--modes", "sequential,threads,subinterpreters", "--rounds", "5"]
    result = run([host, "compare", *arguments, task("count")])
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in result.stdout
    names = next(line for line in lines if "1: " in line and "2: " in line)
    assert ", its own host" in names
    assert ", timing only" in names
    begins = [line.split()[0] for line in lines[lines.index(names) + 1 :][:5]]
    assert begins == ["mode", "sequential", "threads", "subinterpreters", "seq."]


def test_help_says_how_to_name_pythons(host, run):
    text = run([host, "compare", "--help"]).stdout
    assert "--python PATH" in text
    assert "--python python3.13 --python python3.13t" in text


@pytest.mark.parametrize(("calls", "rounds"), [(1, 0), (4, 0), (6, 1)])
def test_an_interrupt_shows_what_there_is_and_leaves_nothing(
    host, stock, stranger, tmp_path, no_leftovers, calls, rounds
):
    function, counter = waiting_task(tmp_path, calls)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    pythons = f"{stock},{stranger}"
    process = subprocess.Popen(
        [host, "compare", "--python", pythons, function, "--modes", "sequential", "--workers", "2"],
        env={**no_leftovers, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not counter.exists() or counter.stat().st_size < calls:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"interrupted after {rounds} of 5 rounds" in errors
    assert ("sequential" in output) == (calls > 1)
    assert not list(temporary.iterdir())


def test_an_interrupt_while_a_python_is_asked_ends_it_at_once(host, program, tmp_path, no_leftovers):
    ready = tmp_path / "ready"
    fake = program(f"touch {ready}; exec tail -f /dev/null")
    process = subprocess.Popen(
        [host, "compare", "--python", fake, task("count")],
        env=no_leftovers,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert "interrupted after 0 of 5 rounds" in errors
