"""Docstrings of this project are plain text, made for help(): here they become what Sphinx reads."""

from __future__ import annotations

import re
from typing import Any

CODE = re.compile(r"`([^`]+)`")
MARKUP = re.compile(r"([*_|\\<>])")
# "name: what it is", and further lines of the same indented: as arguments are described.
ARGUMENT = re.compile(r"(\w+): +(.*)")


def _escape(line: str) -> str:
    """Return it without markup, but for what stands in `…`, which is code."""
    parts = CODE.split(line)
    return "".join(f"``{part}``" if at % 2 else MARKUP.sub(r"\\\1", part) for at, part in enumerate(parts))


def _argument(line: str) -> list[str]:
    match = ARGUMENT.match(line)
    return [f"``{match[1]}``", f"    {_escape(match[2])}"] if match else [f"    {_escape(line.strip())}"]


def _paragraph(lines: list[str]) -> list[str]:
    """Return a list of what each argument is, where the paragraph is about these; else its lines."""
    if all(line.startswith(" ") or ARGUMENT.match(line) for line in lines):
        return [made for line in lines for made in _argument(line)]
    return [_escape(line) for line in lines]


def to_rst(_app: Any, _what: str, _name: str, _described: Any, _options: Any, lines: list[str]) -> None:
    """Change a docstring in place; autodoc calls this. A paragraph that is indented whole is an example."""
    made: list[str] = []
    for text in "\n".join(lines).split("\n\n"):
        paragraph = text.split("\n")
        is_example = all(line.startswith(" ") for line in paragraph)
        made += [".. code-block:: python", "", *paragraph, ""] if is_example else [*_paragraph(paragraph), ""]
    lines[:] = made
