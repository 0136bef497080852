"""The article's exchange.py under the host: as under stock Python, every way works, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from tests.processes import have_gone, segments

if TYPE_CHECKING:
    from tests.integration.conftest import Runner

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "python" / "article" / "exchange.py"
PATIENCE_S = 10
SINCE = {"interpreters.Queue": (3, 13), "os.pipe": (3, 12)}


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_every_way_is_measured_under_the_host(
    host: str, run: Runner, host_version: tuple[int, ...], start_method: str
) -> None:
    options = ["--seconds", "0", "--sizes", "1", "100KiB", "--json", "-", "--start-method", start_method]
    done = run([host, "run", "-q", str(SCRIPT), *options])
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((ROOT / "docs" / "schemas" / "exchange.schema.json").read_text()))
    assert len(document["rows"]) == 12
    for row in document["rows"]:
        assert (row["reason"] is None) == (host_version >= SINCE.get(row["way"], (3, 11))), row


@pytest.mark.parametrize("way", ["multiprocessing.Queue", "shared_memory", "queue.Queue", "os.pipe"])
def test_an_interrupt_leaves_nothing_under_the_host(
    host: str, no_leftovers: dict[str, str], host_version: tuple[int, ...], way: str
) -> None:
    if host_version < SINCE.get(way, (3, 11)):
        pytest.skip(f"no {way} between the sub-interpreters of this Python")
    before = segments()
    process = subprocess.Popen(
        [host, "run", "-q", str(SCRIPT), "--seconds", "0.3", "--sizes", "1", "1MiB", "64KiB"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=no_leftovers,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(way):
            break
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, errors) == (130, "exchange.py: interrupted\n")
    assert have_gone(segments() - before, PATIENCE_S)
