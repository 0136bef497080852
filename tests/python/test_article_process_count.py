"""process_count.py, as a plain script of the Python that runs the tests."""

import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.processes import require_end_of_session

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "python" / "article"
GOLDEN = ROOT / "tests" / "golden"
sys.path.insert(0, str(ARTICLE))

import process_count  # noqa: E402
import process_count_program  # noqa: E402
from process_count_program import WORKERS, Row  # noqa: E402

SCRIPT = str(ARTICLE / "process_count.py")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "process-count.schema.json").read_text(encoding="utf-8"))
ROLES = {
    "fork": ["program", "worker", "worker"],
    "spawn": ["program", "worker", "worker", "resource tracker"],
    "forkserver": ["program", "worker", "worker", "fork server", "resource tracker"],
}
METHODS = sorted(ROLES)
PATIENCE_S = 60  # of a busy machine
# What a test does before a method is measured. A worker of its own says that it is there, and never that it is ready.
SABOTAGE = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(ARTICLE)!r})
import process_count, process_count_program

def stay(here, there):
    here.close()
    Path(os.environ["STAYING"]).write_text("x")
    there.recv()

def sabotage(method):
    WHAT
    return count(method)

count, process_count_program.count = process_count_program.count, sabotage
if __name__ == "__main__":
    sys.exit(process_count.main())
"""


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S, **options
    )


@pytest.fixture
def sabotage(tmp_path: Path) -> Callable[[str], str]:
    """Writes a program that does this before it measures a method, and returns its path."""

    def sabotage(what: str) -> str:
        path = tmp_path / "sabotaged.py"
        path.write_text(SABOTAGE.replace("WHAT", what), encoding="utf-8")
        return str(path)

    return sabotage


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files whose path is short: pytest's are too long for the socket of a fork server."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def start_and_await_workers(path: str, temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts it, in a session of its own, and returns as soon as the workers of the sabotaged method stay."""
    fifo = Path(path).with_name("staying")
    os.mkfifo(fifo)
    with fifo.open("r+b", buffering=0) as staying:
        process = subprocess.Popen(
            [sys.executable, path, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "STAYING": str(fifo), "TMPDIR": str(temporary)},
        )
        for _ in range(WORKERS):
            assert select.select([staying], [], [], PATIENCE_S)[0]
            staying.read(1)
    return process


def test_every_method_makes_the_processes_that_it_is_known_for() -> None:
    done = run("-W", "error", SCRIPT, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["default"] == multiprocessing.get_all_start_methods()[0] == document["methods"][0]["method"]
    found = {row["method"]: [process["role"] for process in row["processes"]] for row in document["methods"]}
    assert found == ROLES
    pids = [process["pid"] for row in document["methods"] for process in row["processes"]]
    assert len(set(pids)) == len(pids) == 3 + 4 + 5  # nobody was counted with two methods


def test_the_table_and_the_file_tell_the_same(tmp_path: Path) -> None:
    file = tmp_path / "zoë.json"
    done = run("-S", SCRIPT, "--scale=0.5", "--iterations=1", "--json", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    rows = [Row(**row) for row in document["methods"]]
    assert done.stdout.splitlines()[2:] == [process_count.line_of(row, document["default"]) for row in rows]


def test_nothing_is_left_in_the_folder_of_temporary_files(temporary: Path) -> None:
    done = run(SCRIPT, env={**os.environ, "TMPDIR": str(temporary)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "failed" not in done.stdout
    assert not list(temporary.iterdir())


def golden_rows() -> Iterator[Row]:
    for first, (method, roles) in enumerate(ROLES.items()):
        yield Row(method, [{"pid": 100 * first + pid, "role": role} for pid, role in enumerate(roles, 10)])
    yield Row("spawn", reason="not done within 60 s (--timeout)")


def test_the_golden_files_are_what_is_printed() -> None:
    rows = list(golden_rows())
    found = {
        "process_count.json": json.dumps(process_count.document(rows, "3.14.0", "forkserver"), indent=2) + "\n",
        "process_count.txt": "".join(f"{process_count.line_of(row, 'forkserver')}\n" for row in rows),
    }
    for name, text in found.items():
        if os.environ.get("GILSCOPE_UPDATE_GOLDEN") == "1":
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert (GOLDEN / name).read_text(encoding="utf-8") == text


def test_a_role_is_told_by_the_command_line_where_no_pid_is_known() -> None:
    for module, role in process_count_program.HELPERS.items():
        code = f"import sys; print(flush=True); sys.stdin.read()  # from {module.decode()} import main"
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
            assert helper.stdout is not None
            helper.stdout.readline()  # its command line is its own by now
            assert process_count_program.find_role(helper.pid, {}) == role
            assert process_count_program.find_role(helper.pid, {helper.pid: "worker"}) == "worker"
    assert process_count_program.find_role(os.getpid(), {}) == "other"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("if method == 'spawn': raise OSError('no room')", "no room"),
        ("if method == 'spawn': raise AssertionError", "AssertionError"),
        ("if method == 'spawn': os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("if method == 'spawn': signal.raise_signal(signal.SIGALRM)", "not done within 60 s (--timeout)"),
        (
            "if method == 'spawn': process_count_program.multiprocessing.set_executable('/bin/false')",
            "a worker ended before it was ready: exit code 1",
        ),
        (
            "if method == 'spawn': process_count_program.multiprocessing.set_executable('/no/such')",
            "a worker ended before it was ready: exit code 255",
        ),
    ],
)
def test_a_method_that_fails_is_a_row_that_says_why_and_the_rest_goes_on(what: str, reason: str, sabotage) -> None:
    done = run(sabotage(what), "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    rows = {row["method"]: row for row in document["methods"]}
    assert rows["spawn"] == {"method": "spawn", "processes": [], "reason": reason}
    assert [rows[method]["reason"] for method in ("fork", "forkserver")] == [None, None]


def test_without_room_for_temporary_files_every_row_says_so(monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such")
    row = process_count_program.measure("fork", PATIENCE_S)
    assert row.processes == []
    assert "No such file or directory" in str(row.reason)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--timeout", "0"], "argument --timeout: must be above 0, and at most 86400: 0"),
        (["--timeout", "nan"], "argument --timeout: must be above 0, and at most 86400: nan"),
        (["--timeout", "soon"], "argument --timeout: invalid duration value: 'soon'"),
        (["--scale", "-1"], "argument --scale: must be finite, and not negative: -1"),
        (["--json", "/no/such/file"], "argument --json: cannot write /no/such/file"),
        (["--json", "/"], "argument --json: cannot write /"),
        (["--json", ""], "argument --json: cannot write ."),
        (["--time", "1"], "unrecognized arguments: --time 1"),
        (["fork"], "unrecognized arguments: fork"),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str) -> None:
    done = run(SCRIPT, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"process_count.py: error: {error}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_at_once_and_leaves_nothing(
    method: str, number: signal.Signals, code: int, sabotage, temporary: Path
) -> None:
    path = sabotage(f"if method == {method!r}: process_count_program.stay = stay")
    process = start_and_await_workers(path, temporary)
    process.send_signal(number)
    process.send_signal(number)  # who is impatient
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert errors == ("process_count.py: interrupted\n" if number == signal.SIGINT else "")
    require_end_of_session(process.pid)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("method", METHODS)
def test_where_it_is_killed_the_time_limit_ends_the_rest(method: str, sabotage, temporary: Path) -> None:
    path = sabotage(f"if method == {method!r}: process_count_program.stay = stay")
    process = start_and_await_workers(path, temporary, "--timeout=3")
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    require_end_of_session(process.pid)


def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, SCRIPT], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
