"""Acts on modules of the user's program as they are imported, without importing them itself: keeps the children of
multiprocessing in the host, and learns the names of threads and processes.

Frozen into the host as `_gilscope_bootstrap`; the first Python that the host runs in an interpreter. It imports
nothing that `python` has not imported by then: a script finds the same sys.modules.
"""

import sys

TYPE_CHECKING = False  # typing itself takes 5 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any


def announce_recording() -> None:
    """Puts back the variable by which children find the recording: os.environ.clear() removes it from 3.15 on."""


def keep_children_in_host(spawn: "Any", host: bytes) -> None:
    """Makes multiprocessing start its children in the host, each under the name of the environment's python.

    `spawn` is the module multiprocessing.spawn. sys.executable stays the environment's python, as under `python`.
    """
    python = sys.executable
    start = spawn.util.spawnv_passfds

    def start_in_environment(path: "Any", arguments: "Sequence[Any]", descriptors: "Sequence[int]") -> int:
        if path == host:
            announce_recording()
            arguments = [python, *arguments[1:]]
        return start(path, arguments, descriptors)  # type: ignore[no-any-return]

    spawn.set_executable(host)
    spawn.util.spawnv_passfds = start_in_environment


# In one line with the code of the child's own, whose tracebacks count lines.
JOIN = (
    "exec('try: from gilscope._native import enter_child\\nexcept ImportError: pass\\n"
    "else: enter_child(); del enter_child'); "
)


def have_children_join(spawn: "Any") -> None:
    """Makes multiprocessing start its children with gilscope in them: in a stock Python, code before their own.

    `spawn` is the module multiprocessing.spawn.
    """
    start = spawn.util.spawnv_passfds

    def start_joining(path: "Any", arguments: "Sequence[Any]", descriptors: "Sequence[int]") -> int:
        arguments = list(arguments)
        place = arguments.index("-c") + 1
        code = arguments[place]
        if "multiprocessing.resource_tracker" not in code:
            announce_recording()
            arguments[place] = JOIN + code
        return start(path, arguments, descriptors)  # type: ignore[no-any-return]

    spawn.util.spawnv_passfds = start_joining


def ask_finders(name: str, path: "Any", target: object = None, but: object = None) -> "ModuleSpec | None":
    """Finds a module, and imports nothing. (importlib.util, which could do so, is not imported yet.)"""
    for finder in [finder for finder in sys.meta_path if finder is not but]:
        find: Any = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = None if find is None else find(name, path, target)
        if spec is not None:
            return spec
    return None


def is_runnable(name: str) -> bool:
    """Whether `-m name` would find something to run, which is not imported for that."""
    path: Any = sys.path if sys.flags.safe_path else ["", *sys.path]
    full = ""
    for word in name.split("."):
        spec = ask_finders(full + word, path) if word.isidentifier() and path is not None else None
        if spec is None or str(spec.origin).endswith(("built-in", ".so")):
            return False
        full, path = full + word + ".", spec.submodule_search_locations
    return path is None or ask_finders(full + "__main__", path) is not None


class ImportWatcher:
    """Waits for the import of one module, and calls `then` with it right after."""

    def __init__(self, name: str, then: "Callable[[Any], object]") -> None:
        """Waits from now on."""
        self.name = name
        self.then = then
        self.is_asking = False
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """Finds the one module, with the other finders."""
        if name != self.name or self.is_asking:
            return None
        self.is_asking = True
        try:
            spec = ask_finders(name, path, target, but=self)
        finally:
            self.is_asking = False
        if spec is not None and spec.loader is not None:
            self.watch_execution(spec.loader)
        return spec

    def watch_execution(self, loader: "Any") -> None:
        """Calls `then` after the module was run; the loader may be that of others too, as of all frozen ones."""
        run = loader.exec_module
        before = getattr(loader, "__dict__", {}).get("exec_module")

        def run_and_tell(module: "Any") -> None:
            run(module)
            if getattr(module, "__name__", "") != self.name:
                return
            if before is None:
                del loader.exec_module
            else:
                loader.exec_module = before
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self.then(module)

        loader.exec_module = run_and_tell


def when_imported(name: str, then: "Callable[[Any], object]") -> None:
    """Calls `then` with the module: now, if it is there already (a .pth file was quicker), or when it is imported."""
    module = sys.modules.get(name)
    if module is None:
        ImportWatcher(name, then)
    else:
        then(module)


def install(host: bytes) -> None:
    """Called once by the host's binary, before any code of the user's but what `site` runs."""
    when_imported("multiprocessing.spawn", lambda spawn: keep_children_in_host(spawn, host))


def install_in_stock() -> None:
    """The same, by the extension."""
    when_imported("multiprocessing.spawn", have_children_join)


def tell_of_exit(os: "Any", leave: "Callable[[int], None]", tells: "list[Callable[[], None]]") -> None:
    """Has `tells` and `leave` called before os._exit, as which the children of multiprocessing end.

    No other code would run. `tells` are those that there are by then.
    """
    exit_at_once = os._exit

    def _exit(status: int) -> None:
        if isinstance(status, int) and -(2**31) <= status < 2**31:  # with anything else the process goes on
            for tell in tells:
                tell()
            leave(status)
        exit_at_once(status)

    # Found by that name again where it is pickled: as the target of a spawned process.
    _exit.__module__, _exit.__qualname__, _exit.__doc__ = "os", "_exit", exit_at_once.__doc__
    os._exit = _exit


def tell_of_end(threading: "Any", interrupted: "Callable[[], None]", tell_main: "Callable[[], None]") -> None:
    """Has `interrupted` called where an unhandled KeyboardInterrupt ends the script: Python ends by that signal.

    Python, and a process of multiprocessing, call threading._shutdown as they begin to end, and Python has noted by
    then what it printed a traceback of. The names of the process and of its main thread may have changed.
    """
    wait_for_threads = threading._shutdown

    def _shutdown() -> None:
        if getattr(sys, "last_type", None) is KeyboardInterrupt:
            interrupted()
        tell_main()
        wait_for_threads()

    threading._shutdown = _shutdown


def tell_recording(
    name: "Callable[[int, str], None]",
    name_process: "Callable[..., None]",
    end: "Callable[[int], None]",
    leave: "Callable[[int], None]",
    watch_execs: "Callable[[Any], None]",
    watch_starts: "Callable[[Any], None]",
    interrupted: "Callable[[], None]",
    announce: "Callable[[], None]",
) -> None:
    """Has the recording told of names (see _names.watch), and of the ends of which nothing else tells."""
    import _gilscope_names

    globals()["announce_recording"] = announce
    tells: list[Callable[[], None]] = []

    def tell_of_threads(threading: "Any") -> None:
        tell_main, _ = _gilscope_names.watch(threading, name, name_process, end)
        tell_of_end(threading, interrupted, tell_main)
        tells.append(tell_main)

    when_imported("threading", tell_of_threads)
    when_imported("os", lambda os: tell_of_exit(os, leave, tells))
    when_imported("os", watch_execs)
    if "_posixsubprocess" not in sys.builtin_module_names:
        when_imported("_posixsubprocess", watch_starts)
