"""docs/generators: what is made of docstrings and of schemas. That Sphinx takes it without a warning is `make docs`."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return lambda name: importlib.import_module(f"generators.{name}")


def to_rst(docstrings: Any, text: str) -> str:
    lines = text.split("\n")
    docstrings.to_rst(None, "function", "f", None, None, lines)
    return "\n".join(lines).strip("\n")


def test_what_looks_like_markup_in_a_docstring_is_shown_as_it_is(generator) -> None:
    docstrings = generator("docstrings")
    assert to_rst(docstrings, "Return 2**63 of __index__; see `a_b*`.") == (
        "Return 2\\*\\*63 of \\_\\_index\\_\\_; see ``a_b*``."
    )


def test_arguments_are_listed_with_all_their_lines(generator) -> None:
    text = "Do it.\n\nn: how many\n    of them\nkind: which\n\nRaises Error."
    made = "Do it.\n\n``n``\n    how many\n    of them\n``kind``\n    which\n\nRaises Error."
    assert to_rst(generator("docstrings"), text) == made


def test_a_sentence_with_a_colon_is_no_argument(generator) -> None:
    assert to_rst(generator("docstrings"), "Do it: now.\nOr later.") == "Do it: now.\nOr later."


def test_an_indented_paragraph_is_an_example(generator) -> None:
    text = "Do it.\n\n    with it as a_b:\n        go()\n\nThat is all."
    made = "Do it.\n\n.. code-block:: python\n\n    with it as a_b:\n        go()\n\nThat is all."
    assert to_rst(generator("docstrings"), text) == made


def properties(schema: Any) -> set[str]:
    """All names of keys that a schema has anywhere."""
    if isinstance(schema, list):
        return {name for one in schema for name in properties(one)}
    if not isinstance(schema, dict):
        return set()
    kept = {key: value for key, value in schema.items() if key not in ("if", "then", "else", "allOf")}
    own = {name for name in kept.get("properties", {}) if isinstance(kept["properties"], dict)}
    return own.union(*(properties(value) for value in kept.values()))


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_the_table_of_a_schema_has_every_key(generator, path) -> None:
    text = generator("json_schemas").section(path)
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    shown = {part.removesuffix("[]") for row in rows for part in row.split(".")}
    assert properties(json.loads(path.read_text(encoding="utf-8"))) <= shown
    assert len(rows) == len(set(rows)) or path.name == "trace.schema.json"  # events of several kinds share keys


def test_the_page_of_documents_has_every_schema(generator) -> None:
    page = generator("json_schemas").page()
    for path in (DOCS / "schemas").glob("*.json"):
        assert f"(../schemas/{path.name})" in page
