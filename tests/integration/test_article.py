"""`gilscope article`, driven as its users drive it, with small sizes: all is valid, whatever this machine shows.

Only here do all of the article's programs run under a host, and print what they do under `python`. Which programs are
measured for which claims, and what is left where they hang or all is interrupted, is tested nowhere else either.
"""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.article_programs import PRINTS, require_lines
from tests.integration.conftest import PATIENCE_S, Runner
from tests.schemas import read_schema

SMALL = ["--iterations", "200000", "--scale", "0.005", "--rounds", "1"]
# No machine is done with these.
ENDLESS = ["--iterations", "10000000000", "--scale", "1000"]
# All but two that take long whatever the sizes.
QUICK = [*PRINTS, "process_count"]

Article = Callable[..., dict[str, Any]]


def read_result(text: str) -> dict[str, Any]:
    """It fits the schema."""
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, read_schema("article.schema.json"))
    return document


@pytest.fixture
def article(host: str, run: Runner, environment: dict[str, str]) -> Article:
    """Runs `gilscope article --json - …` with more variables in its environment; returns what it tells."""

    def article(*arguments: object, **variables: str) -> dict[str, Any]:
        command = [host, "article", "--json", "-", *map(str, arguments)]
        result = run(command, timeout=300, env={**environment, **variables})
        assert result.returncode == 0, result.stderr
        return read_result(result.stdout)

    return article


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, for TMPDIR: with a short name, since sockets are made in it."""
    return tmp_path_factory.mktemp("t")


def claims_of(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The claims by their numbers."""
    return {claim["id"]: claim for claim in document["claims"]}


@pytest.mark.contract
@pytest.mark.any_host
def test_all_that_is_quick_is_run_measured_and_judged(article, tmp_path, temporary, report_truth, free_threaded):
    folder = tmp_path / "captures"
    document = article(*SMALL, "-o", folder, *QUICK, TMPDIR=str(temporary))
    assert document["complete"] is True
    assert {program["program"]: program["reason"] for program in document["programs"]} == dict.fromkeys(PRINTS)
    version, has_gil = document["python"]["version"], not free_threaded
    for program in document["programs"]:
        within_s = program["wall_ns"] / 1e9
        require_lines(program["program"], program["lines"], version, has_gil=has_gil, within_s=within_s)
    claims = claims_of(document)
    assert list(claims) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13]
    assert {claims[number]["verdict"] for number in (2, 3, 5, 9)} == {"not testable here"}  # one round
    assert claims[8]["verdict"] == ("holds" if has_gil else "not testable here")
    assert claims[8]["measured"]["lines"] == 10
    assert {mode["mode"] for mode in document["comparisons"]["counting"]["modes"]} == {
        "sequential",
        "threads",
        "subinterpreters",
        "processes",
        "asyncio",
    }
    assert [row["mode"] for row in document["seconds"]] == ["sequential", "threads", "processes"]
    if has_gil:
        assert {path.name for path in folder.iterdir()} >= set(PRINTS)
        for program in PRINTS:
            report_truth(folder / program)
    assert not list(temporary.iterdir())


@pytest.mark.any_host
@pytest.mark.parametrize(
    ("program", "claims", "comparisons"),
    [
        ("tasks_threads", [], set()),
        ("interleave_asyncio.py", [8], set()),
        ("count_sequential", [2, 3, 9, 12], {"counting"}),
        ("process_count", [6], set()),
    ],
)
def test_a_program_has_what_it_shows_and_no_more(article, program, claims, comparisons):
    document = article(*SMALL, program)
    names = [name for name in PRINTS if name == program.removesuffix(".py")]
    assert [row["program"] for row in document["programs"]] == names
    assert list(claims_of(document)) == claims
    assert {name for name, measured in document["comparisons"].items() if measured is not None} == comparisons
    assert document["forced_holds"] == []


def test_text_json_and_captures_stand_beside_each_other_and_what_else_is_there(
    host, run, environment, tmp_path, report_truth, free_threaded
):
    file, folder = tmp_path / "article.json", tmp_path / "captures"
    folder.mkdir()
    (folder / "mine").write_text("kept")
    programs = ["add_sub_sequential", "interleave_asyncio"]
    command = [host, "article", *SMALL, *programs, "--json", str(file), "-o", str(folder), "--force"]
    result = run(command, env=environment)
    assert result.returncode == 0
    # Piped: of 100 columns, and without colour.
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "\x1b" not in result.stdout + result.stderr
    assert re.search(r"(?m)^add_sub_sequential +\d", result.stdout)
    assert re.search(r"(?m)^13\. says +every program has a main thread", result.stdout)
    assert re.search(r"(?m)^ +verdict +(holds|does not hold|not testable here): .", result.stdout)
    assert re.search(r"(?m)^2 claims: \d hold", result.stdout)
    assert list(claims_of(read_result(file.read_text()))) == [8, 13]
    assert (folder / "mine").read_text() == "kept"
    if not free_threaded:
        for program in programs:
            report_truth(folder / program)


