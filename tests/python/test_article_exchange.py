"""exchange.py, as a plain script of the Python that runs the tests."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.processes import have_gone, of_session, require_end_of_session, segments

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "python" / "article" / "exchange.py")
PATIENCE_S = 10
SMALL = ["--seconds", "0", "--sizes", "1", "3000"]
# Long enough that whoever waits for the first size of a way comes in time for the second.
LONG = ["--seconds", "0.3", "--sizes", "1", "1MiB", "64KiB"]
WAYS = [
    ("multiprocessing.Queue", "processes", (3, 11)),
    ("multiprocessing.Pipe", "processes", (3, 11)),
    ("shared_memory", "processes", (3, 11)),
    ("queue.Queue", "threads", (3, 11)),
    ("interpreters.Queue", "sub-interpreters", (3, 13)),
    ("os.pipe", "sub-interpreters", (3, 12)),
]
AVAILABLE = [way for way, _, since in WAYS if sys.version_info >= since]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def validate(document: Any) -> None:
    jsonschema.validate(document, json.loads((ROOT / "docs" / "schemas" / "exchange.schema.json").read_text()))


def start_and_await(way: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts it, in a session of its own, and returns as soon as it has measured the first size of this way."""
    process = subprocess.Popen(
        [sys.executable, SCRIPT, *LONG, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(way):
            return process
    pytest.fail(f"it ended before {way}: {process.communicate()[1]}")


def require_nothing_left(process: subprocess.Popen[str], segments_before: set[str]) -> None:
    require_end_of_session(process.pid)
    assert have_gone(segments() - segments_before, PATIENCE_S)


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_every_way_is_measured_or_says_why_not(start_method: str) -> None:
    done = run(SCRIPT, *SMALL, "--start-method", start_method, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    validate(document)
    assert document["start_method"] == start_method
    rows = document["rows"]
    assert [(row["way"], row["between"], row["bytes"]) for row in rows] == [
        (way, between, size) for way, between, _ in WAYS for size in (1, 3000)
    ]
    for row in rows:
        assert (row["reason"] is None) == (row["way"] in AVAILABLE), row
        if row["reason"] is None:
            assert row["latency_ns"] > 0
            assert row["bytes_per_s"] > 0
            assert row["repeats"] == 3
        else:
            assert row["reason"].startswith(f"Python {document['python']} has ")


def test_the_table_and_the_file_tell_the_same(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    done = run("-S", SCRIPT, *SMALL, "--scale=0.5", "--iterations=1", "--json", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(file.read_text())
    validate(document)
    first, heads, *lines = done.stdout.splitlines()
    assert first == f"Python {document['python']}, processes by {document['start_method']}"
    assert heads.split() == ["way", "between", "message", "latency", "throughput", "repeats"]
    measured = [row for row in document["rows"] if row["reason"] is None]
    figures = [line for line in lines if "not available" not in line]
    assert [line.split()[:2] for line in figures] == [[row["way"], row["between"]] for row in measured]
    assert all(line.split()[-2:] == ["MiB/s", str(row["repeats"])] for line, row in zip(figures, measured, strict=True))
    assert len(lines) - len(figures) == len(WAYS) - len(AVAILABLE)  # said once for all sizes


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--sizes", "0"], "argument --sizes: must be from 1 to 1073741824 bytes: 0"),
        (["--sizes", "2GiB"], "argument --sizes: must be from 1 to 1073741824 bytes: 2GiB"),
        (["--sizes", "1.5"], "argument --sizes: invalid message_size value: '1.5'"),
        (["--sizes", "1TiB"], "argument --sizes: invalid message_size value: '1TiB'"),
        (["--sizes", "KiB"], "argument --sizes: invalid message_size value: 'KiB'"),
        (["--sizes"], "argument --sizes: expected at least one argument"),
        (["--seconds", "-1"], "argument --seconds: must be finite, and not negative: -1"),
        (["--seconds", "inf"], "argument --seconds: must be finite, and not negative: inf"),
        (["--json", "/no/such/file"], "argument --json: cannot write /no/such/file"),
        (["--json", "/"], "argument --json: cannot write /"),
        (["--size", "1"], "unrecognized arguments: --size 1"),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str) -> None:
    done = run(SCRIPT, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"exchange.py: error: {error}"


def test_an_unknown_start_method_is_a_usage_error() -> None:
    done = run(SCRIPT, "--start-method", "vfork")
    assert done.returncode == 2
    assert "argument --start-method: invalid choice: 'vfork'" in done.stderr


@pytest.mark.parametrize("way", AVAILABLE)
def test_an_interrupt_leaves_nothing(way: str) -> None:
    before = segments()
    process = start_and_await(way)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "exchange.py: interrupted\n")
    require_nothing_left(process, before)


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_an_interrupt_leaves_nothing_however_the_processes_were_started(start_method: str) -> None:
    before = segments()
    process = start_and_await("shared_memory", "--start-method", start_method)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "exchange.py: interrupted\n")
    require_nothing_left(process, before)


@pytest.mark.parametrize("way", [way for way, between, _ in WAYS if between == "processes"])
def test_the_end_of_the_other_process_is_one_error(way: str) -> None:
    before = segments()
    process = start_and_await(way, "--start-method", "fork")
    children = of_session(process.pid).keys() - {process.pid}
    (other,) = [pid for pid in children if "resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(other, signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "exchange.py: error: the other side has ended: exit code -9\n"
    require_nothing_left(process, before)


@pytest.mark.parametrize("way", ["multiprocessing.Queue", "shared_memory"])
def test_the_other_process_does_not_outlive_one_that_is_killed(way: str) -> None:
    before = segments()
    process = start_and_await(way)
    process.kill()
    process.communicate(timeout=30)
    require_nothing_left(process, before)


def test_a_reader_that_goes_away_ends_it_silently() -> None:
    process = start_and_await("multiprocessing.Queue")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == 1


def test_what_comes_is_checked() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "python" / "article")!r})
import exchange

class Liar:
    def send(self, message):
        pass

liar = Liar()
for came in (b"", b"abd", b"abcd"):
    liar.receive = lambda: came
    try:
        exchange.repeat_once(liar, b"abc", 2)
    except exchange.CorruptError as error:
        print(error)
answers = iter([b"abc", b".", exchange.exchange_peer.report(5, b"abc")])
liar.receive = lambda: next(answers)
try:
    exchange.repeat_once(liar, b"abc", 2)
except exchange.CorruptError:
    print("a burst that is too short")
answers = iter([b"abc", b".", exchange.exchange_peer.report(6, b"abc")])
exchange.repeat_once(liar, b"abc", 2)
"""
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "what came (0 bytes) is not what was sent (3 bytes)",
        "what came (3 bytes) is not what was sent (3 bytes)",
        "what came (4 bytes) is not what was sent (3 bytes)",
        "a burst that is too short",
    ]
