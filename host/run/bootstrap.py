"""Keeps the children of multiprocessing in the host, without importing multiprocessing itself.

Frozen into the host as `_gilscope_bootstrap`; the first Python that runs in every interpreter of the host. It imports
nothing that `python` has not imported by then: a script finds the same sys.modules.
"""

import sys

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any


def keep_children_in_host(spawn: "Any", host: bytes) -> None:
    """Makes multiprocessing start its children in the host, each under the name of the environment's python.

    `spawn` is the module multiprocessing.spawn. sys.executable stays the environment's python, as under `python`.
    """
    python = sys.executable
    start = spawn.util.spawnv_passfds

    def start_in_environment(path: "Any", arguments: "Sequence[Any]", descriptors: "Sequence[int]") -> int:
        if path == host:
            arguments = [python, *arguments[1:]]
        return start(path, arguments, descriptors)  # type: ignore[no-any-return]

    spawn.set_executable(host)
    spawn.util.spawnv_passfds = start_in_environment


class SpawnFinder:
    """Waits for the import of `multiprocessing.spawn`, which is where the path of the children is set."""

    def __init__(self, host: bytes) -> None:
        """`host` is the path of the host's binary."""
        self.host = host
        self.is_asking = False

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """Finds the one module, with the other finders."""
        if name != "multiprocessing.spawn" or self.is_asking:
            return None
        import importlib.util

        self.is_asking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.is_asking = False
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_keep_children(module: "Any") -> None:
            run(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                keep_children_in_host(module, self.host)

        spec.loader.exec_module = run_and_keep_children  # type: ignore[method-assign]
        return spec


def install(host: bytes) -> None:
    """Called once by the host, before any code of the user's but what `site` runs."""
    spawn = sys.modules.get("multiprocessing.spawn")
    if spawn is None:
        sys.meta_path.insert(0, SpawnFinder(host))
    else:  # a .pth file or sitecustomize was quicker
        keep_children_in_host(spawn, host)
