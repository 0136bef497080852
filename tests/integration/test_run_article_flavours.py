"""python/article/flavours.py under `gilscope run`: the same rows, the same end, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Runner

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "python" / "article" / "flavours.py")
SCHEMA = ROOT / "docs" / "schemas" / "flavours.schema.json"
QUICK = ["--seconds=0.01", "--repeats=1"]


@pytest.fixture
def only(tmp_path: Path) -> dict[str, str]:
    """A PATH of no interpreter but a PyPy that starts, says so, and does nothing more."""
    folder = tmp_path / "bin"
    folder.mkdir()
    os.mkfifo(tmp_path / "started")
    program = folder / "pypy3"
    program.write_text(f"#!/bin/sh\necho $$ >'{tmp_path}/started'\nexec /bin/sleep 1000\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


def test_a_run_under_the_host_measures_stock_python_and_says_what_is_missing(host: str, run: Runner, tmp_path) -> None:
    empty = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = run([host, "run", "-q", SCRIPT, *QUICK, "--json", "-"], env=empty)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    status = {row["name"]: row["status"] for row in document["rows"]}
    assert [status[name] for name in ("PyPy", "Jython", "IronPython")] == ["missing"] * 3
    assert "ok" in status.values()


def test_an_interpreter_that_hangs_under_the_host_is_ended_at_its_time_limit(host: str, run: Runner, only) -> None:
    started = os.open(Path(only["HOME"]) / "started", os.O_RDWR)  # so that no writer waits
    done = run([host, "run", "-q", SCRIPT, *QUICK, "--timeout=1.5"], env=only)
    os.close(started)
    assert done.returncode == 0, done.stderr
    assert "PyPy                   timeout: no answer within 1.5 s (--timeout)\n" in done.stdout


def test_a_bad_option_under_the_host_is_a_usage_error(host: str, run: Runner) -> None:
    done = run([host, "run", "-q", SCRIPT, "--repeats", "none"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("flavours.py: error: argument --repeats: invalid whole_number value: 'none'\n")


def test_an_interrupt_under_the_host_leaves_no_process(host: str, no_leftovers, only) -> None:
    with subprocess.Popen(
        [host, "run", "-q", SCRIPT, *QUICK],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**no_leftovers, **only},
    ) as process:
        assert int((Path(only["HOME"]) / "started").read_text(encoding="utf-8")) > 1
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("flavours.py: interrupted\n")
