"""Paths into JSON documents: the keys and indices that lead to a value."""

from collections.abc import Iterable, Iterator
from typing import Any

Path = tuple[str | int, ...]


def at(document: Any, path: Path) -> Any:
    """The value there."""
    for key in path:
        document = document[key]
    return document


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
