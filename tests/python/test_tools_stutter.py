"""tools/stutter.py: whom it stops, whom it leaves alone, and that nothing of a command is left."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import has_ended

ROOT = Path(__file__).resolve().parents[2]
STUTTER = ROOT / "tools" / "stutter.py"


@pytest.fixture
def stutter(monkeypatch):
    monkeypatch.syspath_prepend(str(STUTTER.parent))
    return importlib.import_module("stutter")


@pytest.fixture
def states(stutter, monkeypatch):
    """Of processes, by their numbers: as they are told to it, as these tests may be run by it themselves."""
    states: dict[int, str] = {}
    monkeypatch.setattr(stutter, "read_process", lambda pid: (states[pid], os.getpid()))
    return states


@pytest.fixture
def sent(stutter, monkeypatch):
    """Which signals it sends, which arrive nowhere."""
    sent = []
    monkeypatch.setattr(stutter, "send", lambda *what: sent.append(what))
    return sent


def test_it_knows_the_state_and_the_parent_of_a_process(stutter):
    state, parent = stutter.read_process(os.getpid())
    assert state in {"R", "S", "D"}  # its first thread may not be the one that asks
    assert parent == os.getppid()
    assert stutter.read_process(0) == ("Z", 0)  # there is none


def test_each_process_is_stopped_and_continued(stutter, states, sent):
    states.update({11: "S", 12: "R"})
    stutter.Stutter().period({11, 12}, 0.06)
    for pid in (11, 12):
        assert [number for number, whom in sent if whom == pid] == [signal.SIGSTOP, signal.SIGCONT]


@pytest.mark.parametrize("state", ["T", "t", "Z", "X"])
def test_one_that_somebody_else_stopped_or_that_has_ended_is_left_alone(stutter, states, sent, state):
    states[11] = state
    stutter.Stutter().period({11}, 0.06)
    assert sent == []


def test_who_is_still_stopped_at_the_end_is_continued(stutter, states, sent, monkeypatch):
    states[11] = "S"
    disturbed = stutter.Stutter()
    monkeypatch.setattr(stutter.time, "sleep", lambda _: sys.exit() if sent else None)
    with pytest.raises(SystemExit):
        disturbed.period({11}, 0.06)
    disturbed.resume_all()
    assert sent == [(signal.SIGSTOP, 11), (signal.SIGCONT, 11)]


def test_the_code_is_the_commands_and_what_it_left_behind_ends():
    command = ["sh", "-c", "setsid sleep 1000 >/dev/null & echo $!; exit 3"]
    done = subprocess.run([sys.executable, STUTTER, *command], stdout=subprocess.PIPE, check=False)
    assert done.returncode == 3
    assert has_ended(int(done.stdout), 60)


def test_its_own_end_is_that_of_the_command():
    command = ["sh", "-c", "echo $$; exec sleep 1000"]
    with subprocess.Popen([sys.executable, STUTTER, "--busy", "1", *command], stdout=subprocess.PIPE) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    assert has_ended(pid, 60)
