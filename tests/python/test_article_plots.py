"""docs/article.md: its figures are those that were kept of a run, and its plots can be drawn from them again."""

import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
DOCUMENT = ROOT / "docs" / "article.md"
KEPT = ROOT / "docs" / "article" / "measured.json"
# What each plot must say.
LABELS = {
    "counting": ["time of both counts / time one after the other", "processes", "the article's figure", "no gain"],
    "switches": ["length of the hold (logarithmic)", "switch interval: 5.00 ms", "the article: 1 ms"],
    "exchange": ["size of the message (logarithmic)", "time of a message, one way (logarithmic)", "64 MiB"],
    "flavours": ["time of both counts in two threads / time one after the other", "no gain"],
    "at-once": ["mean number during the work", "concurrency: tasks in progress", "parallelism: CPUs at work"],
}

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="no matplotlib: `make plots` installs it"
)


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def draw(kept: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    result = run("plot_article.py", "--kept", kept, "--output", folder)
    assert result.returncode == 0, result.stderr
    return result


def kept() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return document


def make_result() -> dict[str, Any]:
    """A result as `gilscope article --json` has it, with what must not be kept: the least that is accepted."""
    return {
        "schema": "gilscope.article/1",
        "python": {"implementation": "CPython", "version": "3.13.0", "executable": "/home/me/python", "linkage": "x"},
        "machine": {"cpus": 2, "usable_cpus": 2.0, "model": "a model"},
        "command": ["gilscope", "article", "--json", "/home/me/result.json"],
        "full": False,
        "iterations": 1000,
        "scale": 0.05,
        "rounds": 5,
        "complete": True,
        "programs": [
            {"program": "count_threads", "reason": "/home/me/count_threads.py: no", "wall_ns": None, "summary": None}
        ],
        "claims": [
            {
                "id": 6,
                "article_says": "three",
                "measured": {},
                "verdict": "not testable here",
                "reason": "can't open '/home/me/x.py'",
            }
        ],
        "seconds": [],
        "comparisons": dict.fromkeys(["counting", "native_held", "native_released", "queries", "waits"]),
        "forced_holds": [],
        "process_counts": [],
        "exchange": [],
        "flavours": [{"name": "PyPy", "executable": "/usr/bin/pypy3", "status": "missing", "reason": "not on PATH"}],
    }


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A document of its own, so that none of the repository is written."""
    paths = {name: tmp_path / name for name in ("result.json", "kept.json", "document.md")}
    paths["document.md"].write_text("before\n<!-- measured: claims -->\nold\n<!-- /measured -->\nafter\n")
    return paths


def fill(files: dict[str, Path], *options: str) -> subprocess.CompletedProcess[str]:
    return run(
        "article_figures.py",
        files["result.json"],
        "--kept",
        files["kept.json"],
        "--document",
        files["document.md"],
        *options,
    )


def test_the_document_has_the_figures_that_were_kept():
    result = run("article_figures.py", "--check")
    assert result.returncode == 0, result.stderr


def test_the_document_shows_every_claim_and_plot():
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| .* \*\*(?:holds|does not hold|not testable here)\*\*: ", text, re.MULTILINE)
    assert rows == [str(claim["id"]) for claim in kept()["claims"]] == [str(number) for number in range(1, 14)]
    plots = re.findall(r"\]\(article/([a-z-]+)\.svg\)", text)
    assert sorted(plots) == sorted(LABELS)
    assert all((KEPT.parent / f"{plot}.svg").is_file() for plot in plots)


def test_what_was_kept_names_no_file_of_the_machine():
    assert not re.search(r"/(?:home|root|tmp|usr|work)\b", KEPT.read_text(encoding="utf-8"))


def test_a_result_is_kept_without_its_paths(files):
    files["result.json"].write_text(json.dumps(make_result()))
    result = fill(files)
    assert result.returncode == 0, result.stderr
    written = files["kept.json"].read_text()
    assert "/home" not in written
    assert "/usr" not in written
    assert "can't open 'x.py'" in written
    document = files["document.md"].read_text()
    assert "| 6 | three | – | **not testable here**: can't open 'x.py' |" in document
    assert document.startswith("before\n")
    assert document.endswith("\nafter\n")
    assert "old" not in document


def test_what_was_kept_is_a_result_too(files):
    files["result.json"].write_text(json.dumps(make_result()))
    fill(files)
    once = files["kept.json"].read_text()
    files["result.json"].write_text(once)
    assert fill(files).returncode == 0
    assert files["kept.json"].read_text() == once


def test_a_document_with_other_figures_is_found_and_not_changed(files):
    files["result.json"].write_text(json.dumps(make_result()))
    before = files["document.md"].read_text()
    result = fill(files, "--check")
    assert result.returncode == 1
    assert "has other figures" in result.stderr
    assert files["document.md"].read_text() == before
    assert not files["kept.json"].exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ('{"schema": "gilscope.compare/1"}', "gilscope.compare/1"),
        (json.dumps({**make_result(), "complete": False}), "interrupted"),
        ("[]", "no result"),
    ],
)
def test_what_is_no_whole_result_changes_nothing(files, text, words):
    files["result.json"].write_text(text)
    before = files["document.md"].read_text()
    result = fill(files)
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert files["document.md"].read_text() == before


def test_a_table_that_nobody_makes_is_named(files):
    files["result.json"].write_text(json.dumps(make_result()))
    files["document.md"].write_text("<!-- measured: nothing -->\n<!-- /measured -->\n")
    result = fill(files)
    assert result.returncode == 1
    assert "no table is called nothing" in result.stderr


@needs_matplotlib
def test_every_plot_is_svg_that_says_what_its_axes_mean(tmp_path):
    result = draw(KEPT, tmp_path)
    assert result.stderr == ""
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(LABELS)
    for name, labels in LABELS.items():
        root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        texts = ["".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert set(labels) <= set(texts), name
        assert any(text.startswith("gilscope article, CPython") for text in texts), name


@needs_matplotlib
def test_the_same_figures_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        draw(KEPT, tmp_path / folder)
    for name in LABELS:
        one, two = ((tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("one", "two"))
        assert one == two, name


@needs_matplotlib
def test_a_plot_without_data_is_left_out_and_said_to_be(tmp_path):
    nothing = {
        **kept(),
        "comparisons": dict.fromkeys(kept()["comparisons"]),
        "forced_holds": [{"forced_hold_ns": [], "reason": "no"}],
        "exchange": [{"way": "os.pipe", "latency_ns": None}],
        "flavours": [],
    }
    (tmp_path / "nothing.json").write_text(json.dumps(nothing))
    folder = tmp_path / "plots"
    folder.mkdir()
    (folder / "exchange.svg").write_text("an older one")
    result = draw(tmp_path / "nothing.json", folder)
    assert list(folder.iterdir()) == []
    for name in LABELS:
        assert f"no {name}.svg: " in result.stderr
