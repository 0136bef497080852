"""`gilscope article`, driven as its users drive it, with small sizes: all is valid, whatever this machine shows."""

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
from tests.integration.conftest import PATIENCE_S, Runner
from tests.schemas import read_schema

SMALL = ["--iterations", "200000", "--scale", "0.005", "--rounds", "1"]
# All but two that take long whatever the sizes.
QUICK = [
    "add_sub_sequential",
    "add_sub_processes",
    "add_sub_threads",
    "count_sequential",
    "count_threads",
    "count_processes",
    "count_subinterpreters",
    "count_native",
    "employees_projects",
    "tasks_threads",
    "tasks_processes",
    "tasks_asyncio",
    "interleave_asyncio",
    "process_count",
]
# A program that waits for a minute at this scale: for what is to happen meanwhile.
WAIT = ["--scale", "12", "interleave_asyncio"]

Article = Callable[..., dict[str, Any]]


@pytest.fixture
def article(host: str, run: Runner, environment: dict[str, str]) -> Article:
    """Runs `gilscope article --json - …` with more variables in its environment; it must end with 0.

    Returns the parsed, validated JSON.
    """
    schema = read_schema("article.schema.json")

    def article(*arguments: object, **variables: str) -> dict[str, Any]:
        command = [host, "article", "--json", "-", *SMALL, *map(str, arguments)]
        result = run(command, timeout=300, env={**environment, **variables})
        assert result.returncode == 0, result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        jsonschema.validate(document, schema)
        return document

    return article


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, for TMPDIR: with a short name, since sockets are made in it."""
    return tmp_path_factory.mktemp("t")


def claims_of(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The claims by their numbers."""
    return {claim["id"]: claim for claim in document["claims"]}


def test_all_that_is_quick_is_measured_and_judged(article, tmp_path, temporary, report_truth, free_threaded):
    folder = tmp_path / "captures"
    document = article("-o", folder, *QUICK, TMPDIR=str(temporary))
    assert document["complete"] is True
    assert [program["program"] for program in document["programs"]] == QUICK[:-1]
    assert list(claims_of(document)) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13]
    assert {mode["mode"] for mode in document["comparisons"]["counting"]["modes"]} == {
        "sequential",
        "threads",
        "subinterpreters",
        "processes",
        "asyncio",
    }
    assert [row["mode"] for row in document["seconds"]] == ["sequential", "threads", "processes"]
    for claim in claims_of(document).values():
        if claim["id"] in {2, 3, 5, 9}:  # one round
            assert claim["verdict"] == "not testable here"
    lines = {program["program"]: program["lines"] for program in document["programs"]}
    assert lines["add_sub_sequential"] == ["Addition value:  55", "Subtraction Value:  -5"]
    assert lines["interleave_asyncio"][:2] == ["Task 1 - Iteration 0", "Task 2 - Iteration 0"]
    if not free_threaded:
        ran = {program["program"] for program in document["programs"] if program["reason"] is None}
        assert {path.name for path in folder.iterdir()} >= ran
        for program in ran:
            report_truth(folder / program)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("program", ["interleave_asyncio", "interleave_asyncio.py"])
def test_one_program_has_its_claims_and_no_other(article, program, free_threaded):
    document = article(program)
    assert [row["program"] for row in document["programs"]] == ["interleave_asyncio"]
    assert list(claims_of(document)) == [8]
    assert set(document["comparisons"].values()) == {None}
    assert document["forced_holds"] == []
    expected = "not testable here" if free_threaded else "holds"
    assert claims_of(document)[8]["verdict"] == expected
    assert claims_of(document)[8]["measured"]["lines"] == 10


@pytest.mark.parametrize(
    ("program", "claims"),
    [
        ("add_sub_sequential", [13]),
        ("tasks_threads", []),
        ("count_sequential", [2, 3, 9, 12]),
        ("process_count", [6]),
    ],
)
def test_each_program_shows_what_it_is_about(article, program, claims):
    assert list(claims_of(article(program))) == claims


def test_the_text_fits_100_columns_and_has_no_colour_when_piped(host, run, environment):
    command = [host, "article", *SMALL, "add_sub_sequential", "count_threads"]
    result = run(command, env=environment, timeout=120)
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "\x1b" not in result.stdout + result.stderr
    assert re.search(r"(?m)^count_threads +\d", result.stdout)
    assert re.search(r"(?m)^13\. says +every program has a main thread", result.stdout)
    assert re.search(r"(?m)^ +verdict +(holds|does not hold|not testable here): .", result.stdout)
    assert re.search(r"(?m)^7 claims: \d hold", result.stdout)


