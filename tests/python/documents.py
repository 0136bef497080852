"""Paths into JSON documents: the keys and indices that lead to a value."""

from collections.abc import Iterable, Iterator
from typing import Any

Path = tuple[str | int, ...]


def at(document: Any, path: Path) -> Any:
    """The value there."""
    for key in path:
        document = document[key]
    return document


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all values in a document, its own first; a parent's before those of its children."""
    yield path
    for key, child in children_of(value):
        yield from places(child, (*path, key))


def objects(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all objects in a document, but for those of documents in it, which have schemas of their own."""
    if path and isinstance(value, dict) and "schema" in value:
        return
    if isinstance(value, dict):
        yield path
    for key, child in children_of(value):
        yield from objects(child, (*path, key))


def children_of(value: Any) -> Iterable[tuple[str | int, Any]]:
    """The keys or indices of what is in a value, and what is there."""
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def one_of_each_kind(document: Any, paths: Iterable[Path]) -> Iterator[Path]:
    """Of the values at one place, whatever their position in lists, the first of each type; of objects, of keys'."""
    seen = set()
    for path in paths:
        value = at(document, path)
        shape = (
            frozenset((key, type(child)) for key, child in value.items()) if isinstance(value, dict) else type(value)
        )
        kind = (tuple(0 if isinstance(key, int) else key for key in path), shape)
        if kind not in seen:
            seen.add(kind)
            yield path
