"""exchange.py, as a plain script: every way to pass bytes works, and leaves nothing, however it ends.

Only here does it end in the middle of a way: interrupted, without the other side, killed, without a reader.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from tests.article_programs import ARTICLE, PATIENCE_S, exchange_of, read_until, script_of, start
from tests.processes import have_gone, of_session, require_end_of_session, segments
from tests.schemas import read_schema

sys.path.insert(0, str(ARTICLE))

import exchange
import exchange_peer

SCRIPT = script_of("exchange")
SMALL = ["--seconds", "0", "--sizes", "1", "3000"]
WAYS = [
    ("multiprocessing.Queue", "processes", (3, 11)),
    ("multiprocessing.Pipe", "processes", (3, 11)),
    ("shared_memory", "processes", (3, 11)),
    ("queue.Queue", "threads", (3, 11)),
    ("interpreters.Queue", "sub-interpreters", (3, 13)),
    ("os.pipe", "sub-interpreters", (3, 12)),
]
AVAILABLE = [way for way, _, since in WAYS if sys.version_info >= since]


def run(*arguments: str) -> str:
    """What it says; it must end well, and complain of nothing."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def start_and_await(way: str, *arguments: str, meanwhile: str = "seconds = 1e9") -> subprocess.Popen[str]:
    """Starts it, and returns as soon as it has measured the first size of this way."""
    process = start([sys.executable, "-c", exchange_of(way, meanwhile), *arguments])
    read_until(process, way)
    return process


def require_nothing_left(process: subprocess.Popen[str], segments_before: set[str]) -> None:
    require_end_of_session(process.pid, PATIENCE_S)
    assert have_gone(segments() - segments_before, PATIENCE_S)


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_every_way_is_measured_or_says_why_not(start_method: str) -> None:
    document = json.loads(run(SCRIPT, *SMALL, "--start-method", start_method, "--json", "-"))
    jsonschema.validate(document, read_schema("exchange.schema.json"))
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
    output = run("-S", SCRIPT, *SMALL, "--scale=0.5", "--iterations=1", "--json", str(file))
    document = json.loads(file.read_text())
    jsonschema.validate(document, read_schema("exchange.schema.json"))
    first, heads, *lines = output.splitlines()
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
        (["--start-method", "vfork"], "argument --start-method: invalid choice: 'vfork'"),
        (["--json", "/no/such/file"], "argument --json: cannot write /no/such/file"),
        (["--json", "/"], "argument --json: cannot write /"),
        (["--size", "1"], "unrecognized arguments: --size 1"),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [SCRIPT, *arguments])
    with pytest.raises(SystemExit) as end:
        exchange.main()
    assert end.value.code == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines()[-1].startswith(f"exchange.py: error: {error}")


def require_interrupted(way: str, *arguments: str) -> None:
    before = segments()
    process = start_and_await(way, *arguments)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "exchange.py: interrupted\n")
    require_nothing_left(process, before)


@pytest.mark.parametrize("way", AVAILABLE)
def test_an_interrupt_leaves_nothing(way: str) -> None:
    require_interrupted(way)


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_an_interrupt_leaves_nothing_however_the_processes_were_started(start_method: str) -> None:
    require_interrupted("shared_memory", "--start-method", start_method)


@pytest.mark.parametrize("way", [way for way, between, _ in WAYS if between == "processes"])
def test_the_end_of_the_other_process_is_one_error(way: str) -> None:
    before = segments()
    process = start_and_await(way, "--start-method", "fork")
    children = of_session(process.pid).keys() - {process.pid}
    (other,) = [pid for pid in children if "resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(other, signal.SIGKILL)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert errors == "exchange.py: error: the other side has ended: exit code -9\n"
    require_nothing_left(process, before)


@pytest.mark.parametrize("way", ["multiprocessing.Queue", "shared_memory"])
def test_the_other_process_does_not_outlive_one_that_is_killed(way: str) -> None:
    before = segments()
    process = start_and_await(way)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    require_nothing_left(process, before)


def test_a_reader_that_goes_away_ends_it_silently() -> None:
    process = start_and_await("multiprocessing.Queue", meanwhile="sys.stdin.read()")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 1


class Partner:
    """The other side, by what it answers."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    def send(self, message: bytes, /) -> None:
        pass

    def receive(self) -> bytes:
        return self.answers.pop(0)


def test_what_comes_is_checked() -> None:
    for came in (b"", b"abd", b"abcd"):
        with pytest.raises(exchange.CorruptError) as error:
            exchange.repeat_once(Partner(came), b"abc", 2)
        assert str(error.value) == f"what came ({len(came)} bytes) is not what was sent (3 bytes)"
    with pytest.raises(exchange.CorruptError):  # a burst that is too short
        exchange.repeat_once(Partner(b"abc", b".", exchange_peer.report(5, b"abc")), b"abc", 2)
    exchange.repeat_once(Partner(b"abc", b".", exchange_peer.report(6, b"abc")), b"abc", 2)
