"""The article's process_count.py under the host: its children are in the host too, and are the same ones."""

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
    from tests.integration.conftest import Pair, Runner

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "python" / "article"
SCRIPT = str(ARTICLE / "process_count.py")
SCHEMA = ROOT / "docs" / "schemas" / "process-count.schema.json"


def test_the_table_is_that_of_stock_python(same: Pair) -> None:
    assert "failed" not in same(SCRIPT).stdout


@pytest.mark.parametrize("recorded", [False, True], ids=["alone", "with a capture"])
def test_every_method_makes_the_processes_that_it_is_known_for(
    host: str, run: Runner, capture: Path, *, recorded: bool
) -> None:
    done = run([host, "run", "-q", *(["-o", str(capture)] if recorded else []), SCRIPT, "--json", "-"])
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert {row["method"]: [process["role"] for process in row["processes"]] for row in document["methods"]} == {
        "fork": ["program", "worker", "worker"],
        "spawn": ["program", "worker", "worker", "resource tracker"],
        "forkserver": ["program", "worker", "worker", "fork server", "resource tracker"],
    }


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_interrupt_under_the_host_leaves_no_process(
    host: str, no_leftovers: dict[str, str], method: str, tmp_path: Path
) -> None:
    script = tmp_path / "staying.py"  # its workers say that they are there, and never that they are ready
    script.write_text(f"""
import sys
sys.path.insert(0, {str(ARTICLE)!r})
import process_count, process_count_program

def stay(here, there):
    print("staying", flush=True)
    here.recv()

process_count_program.stay = stay
process_count.METHODS = [{method!r}]
if __name__ == "__main__":
    sys.exit(process_count.main())
""")
    with subprocess.Popen(
        [host, "run", "-q", str(script)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=no_leftovers,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        assert said[2:] == ["staying\n", "staying\n"]
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "process_count.py: interrupted\n")
