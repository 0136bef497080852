"""Under `gilscope run`, multiprocessing works unchanged, and its children run in the host too.

Only here everything that multiprocessing can do is done under `python` and under the host, by each start method, and
must look alike: what is printed, exit codes, tracebacks, flags, arguments, environments of children and grandchildren.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts import is_package, only_binary

if TYPE_CHECKING:
    from tests.integration.conftest import Pair, Runner

METHODS = ["fork", "spawn", "forkserver"]

# A module rather than the script's own text: its functions are found by `-c` programs under spawn, too. Every process
# imports it: what only few of them need, these import.
LIBRARY = """
import multiprocessing, os, sys

def square(n):
    return n * n

def put_squares(queue, n):
    for i in range(n):
        queue.put(i * i)
    queue.put(None)

def fail(message):
    raise ValueError(message)

def leave(code):
    sys.exit(code)

def die(number):
    os.kill(os.getpid(), number)

def add(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1

def write(name):
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(name)
    memory.buf[:5] = b"hello"
    memory.close()

def describe():
    return {
        "exe": os.readlink("/proc/self/exe"), "executable": sys.executable, "name": sys.orig_argv[0],
        "prefixes": [sys.prefix, sys.base_prefix], "argv": sys.argv, "path": sys.path,
        "flags": [repr(sys.flags), sys.warnoptions, sys._xoptions], "threads": len(os.listdir("/proc/self/task")),
    }

def describe_to(queue, depth, method):
    if depth > 1:
        run(describe_to, depth - 1, method, queue=queue)
    else:
        queue.put(describe())

def run(function, *arguments, queue=None):
    context = multiprocessing.get_context(arguments[-1])
    own = queue is None
    if own:
        queue = context.Queue()
    process = context.Process(target=function, args=(queue, *arguments))
    process.start()
    said = queue.get() if own else None
    process.join()
    assert process.exitcode == 0, process.exitcode
    return said

def worker():
    return os.readlink("/proc/self/exe")
"""

PROGRAMS = {
    "process": """
        p = context.Process(target=print, args=("child",))
        p.start()
        p.join()
        print(p.exitcode, multiprocessing.active_children())""",
    "pool": """
        with context.Pool(2) as pool:
            print(pool.map(square, range(10)), pool.apply(square, (12,)), sorted(pool.imap_unordered(square, range(5))))
            pool.close()
            pool.join()""",
    "executor": """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            print(list(pool.map(square, range(10), chunksize=3)), pool.submit(square, 9).result())""",
    "queue": """
        queue = context.Queue()
        p = context.Process(target=put_squares, args=(queue, 5))
        p.start()
        print(list(iter(queue.get, None)))
        p.join()""",
    "value and lock": """
        value = context.Value("i", 0)
        processes = [context.Process(target=add, args=(value, 50)) for _ in range(2)]
        for p in processes: p.start()
        for p in processes: p.join()
        print(value.value)""",
    "manager": """
        with context.Manager() as manager:
            shared, event = manager.list([3]), manager.Event()
            p = context.Process(target=shared.append, args=(4,))
            p.start()
            p.join()
            print(list(shared), event.is_set(), manager.dict(a=1))""",
    "shared memory": """
        from multiprocessing import shared_memory
        memory = shared_memory.SharedMemory(create=True, size=16)
        p = context.Process(target=write, args=(memory.name,))
        p.start()
        p.join()
        print(bytes(memory.buf[:5]))
        memory.close()
        memory.unlink()""",
    "exit codes": """
        for function, argument in [(leave, 3), (leave, None), (die, 9), (os._exit, 5)]:
            p = context.Process(target=function, args=(argument,))
            p.start()
            p.join()
            print(function.__name__, argument, p.exitcode, flush=True)""",
    "exception in a process": """
        p = context.Process(target=fail, args=("\\u00e9",), name="worker")
        p.start()
        p.join()
        print(p.exitcode)""",
    "exception in a pool": """
        with context.Pool(1) as pool:
            try:
                pool.apply(fail, ("in the pool",))
            except ValueError:
                traceback.print_exc()""",
    "exception in an executor": """
        from concurrent.futures import ProcessPoolExecutor, wait
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            future = pool.submit(fail, "in the executor")
            wait([future])
            print("".join(traceback.format_exception(future.exception())))""",
    "killed worker": """
        from concurrent.futures import ProcessPoolExecutor, process
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                pool.submit(die, 9).result()
            except process.BrokenProcessPool as e:
                print("broken:", e)""",
    "terminated": """
        queue = context.Queue()
        p = context.Process(target=queue.get)
        p.start()
        p.terminate()
        p.join()
        print(p.exitcode)""",
    "spawned from a thread": """
        import threading
        t = threading.Thread(target=lambda: print(run(describe_to, 1, context.get_start_method())["argv"]))
        t.start()
        t.join()""",
    "left to the end": """
        context.Process(target=print, args=("joined at exit",)).start()""",
}


def as_script(*programs: str) -> str:
    """Programs, whose argument is the start method, one after the other in one process."""
    lines = "import sys, traceback\nfrom library import *\n\nif __name__ == '__main__':\n"
    run = "".join(f"    if True:{program}\n" for program in programs)
    return f"{lines}    context = multiprocessing.get_context(sys.argv[1])\n{run}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `library` is."""
    (tmp_path / "library.py").write_text(LIBRARY)
    return tmp_path


@pytest.mark.contract
@pytest.mark.parametrize("method", METHODS)
def test_it_prints_the_same_as_under_python(same: Pair, folder: Path, method: str) -> None:
    """The error stream has no headings: its parts come from children, too."""
    headed = [f"\n        print({name!r}, flush=True){program}" for name, program in PROGRAMS.items()]
    (folder / "script.py").write_text(as_script(*headed))
    result = same("script.py", method)
    assert result.returncode == 0
    assert result.stdout.endswith("left to the end\njoined at exit\n")


@pytest.mark.contract
@only_binary
def test_each_way_to_start_a_child_ends_in_the_host(host: str, run: Runner, folder: Path) -> None:
    (folder / "script.py").write_text("""
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory
from library import *

def main(method):
    context = multiprocessing.get_context(method)
    exes = {"great-grandchild": run(describe_to, 3, method)["exe"]}
    with context.Pool(1) as pool:
        exes["pool"] = pool.apply(worker)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        exes["executor"] = pool.submit(worker).result()
    with context.Manager() as manager:
        exes["manager"] = os.readlink(f"/proc/{manager._process.pid}/exe")
    from multiprocessing import forkserver, resource_tracker
    memory = shared_memory.SharedMemory(create=True, size=1)
    memory.close()
    memory.unlink()
    exes["resource tracker"] = os.readlink(f"/proc/{resource_tracker._resource_tracker._pid}/exe")
    if method == "forkserver":
        exes["fork server"] = os.readlink(f"/proc/{forkserver._forkserver._forkserver_pid}/exe")
    print(method, [name for name, exe in exes.items() if exe == sys.argv[1]])

if __name__ == "__main__":
    for method in sys.argv[2:]:
        main(method)
""")
    result = run([host, "run", "-q", "script.py", host, *METHODS], cwd=folder)
    common = "'great-grandchild', 'pool', 'executor', 'manager', 'resource tracker'"
    assert result.stderr == ""
    assert result.stdout == f"fork [{common}]\nspawn [{common}]\nforkserver [{common}, 'fork server']\n"


DESCRIBE = """
from library import *
import json

if __name__ == "__main__":
    action, *methods = sys.argv[1:]
    if action == "clear":
        os.environ.clear()
    if action == "own":
        multiprocessing.set_executable(sys.executable)
    print(json.dumps([run(describe_to, 2, method) for method in methods]))
"""


@only_binary
@pytest.mark.parametrize(("environment", "action"), [("virtual", "nothing"), ("virtual", "clear"), ("base", "own")])
def test_a_child_of_a_child_has_the_environment_of_the_first_parent(
    host: str, stock: str, run: Runner, folder: Path, environment: str, action: str, *, free_threaded: bool
) -> None:
    if action == "own" and free_threaded:
        pytest.skip("free-threaded: nothing is recorded, so what sys.executable starts is Python")
    python, env = stock, {}
    if environment == "virtual":
        venv = folder / "v é"
        assert run([stock, "-m", "venv", "--without-pip", str(venv)]).returncode == 0
        python, env = str(venv / "bin" / "python"), {"VIRTUAL_ENV": str(venv)}
    (folder / "script.py").write_text(DESCRIBE)
    arguments = ["-W", "error", "-O", "script.py", action, *METHODS]
    expected = run([python, *arguments], cwd=folder, env=env)
    result = run([host, "run", "-q", "--", *arguments], cwd=folder, env=env)
    assert result.stderr == expected.stderr == ""
    for method, theirs, ours in zip(METHODS, json.loads(expected.stdout), json.loads(result.stdout), strict=True):
        assert theirs["executable"] == python
        assert ours.pop("exe") == host, method
        del theirs["exe"]
        assert ours == theirs


@pytest.mark.parametrize("flags", ["-X dev -X own=1 -OO -B -s", "-I", "-E -X utf8 -W error -W ignore::UserWarning"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_flags_are_passed_on_to_children(same: Pair, folder: Path, method: str, flags: str) -> None:
    code = "d = run(describe_to, 2, sys.argv[1])\n        print(d['flags'], d['argv'], d['path'], d['threads'])"
    # -I hides the script's folder: the library then comes from where the script says.
    script = as_script("\n        " + code)
    (folder / "script.py").write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n{script}")
    same(*flags.split(), "script.py", method)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("way", ["a module", "code", "standard input", "an odd name"])
def test_a_program_of_any_kind_starts_children(same: Pair, folder: Path, way: str, method: str) -> None:
    program = as_script(PROGRAMS["process"])
    name = 'it\'s "é" .py' if way == "an odd name" else "script.py"
    (folder / name).write_text(program)
    arguments = {"a module": ["-m", "script"], "code": ["-c", program], "standard input": ["-"], "an odd name": [name]}
    same(*arguments[way], method, stdin=program)


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_fork_is_not_called_multi_threaded(host: str, run: Runner, folder: Path, method: str) -> None:
    (folder / "script.py").write_text(as_script(PROGRAMS["process"]))
    result = run([host, "run", "-q", "--", "-W", "error", "script.py", method], cwd=folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "child\n0 []\n", "")


@pytest.mark.any_host
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_script_without_a_guard_gets_the_same_error(same: Pair, folder: Path, method: str) -> None:
    (folder / "script.py").write_text(
        "import multiprocessing, sys\n"
        f"context = multiprocessing.get_context({method!r})\n"
        "p = context.Process(target=print)\np.start()\np.join()\nprint(p.exitcode)\n"
    )
    assert "freeze_support()" in same("script.py").stderr


def test_recorded_subprocesses_run_in_the_host_where_that_is_a_binary(
    host: str, stock: str, run: Runner, *, free_threaded: bool
) -> None:
    code = (
        "import os, subprocess, sys; print(subprocess.check_output([sys.executable, '-c', "
        "'import os; print(os.readlink(\"/proc/self/exe\"))'], text=True))"
    )
    real = str(Path(stock).resolve())
    assert run([host, "run", "-q", "-c", code]).stdout.strip() == (real if is_package(host) or free_threaded else host)
    assert run([host, "run", "-q", "--no-children", "-c", code]).stdout.strip() == real


@only_binary
def test_an_early_import_by_a_pth_file_keeps_children_in_the_host(
    host: str, stock: str, run: Runner, folder: Path
) -> None:
    venv = folder / "venv"
    assert run([stock, "-m", "venv", "--without-pip", str(venv)]).returncode == 0
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "early.pth").write_text("import multiprocessing.spawn\n")
    (folder / "script.py").write_text(DESCRIBE)
    result = run([host, "run", "-q", "script.py", "nothing", "spawn"], cwd=folder, env={"VIRTUAL_ENV": str(venv)})
    (state,) = json.loads(result.stdout)
    assert (state["exe"], state["executable"]) == (host, str(venv / "bin" / "python"))


@only_binary
def test_a_look_for_the_module_alone_does_not_use_the_finder_up(host: str, run: Runner, folder: Path) -> None:
    look = "import importlib.util\nassert importlib.util.find_spec('multiprocessing.spawn')\n"
    (folder / "script.py").write_text(look + DESCRIBE)
    result = run([host, "run", "-q", "script.py", "nothing", "spawn"], cwd=folder)
    assert json.loads(result.stdout)[0]["exe"] == host


@only_binary
def test_the_loader_of_a_watched_module_is_left_as_it_was(host: str, run: Runner) -> None:
    code = "import multiprocessing.spawn as spawn; print(sorted(vars(spawn.__loader__)))"
    assert run([host, "run", "-q", "-c", code]).stdout == "['name', 'path']\n"
