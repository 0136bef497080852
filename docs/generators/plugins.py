"""What gilscope adds to pytest and to IPython, in the words that these show."""

import inspect
import re
import subprocess
import sys
import tempfile
import textwrap
from typing import Any

import gilscope

MARKERS = re.compile(r"^(@pytest\.mark\.(?:releases_gil|max_gil_hold)\(.*?\)): (.*)$", re.MULTILINE)
FIXTURE = re.compile(r"^(gil)\b.*\n +(.*(?:\n .*)*)", re.MULTILINE)
OPTIONS = re.compile(r"^gilscope:\n((?: .*\n)+)", re.MULTILINE)


def _pytest(argument: str) -> str:
    """Return what pytest says where there are no tests."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", argument]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder).stdout


def _found(pattern: re.Pattern[str], text: str) -> list[Any]:
    if found := pattern.findall(text):
        return found
    raise RuntimeError(f"pytest shows nothing of gilscope's: is it installed in this environment? It printed:\n{text}")


def _items(pairs: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"`{name}`\n: {' '.join(text.split())}" for name, text in pairs)


def pytest_plugin() -> str:
    """Return the plugin's markers, fixture and options, as pytest lists them."""
    fixtures = _pytest("--fixtures").partition("fixtures defined from gilscope._pytest_plugin")[2]
    options = textwrap.dedent(_found(OPTIONS, _pytest("--help"))[0]).strip()
    return (
        f"## Markers\n\n{_items(_found(MARKERS, _pytest('--markers')))}\n\n"
        f"## Fixture\n\n{_items(_found(FIXTURE, fixtures))}\n\n"
        f"## Options\n\n```text\n{options}\n```"
    )


class _Shell:
    """Takes what load_ipython_extension() registers."""

    def __init__(self) -> None:
        self.magics: dict[str, Any] = {}

    def register_magic_function(self, function: Any, magic_kind: str, magic_name: str) -> None:
        """As IPython's own."""
        marks = {"line": "%", "cell": "%%", "line_cell": "%"}
        self.magics[marks[magic_kind] + magic_name] = function


def magics() -> str:
    """Return what `%gil?` shows, of each magic."""
    shell = _Shell()
    gilscope.load_ipython_extension(shell)
    return "\n\n".join(
        f"## {name}\n\n```text\n{inspect.getdoc(function)}\n```" for name, function in shell.magics.items()
    )
