"""Programs that run while a test looks at them: fixtures of conftest.py."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.integration.summaries import assert_blame_sums, assert_states
from tests.schemas import validator_of

Program = subprocess.Popen[str]
Start = Callable[[Sequence[str]], Program]


@pytest.fixture
def start(no_leftovers: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a program; whatever becomes of the test, it sees the end of its standard input."""
    programs: list[Program] = []

    def start(command: Sequence[str]) -> Program:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=no_leftovers,
            cwd=tmp_path,
            text=True,
        )
        programs.append(process)
        return process

    yield start
    for process in programs:
        process.communicate(timeout=60)


def first_line(process: Program) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def look(host: str, run: Any) -> Callable[[object], dict[str, Any]]:
    """What `gilscope report --json` says, by the schema."""

    def look(of: object) -> dict[str, Any]:
        asked = run([host, "report", "--json", "-", str(of)])
        assert asked.returncode == 0, asked.stderr
        document: dict[str, Any] = json.loads(asked.stdout)
        validator_of("summary").validate(document)
        for process in document["processes"]:
            assert_blame_sums(process)
            assert_states(process)
        return document

    return look
