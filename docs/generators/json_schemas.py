"""The JSON documents, a table of keys for each, made of the schemas and the descriptions in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[1] / "schemas"
FIRST = ["summary", "change", "cost", "compare", "compare-pythons", "article", "doctor", "trace", "run"]

Schema = dict[str, Any]


class Document:
    """A schema file, whose parts may refer to others of the same file and of other files."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        self.path = path
        self.root: Schema = json.loads(path.read_text(encoding="utf-8"))

    def resolve(self, schema: Schema) -> tuple[Document, Schema]:
        """Return what it refers to, with its own keys over those, and where that stands."""
        if "$ref" not in schema:
            return self, schema
        file, _, pointer = schema["$ref"].partition("#")
        document = Document(self.path.with_name(file)) if file else self
        part: Any = document.root
        for key in pointer.strip("/").split("/") if pointer else []:
            part = part[key]
        own = {key: value for key, value in schema.items() if key != "$ref"}
        where, resolved = document.resolve(part)
        return where, {**resolved, **own}

    @property
    def name(self) -> str:
        """Return what stands in the document's own key `schema`; else the file's title."""
        return str(self.root["properties"].get("schema", {}).get("const", self.root["title"]))


def _alternatives(document: Document, schema: Schema) -> list[tuple[Document, Schema]]:
    """Return the forms that a value may have: one, where the schema gives no choice."""
    where, resolved = document.resolve(schema)
    choices = resolved.get("oneOf") or resolved.get("anyOf")
    if not choices:
        return [(where, resolved)]
    return [where.resolve(choice) for choice in choices]


def _types(schema: Schema) -> list[str]:
    if "const" in schema:
        return [f"`{json.dumps(schema['const'])}`"]
    if "enum" in schema:
        return [f"`{json.dumps(value)}`" for value in schema["enum"]]
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _type(document: Document, schema: Schema) -> str:
    """Return what a value may be, in a few words; another document by its name."""
    kinds: list[str] = []
    for where, form in _alternatives(document, schema):
        if form is where.root or (where.path != document.path and form.get("title") == where.root["title"]):
            kinds.append(f"`{where.name}`")
            continue
        for kind in _types(form):
            if kind == "array" and "items" in form:
                kind = f"array of {_type(where, form['items'])}"
            kinds.append(kind)
    return " or ".join(dict.fromkeys(kinds)) or "any"


def _rows(document: Document, schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, type and meaning of each key within an object, depth first."""
    for where, form in _alternatives(document, schema):
        if form.get("title") == where.root["title"] and path:
            continue  # a document of its own, with a table of its own
        if "items" in form:
            yield from _rows(where, form["items"], f"{path}[]")
        for key, value in form.get("properties", {}).items():
            at = f"{path}.{key}" if path else key
            _, resolved = where.resolve(value)
            yield at, _type(where, value), resolved.get("description", "")
            yield from _rows(where, value, at)
        if isinstance(form.get("additionalProperties"), dict):
            yield f"{path}.*", _type(where, form["additionalProperties"]), ""
            yield from _rows(where, form["additionalProperties"], f"{path}.*")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


def section(path: Path) -> str:
    """Return the section of one schema file."""
    document = Document(path)
    rows = dict.fromkeys(_rows(document, document.root, ""))
    table = [f"| `{at}` | {kind.replace('|', chr(92) + '|')} | {_cell(meaning)} |" for at, kind, meaning in rows]
    head = [
        f"## {document.name}",
        f"`{document.root['title']}`: {document.root['description']} ([{path.name}](../schemas/{path.name}))",
        "| key | type | meaning |\n| --- | --- | --- |",
    ]
    return "\n\n".join(head) + "\n" + "\n".join(table)


def page() -> str:
    """Return a section for every schema, those that users meet first at the front."""
    paths = sorted(FOLDER.glob("*.schema.json"))
    order = {name: at for at, name in enumerate(FIRST)}
    paths.sort(key=lambda path: order.get(path.name.removesuffix(".schema.json"), len(FIRST)))
    return "\n\n".join(section(path) for path in paths)
