"""The package's API: whatever gilscope.__all__ and its public modules have, described by autodoc."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

import gilscope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

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
   :exclude-members: __init__
```
"""


def _modules() -> list[str]:
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(gilscope.__file__).parent)]))
    return [f"gilscope.{name}" for name in names]


def _dataclasses(module: ModuleType, names: Iterable[str]) -> list[str]:
    return [name for name in names if dataclasses.is_dataclass(getattr(module, name))]


def _section(name: str) -> str:
    module = importlib.import_module(name)
    results = _dataclasses(module, getattr(module, "__all__", []))
    section = MODULE.format(module=name, dataclasses=", ".join(results))
    return "\n".join([section, *(DATACLASS.format(name=f"{name}.{result}") for result in results)])


def page() -> str:
    """Return a section for gilscope, and one for each of its public modules."""
    public = [name for name in _modules() if not name.startswith("gilscope._")]
    return "\n".join(_section(name) for name in ["gilscope", *public])


def parts() -> str:
    """Return the dataclasses that results are made of, but for those that the API itself names."""
    names = []
    for private in _modules():
        if private.startswith("gilscope._"):
            module = importlib.import_module(private)
            found = [name for name in _dataclasses(module, vars(module)) if not name.startswith("_")]
            names += [f"{private}.{name}" for name in found if getattr(module, name).__module__ == private]
    return "\n".join(DATACLASS.format(name=name) for name in names if name.rpartition(".")[2] not in gilscope.__all__)