@pytest.mark.any_host
def test_programs_that_take_too_long_are_reasons_and_no_crash(article, temporary):
    programs = [program for program in PRINTS if program != "add_sub_sequential"]  # which never waits
    document = article("--timeout", "0.01", *ENDLESS, "--rounds", "1", *programs, TMPDIR=str(temporary))
    assert not list(temporary.iterdir())
    assert {program["reason"] for program in document["programs"]} == {"ran longer than 0.01 s (--timeout)"}
    claims = claims_of(document)
    assert {claim["verdict"] for claim in claims.values()} == {"not testable here"}
    assert list(claims) == [1, 2, 3, 4, 5, 8, 9, 10, 12]
    assert document["seconds"] == []


@pytest.mark.any_host
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], f"nowhere is none of the article's programs: {', '.join([*QUICK, 'exchange', 'flavours'])}"),
        (["options.py"], "options is none of the article's programs: "),
        ([".py"], "is none of the article's programs: "),
        (["--iterations", "0"], "--iterations"),
        (["--iterations", "many"], "--iterations"),
        (["--scale", "-1"], "no number from 0 to 1000"),
        (["--scale", "nan"], "no number from 0 to 1000"),
        (["--rounds", "0"], "--rounds"),
        (["--timeout", "0"], "--timeout"),
        (["-o", ""], "the folder's name is empty"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_bad_command_line_is_one_clear_error_and_2(host, run, arguments, message):
    result = run([host, "article", *arguments])
    assert result.returncode == 2
    assert message in result.stderr
    assert "try:" in result.stderr
    assert result.stdout == ""


@pytest.mark.any_host
def test_what_exists_is_refused_before_anything_runs(host, run, tmp_path):
    file, folder = tmp_path / "article.json", tmp_path / "captures"
    file.write_text("kept")
    result = run([host, "article", *ENDLESS, "--json", str(file), "-o", str(folder)])
    assert (result.returncode, result.stdout) == (2, "")
    assert "--force" in result.stderr
    assert file.read_text() == "kept"
    assert not folder.exists()
    folder.mkdir()
    result = run([host, "article", *ENDLESS, "-o", str(folder)])
    assert (result.returncode, result.stdout) == (2, "")
    assert f"{folder} exists already" in result.stderr
    assert "--force" in result.stderr
    assert not list(folder.iterdir())


@pytest.fixture
def start(host, no_leftovers, temporary) -> Callable[..., subprocess.Popen[str]]:
    """Starts `gilscope article …`, of which nothing must be left."""

    def start(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [host, "article", *map(str, arguments)],
            env={**no_leftovers, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    return start


def wait_for_child(process: subprocess.Popen[str], *words: str) -> None:
    """Until the process has a child with these words in its command line."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        for child in children.read_text().split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_text()
            except OSError:  # it has just ended
                continue
            if all(word in command for word in words):
                return
        time.sleep(0.01)
    pytest.fail(f"it ended with {process.returncode}, and never had a child with {words}")


@pytest.mark.any_host
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_shows_what_there_is_and_leaves_nothing(start, temporary, tmp_path, number):
    file, programs = tmp_path / "article.json", ["add_sub_sequential", "interleave_asyncio"]
    process = start(*ENDLESS, *programs, "--json", file)
    wait_for_child(process, "interleave_asyncio.py")
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert "interrupted; what was measured by then:" in errors
    assert "Traceback" not in errors
    assert "13. says" in output
    assert "interleave_asyncio" not in output
    document = read_result(file.read_text())
    assert document["complete"] is False
    assert list(claims_of(document)) == [13]
    assert not list(temporary.iterdir())


@pytest.mark.any_host
def test_an_interrupt_of_the_first_program_shows_nothing(start, temporary, tmp_path):
    file = tmp_path / "article.json"
    process = start(*ENDLESS, "interleave_asyncio", "--json", file)
    wait_for_child(process, "interleave_asyncio.py")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert output == ""
    assert not file.exists()
    assert not list(tmp_path.glob("*.part"))
    assert not list(temporary.iterdir())


@pytest.mark.any_host
def test_an_interrupt_of_a_comparison_leaves_nothing(start, temporary):
    """Nor do the processes of a trial, which a terminal's Ctrl-C does not reach."""
    process = start("--iterations", "2000000", "--rounds", "1000", "count_sequential")
    wait_for_child(process, "trial", "processes", "count_sequential.py")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert not list(temporary.iterdir())
