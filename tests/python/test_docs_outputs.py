"""tools/docs_outputs.py: what it writes into a page, what its check finds; and what Sphinx cannot check of the docs."""

import importlib
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    """How the tool ended, and what it said of what is wrong."""

    returncode: int
    stderr: str


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


@pytest.fixture
def run_tool(monkeypatch, capsys, tmp_path):
    """In this process; the host that commands find prints its arguments."""
    host = tmp_path / "a host"
    host.write_text('#!/bin/sh\necho "$@"\n')
    host.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GILSCOPE_HOST", str(host))
    monkeypatch.syspath_prepend(str(ROOT / "tools"))

    def run_tool(page: Path, *options: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["docs_outputs.py", *options, str(page)])
        return Done(importlib.import_module("docs_outputs").main(), capsys.readouterr().err)

    return run_tool


def block(body: str, *notes: str) -> str:
    above = "".join(f"<!-- {note} -->\n" for note in notes)
    return f"Text before.\n\n{above}```console\n{body}```\n\nText after.\n"


def test_what_commands_print_is_written_below_them(run_tool, page) -> None:
    page.write_text(block("$ echo one\nwhat was there before\n$ echo two >&2; echo \\\n  three\n"))
    assert run_tool(page).returncode == 0
    assert page.read_text() == block("$ echo one\none\n\n$ echo two >&2; echo \\\n  three\ntwo\nthree\n")


def test_the_same_is_written_again(run_tool, page) -> None:
    page.write_text(block("$ seq 3\n$ printf 'a\\n\\nb\\n'\n"))
    assert run_tool(page).returncode == 0
    once = page.read_text()
    assert run_tool(page).returncode == 0
    assert page.read_text() == once


def test_commands_find_the_examples_and_what_earlier_ones_left(run_tool, page) -> None:
    page.write_text(block("$ ls words.py python/article/counting.py\n$ echo kept >file\n") + block("$ cat file\n"))
    assert run_tool(page).returncode == 0
    assert "words.py\n" in page.read_text()
    assert "$ cat file\nkept\n" in page.read_text()


def test_every_block_of_a_page_is_run_whatever_is_said_above_it(run_tool, page) -> None:
    page.write_text(block("$ echo one\n", "varies: x") + block("$ echo two\n", "varies: x") + block("$ echo three\n"))
    assert run_tool(page).returncode == 0
    assert page.read_text().count("\n```\n") == 3
    assert [word for word in page.read_text().split() if word in {"one", "two", "three"}] == [
        word for word in ("one", "two", "three") for _ in range(2)
    ]


def test_no_folder_of_the_machine_is_written(run_tool, page) -> None:
    page.write_text(block(f"$ pwd; echo $HOME; echo {sys.prefix}\n"))
    assert run_tool(page).returncode == 0
    assert page.read_text().endswith("\n~/project\n~\n~/.venv\n```\n\nText after.\n")


def test_a_check_accepts_other_figures_units_and_orders(run_tool, page) -> None:
    now = "Thread-2 held 1.5 s (10 %) in 1 hold; Thread-1 held 12 ms (<0.001 %) in 3 holds"
    text = block(f"$ echo '{now}'\nThread-1 held 3 ns (7 %) in 2 holds\n")
    page.write_text(text)
    assert run_tool(page, "--check").returncode == 0
    assert page.read_text() == text


def test_a_check_runs_comparisons_in_one_round(run_tool, page) -> None:
    page.write_text(block("$ gilscope compare a.py --modes 'x y'\n\n$ gilscope run a.py\n"))
    assert run_tool(page).returncode == 0
    assert "\ncompare a.py --modes x y\n" in page.read_text()
    checked = run_tool(page, "--check")
    assert "+compare --rounds 1 a.py --modes x y\n" in checked.stderr
    assert "+run" not in checked.stderr


def test_a_check_accepts_what_is_of_the_python(run_tool, page) -> None:
    now = "CPython 3.14.8 (shared libpython), processes were started by forkserver"
    then = "CPython 3.13.0 (static libpython), processes were started by fork"
    page.write_text(block(f"$ echo '{now}'\n{then}\n"))
    assert run_tool(page, "--check").returncode == 0


@pytest.mark.parametrize("now", ["held 3 ms now", "kept 3 ms", "3 ms"])
def test_a_check_refuses_other_words(run_tool, page, now) -> None:
    page.write_text(block(f"$ echo '{now}'\nheld 3 ms\n"))
    checked = run_tool(page, "--check")
    assert checked.returncode == 1
    assert "other words are printed now" in checked.stderr
    assert "-held 3 ms" in checked.stderr


def test_paragraphs_that_vary_are_not_compared(run_tool, page) -> None:
    page.write_text(block("$ printf 'held\\n\\nso it may be\\n'\nheld\n\nso it is\n", "varies: so it"))
    assert run_tool(page, "--check").returncode == 0
    page.write_text(block("$ printf 'waited\\n\\nso it may be\\n'\nheld\n\nso it is\n", "varies: so it"))
    assert run_tool(page, "--check").returncode == 1


def test_of_a_command_that_judges_what_it_measured_the_exit_code_alone_is_compared(run_tool, page) -> None:
    page.write_text(block("$ echo other words\nthese\n", "judges: time"))
    assert run_tool(page, "--check").returncode == 0
    page.write_text(block("$ echo these; exit 1\nthese\n", "judges: time"))
    assert run_tool(page, "--check").returncode == 1


def test_another_exit_code_is_an_error_and_nothing_is_written(run_tool, page) -> None:
    for text in (block("$ echo why; exit 3\n"), block("$ true\n", "exit code: 3")):
        page.write_text(text)
        for options in ([], ["--check"]):
            refused = run_tool(page, *options)
            assert refused.returncode == 1
            assert "ended with" in refused.stderr
            assert page.read_text() == text
    page.write_text(block("$ echo why; exit 3\n", "exit code: 3"))
    assert run_tool(page).returncode == 0
    assert "\nwhy\n" in page.read_text()


def test_a_block_whose_program_is_missing_is_left_as_it_is(run_tool, page) -> None:
    text = block("$ no-such-program\nwhat it printed\n", "needs: sh no-such-program")
    page.write_text(text)
    done = run_tool(page)
    assert done.returncode == 0
    assert "left as it is, for want of no-such-program" in done.stderr
    assert page.read_text() == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (block("no command\n"), "has no line that begins with $"),
        (block("$ true\n", "exitcode: 3"), "no note of a block is called exitcode"),
    ],
)
def test_a_block_that_makes_no_sense_is_an_error(run_tool, page, text, error) -> None:
    page.write_text(text)
    refused = run_tool(page)
    assert refused.returncode == 1
    assert error in refused.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_pages_outside_of_the_site_lead_somewhere(name) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert not [link for link in files if not (ROOT / link).exists()]


def test_the_page_of_environment_variables_has_every_one_that_the_program_reads() -> None:
    sources = [
        path
        for folder in ("host", "extensions", "python/gilscope")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".cpp", ".h", ".py"}
    ]
    named = {name for path in sources for name in re.findall(r'"(GILSCOPE_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    assert "GILSCOPE_RECORDING" in named
    assert named <= set(re.findall(r"`(GILSCOPE_[A-Z_]+)`", page))
