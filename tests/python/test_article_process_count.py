"""process_count.py, as a plain script: the processes of each start method, and that none is left, however it ends.

Only here do its workers fail, and is it interrupted and killed while they live.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from tests.article_programs import ARTICLE, PATIENCE_S, read_until, script_of, start, write_process_count
from tests.processes import of_session, require_end_of_session
from tests.schemas import read_schema

sys.path.insert(0, str(ARTICLE))

import process_count
import process_count_program
from process_count_program import WORKERS, Row

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SCRIPT = script_of("process_count")
ROLES = {
    "fork": ["program", "worker", "worker"],
    "spawn": ["program", "worker", "worker", "resource tracker"],
    "forkserver": ["program", "worker", "worker", "fork server", "resource tracker"],
}
# Does something in the program of each method before it counts.
BEFORE = f"""
import os, sys, time
sys.path[0] = {str(ARTICLE)!r}
import process_count, process_count_program

def count_after(method):
    WHAT
    return count(method)

count, process_count_program.count = process_count_program.count, count_after
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files whose path is short: pytest's are too long for the socket of a fork server."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def run(*arguments: str, **variables: str) -> str:
    """What it says; it must end well, and complain of nothing."""
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def start_and_await_workers(method: str, temporary: Path) -> subprocess.Popen[str]:
    """Starts it, and returns as soon as the workers stay."""
    script = write_process_count(temporary, method)
    process = start([sys.executable, script], env={**os.environ, "TMPDIR": str(temporary)})
    read_until(process, "staying", WORKERS)
    Path(script).unlink()
    return process


def test_every_method_makes_the_processes_that_it_is_known_for_and_leaves_nothing(temporary: Path) -> None:
    file = temporary / "zoë.json"
    options = ["--scale=0.5", "--iterations=1", "--json", str(file)]
    output = run("-S", "-W", "error", SCRIPT, *options, TMPDIR=str(temporary))
    document = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, read_schema("process-count.schema.json"))
    assert document["default"] == multiprocessing.get_all_start_methods()[0] == document["methods"][0]["method"]
    rows = [Row(**row) for row in document["methods"]]
    assert {row.method: [process["role"] for process in row.processes] for row in rows} == ROLES
    pids = [process["pid"] for row in rows for process in row.processes]
    assert len(set(pids)) == len(pids) == 3 + 4 + 5  # nobody was counted with two methods
    assert output.splitlines()[2:] == [process_count.line_of(row, document["default"]) for row in rows]
    assert list(temporary.iterdir()) == [file]


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
        command = [sys.executable, "-I", "-S", "-c", code]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
            assert helper.stdout is not None
            helper.stdout.readline()  # its command line is its own by now
            assert process_count_program.find_role(helper.pid, {}) == role
            assert process_count_program.find_role(helper.pid, {helper.pid: "worker"}) == "worker"
    assert process_count_program.find_role(os.getpid(), {}) == "other"


def test_a_method_that_fails_is_a_row_that_says_why_and_the_rest_goes_on() -> None:
    code = BEFORE.replace("WHAT", "if method == 'spawn': raise OSError('no room')")
    document = json.loads(run("-c", f"{code}sys.exit(process_count.main())", "--json", "-"))
    jsonschema.validate(document, read_schema("process-count.schema.json"))
    rows = {row["method"]: row for row in document["methods"]}
    assert rows["spawn"] == {"method": "spawn", "processes": [], "reason": "no room"}
    assert [rows[method]["reason"] for method in ("fork", "forkserver")] == [None, None]


def test_whatever_goes_wrong_in_a_method_is_its_reason() -> None:
    reasons = {
        "raise AssertionError": "AssertionError",
        "os.kill(os.getpid(), 9)": "ended by signal 9",
        "process_count_program.multiprocessing.set_executable('/bin/false')": (
            "a worker ended before it was ready: exit code 1"
        ),
        "process_count_program.multiprocessing.set_executable('/no/such')": (
            "a worker ended before it was ready: exit code 255"
        ),
    }
    code = BEFORE.replace("WHAT", "exec(what)") + (
        "for what in sys.argv[1:]:\n    print(process_count_program.measure('spawn', 60).reason)\n"
        "what = 'time.sleep(1000)'\nprint(process_count_program.measure('spawn', 0.001).reason)"
    )
    # Ignored: what is said of a resource tracker that cannot be started either.
    assert run("-W", "ignore", "-c", code, *reasons).splitlines() == [
        *reasons.values(),
        "not done within 0.001 s (--timeout)",
    ]


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
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [SCRIPT, *arguments])
    with pytest.raises(SystemExit) as end:
        process_count.main()
    assert end.value.code == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines()[-1] == f"process_count.py: error: {error}"


# Which signal it is and how its workers were started is nothing to each other.
@pytest.mark.parametrize(
    ("method", "number", "code"),
    [("fork", signal.SIGHUP, 129), ("spawn", signal.SIGTERM, 143), ("forkserver", signal.SIGINT, 130)],
)
def test_a_signal_ends_it_at_once_and_leaves_nothing(
    method: str, number: signal.Signals, code: int, temporary: Path
) -> None:
    process = start_and_await_workers(method, temporary)
    process.send_signal(number)
    process.send_signal(number)  # who is impatient
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert errors == ("process_count.py: interrupted\n" if number == signal.SIGINT else "")
    require_end_of_session(process.pid, PATIENCE_S)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("method", ROLES)
def test_where_it_is_killed_the_alarm_of_the_time_limit_ends_the_rest(method: str, temporary: Path) -> None:
    process = start_and_await_workers(method, temporary)
    (program,) = {os.getpgid(pid) for pid in of_session(process.pid)} - {process.pid}
    process.kill()
    process.wait(PATIENCE_S)
    with suppress(ProcessLookupError):  # one that is stopped just then is hung up by the kernel
        os.kill(program, signal.SIGALRM)
    process.communicate(timeout=PATIENCE_S)
    require_end_of_session(process.pid, PATIENCE_S)


def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, SCRIPT], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
