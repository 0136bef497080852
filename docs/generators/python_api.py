"""The package's API: whatever gilscope.__all__ and its public modules have, described by autodoc."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from typing import TYPE_CHECKING

from sphinx.ext.autodoc.mock import mock

import gilscope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# What public modules import that need not be installed to be described.
OPTIONAL = ["opentelemetry", "prometheus_client"]

MODULE = """\
## {module}

```{{eval-rst}}
.. automodule:: {module}
   :members:
   :exclude-members: {dataclasses}
```
"""

# Their fields are described without words where the name is enough; __init__ would only list them again.
DATACLASS = """\
```{{eval-rst}}
.. autoclass:: {name}
   :members:
   :undoc-members:
   :inherited-members:
   :exclude-members: __init__
```
"""


def _dataclasses(module: ModuleType, names: Iterable[str]) -> list[str]:
    return [name for name in names if dataclasses.is_dataclass(getattr(module, name))]


def _section(name: str) -> str:
    with mock(OPTIONAL):
        module = importlib.import_module(name)
    results = _dataclasses(module, getattr(module, "__all__", []))
    section = MODULE.format(module=name, dataclasses=", ".join(results))
    return "\n".join([section, *(DATACLASS.format(name=f"{name}.{result}") for result in results)])


def page() -> str:
    """Return a section for gilscope, and one for each of its public modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(gilscope.__path__))
    public = [f"gilscope.{name}" for name in names if not name.startswith("_")]
    return "\n".join(_section(name) for name in ["gilscope", *public])


def parts() -> str:
    """Return the dataclasses that results are made of: those beside what the API names, and beside those again."""
    modules = {getattr(getattr(gilscope, name), "__module__", "gilscope") for name in gilscope.__all__} - {"gilscope"}
    for module in [importlib.import_module(name) for name in sorted(modules)]:
        of_others = {getattr(module, name).__module__ for name in _dataclasses(module, vars(module))}
        modules |= {name for name in of_others if name.startswith("gilscope.")}
    names = []
    for module in map(importlib.import_module, sorted(modules)):
        found = [name for name in _dataclasses(module, vars(module)) if name not in gilscope.__all__]
        names += [f"{module.__name__}.{name}" for name in found if getattr(module, name).__module__ == module.__name__]
    return "\n".join(DATACLASS.format(name=name) for name in names)