def test_json_in_a_file_stands_beside_the_text(host, run, tmp_path):
    file = tmp_path / "article.json"
    result = run([host, "article", *SMALL, "add_sub_sequential", "--json", str(file)])
    assert result.returncode == 0
    assert "13. says" in result.stdout
    jsonschema.validate(json.loads(file.read_text()), read_schema("article.schema.json"))


def test_programs_that_take_too_long_are_reasons_and_no_crash(article, temporary):
    document = article("--timeout", "0.01", *QUICK[:-1], TMPDIR=str(temporary))
    assert not list(temporary.iterdir())
    assert {program["reason"] for program in document["programs"]} == {"ran longer than 0.01 s (--timeout)"}
    claims = claims_of(document)
    assert {claim["verdict"] for claim in claims.values()} == {"not testable here"}
    assert list(claims) == [1, 2, 3, 4, 5, 8, 9, 10, 12, 13]
    assert document["seconds"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is none of the article's programs: add_sub_sequential, "),
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


def test_an_unknown_program_is_told_all_that_there_are(host, run):
    errors = run([host, "article", "nowhere"]).stderr
    assert all(program in errors for program in [*QUICK, "exchange", "flavours"])


def test_help_shows_an_example_first(host, run):
    text = run([host, "article", "--help"]).stdout
    assert 0 < text.index("Example:") < text.index("Usage:") < text.index("--rounds N")


def test_captures_in_a_folder_that_exists_are_not_overwritten_unless_forced(
    host, article, run, tmp_path, report_truth, free_threaded
):
    folder = tmp_path / "captures"
    folder.mkdir()
    (folder / "mine").write_text("kept")
    command = [host, "article", *SMALL, "add_sub_sequential", "-o", str(folder)]
    result = run(command)
    assert result.returncode == 2
    assert f"{folder} exists already" in result.stderr
    assert "--force" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["mine"]
    article("--force", "-o", folder, "add_sub_sequential")
    assert (folder / "mine").read_text() == "kept"
    if not free_threaded:
        report_truth(folder / "add_sub_sequential")


def test_a_json_file_that_exists_is_refused_before_anything_runs(host, run, tmp_path):
    file, folder = tmp_path / "article.json", tmp_path / "captures"
    file.write_text("kept")
    result = run([host, "article", *WAIT, "--json", str(file), "-o", str(folder)])
    assert result.returncode == 2
    assert "--force" in result.stderr
    assert result.stdout == ""
    assert file.read_text() == "kept"
    assert not folder.exists()


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_shows_what_there_is_and_leaves_nothing(host, no_leftovers, temporary, tmp_path, number):
    file = tmp_path / "article.json"
    command = [host, "article", "--iterations", "1000", *WAIT, "add_sub_sequential", "--json", str(file)]
    process = subprocess.Popen(
        command,
        env={**no_leftovers, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_child(process, "interleave_asyncio.py")
    process.send_signal(number)
    output, errors = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 128 + number
    assert "interrupted; what was measured by then:" in errors
    assert "Traceback" not in errors
    assert "13. says" in output
    assert "interleave_asyncio" not in output
    document = json.loads(file.read_text())
    jsonschema.validate(document, read_schema("article.schema.json"))
    assert document["complete"] is False
    assert list(claims_of(document)) == [13]
    assert not list(temporary.iterdir())


def test_an_interrupt_of_the_first_program_shows_nothing(host, no_leftovers, temporary, tmp_path):
    file = tmp_path / "article.json"
    process = subprocess.Popen(
        [host, "article", *WAIT, "--json", str(file)],
        env={**no_leftovers, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_child(process, "interleave_asyncio.py")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 130
    assert output == ""
    assert not file.exists()
    assert not list(tmp_path.glob("*.part"))
    assert not list(temporary.iterdir())


def test_an_interrupt_of_a_comparison_leaves_nothing(host, no_leftovers, temporary):
    """Nor do the processes of a trial, which a terminal's Ctrl-C does not reach."""
    process = subprocess.Popen(
        [host, "article", "--iterations", "5000000", "count_sequential"],
        env={**no_leftovers, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    wait_for_child(process, "trial", "processes", "count_sequential.py")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 130
    assert not list(temporary.iterdir())
