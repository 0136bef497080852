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
def child():
    """A process that does nothing."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def sent(stutter, monkeypatch):
    """Which signals it sends, which arrive nowhere."""
    sent = []
    monkeypatch.setattr(stutter, "send", lambda *what: sent.append(what))
    return sent


def test_each_process_is_stopped_and_continued(stutter, child, sent):
    stutter.Stutter().period({child}, 0.06)
    assert sent == [(signal.SIGSTOP, child), (signal.SIGCONT, child)]


def test_one_that_somebody_else_stopped_is_left_alone(stutter, child, sent):
    os.kill(child, signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    stutter.Stutter().period({child}, 0.06)
    assert sent == []


def test_who_is_still_stopped_at_the_end_is_continued(stutter, child, sent, monkeypatch):
    disturbed = stutter.Stutter()
    monkeypatch.setattr(stutter.time, "sleep", lambda _: sys.exit() if sent else None)
    with pytest.raises(SystemExit):
        disturbed.period({child}, 0.06)
    disturbed.resume_all()
    assert sent == [(signal.SIGSTOP, child), (signal.SIGCONT, child)]


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
