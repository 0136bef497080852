"""Native modules work under `gilscope run` as under `python`, whether the host has libpython built in or shares it.

Only here native code looks for Python's symbols in the host: the library's own modules, ctypes, a module of our own,
and a second libpython, of which the host warns.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from subprocess import check_output
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Pair, Runner

# One line of real work for each of the library's own native modules.
USES = {
    "ssl": "import ssl; print(ssl.OPENSSL_VERSION, ssl.create_default_context().verify_mode)",
    "hashlib": "import hashlib; print(hashlib.sha256(b'x').hexdigest(), hashlib.blake2b(b'x').hexdigest()[:9])",
    "sqlite3": "import sqlite3; print(sqlite3.connect(':memory:').execute('select 6 * 7').fetchall())",
    "decimal": "import decimal; print(decimal.Decimal(2).sqrt(), decimal.__file__, decimal.HAVE_THREADS)",
    "datetime": "import datetime, _datetime; print(datetime.datetime(2024, 2, 29) + datetime.timedelta(366))",
    "zlib": "import zlib; print(zlib.decompress(zlib.compress(b'x' * 99)), zlib.ZLIB_RUNTIME_VERSION)",
    "bz2": "import bz2; print(bz2.decompress(bz2.compress(b'x' * 99)))",
    "lzma": "import lzma; print(lzma.decompress(lzma.compress(b'x' * 99)))",
    "asyncio": "import _asyncio, asyncio; print(asyncio.run(asyncio.sleep(0, 5)))",
    "socket": "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(9))",
    "select": "import select, os; print(select.poll().poll(0), select.epoll().poll(0))",
    "xml": "import xml.etree.ElementTree as e; print(e.tostring(e.fromstring('<a><b c=\"1\"/></a>')))",
    "pickle": "import _pickle, pickle; print(pickle.loads(pickle.dumps({1: [2]})))",
    "readline": "import readline; readline.add_history('x'); print(readline.get_history_item(1))",
    "curses": "import curses; curses.setupterm('dumb', 1); print(curses.tigetnum('cols'))",
    "uuid": "import uuid; print(uuid.uuid5(uuid.NAMESPACE_DNS, 'x'))",
    "unicodedata": "import unicodedata; print(unicodedata.name('é'), 'é'.encode('cp437'), 'あ'.encode('shift_jis'))",
    "math": "import math, cmath, _random, array, _struct; print(math.pi, cmath.sqrt(-1), array.array('d', [1]))",
    "ctypes": "import ctypes; print(ctypes.CDLL(None).abs(-3), ctypes.CDLL('libm.so.6').abs(-4))",
    "ctypes callback": "import ctypes; f = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n + 1); "
    "print(ctypes.cast(f, ctypes.c_void_p).value > 0, f(2))",
    "ctypes.pythonapi": "import ctypes; f = ctypes.pythonapi.PyUnicode_FromFormat; f.restype = ctypes.py_object; "
    "print(f(b'%s-%d', b'x', 5), ctypes.pythonapi.Py_IsInitialized(), ctypes.c_int.in_dll(ctypes.pythonapi, "
    "'Py_OptimizeFlag'))",
    "PyDLL(None)": "import ctypes; f = ctypes.PyDLL(None).PyList_New; f.restype = ctypes.py_object; print(f(0))",
    "ctypes raises": "import ctypes; t = ctypes.pythonapi; t.PyErr_SetNone.argtypes = [ctypes.py_object]; "
    "t.PyErr_SetNone(KeyError)",
    "async exception": "import ctypes, threading\ntry:\n    ctypes.pythonapi.PyThreadState_SetAsyncExc("
    "ctypes.c_ulong(threading.get_ident()), ctypes.py_object(ValueError))\n    while True: pass\nexcept ValueError:\n"
    "    print('came')",
    "tkinter": "import tkinter; print(tkinter.TkVersion)",
    "mmap": "import mmap; print(mmap.mmap(-1, 9)[:3])",
    "dbm": "import dbm; print(dbm.__file__)",
    "multiprocessing": "import _multiprocessing, _posixshmem; print(_multiprocessing.SemLock.SEM_VALUE_MAX)",
    "sub-interpreters": "import sys; name = '_interpreters' if sys.version_info >= (3, 13) else '_xxsubinterpreters'\n"
    "m = __import__(name); i = m.create(); m.run_string(i, 'print(__name__)'); m.destroy(i)",
}

IMPORT_ALL = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib", "turtle", "__main__"}):
    try:
        module = importlib.import_module(name)
        print(name, getattr(module, "__file__", None), type(module.__loader__).__name__)
    except ImportError as error:
        print(name, error)
print(sys.builtin_module_names)
"""


USE_ALL = f"""
import traceback
for name, code in {USES}.items():
    print(name, flush=True)  # the last one is the one that crashed
    try:
        exec(code, {{"__name__": name}})
    except Exception:
        print(traceback.format_exc())
"""


@pytest.mark.contract
def test_the_modules_of_the_library_work(same: Pair) -> None:
    assert same("-c", USE_ALL).returncode == 0


@pytest.mark.contract
def test_every_module_of_the_library_is_found_where_python_finds_it(same: Pair) -> None:
    assert "_ssl" in same("-c", IMPORT_ALL).stdout


MODULE = """
#include <Python.h>
static PyObject* look(PyObject* self, PyObject* list) {
  if (!PyList_CheckExact(list)) return PyErr_Format(PyExc_TypeError, "a list, not %s", Py_TYPE(list)->tp_name);
  PyObject* result = NULL;
  Py_BEGIN_ALLOW_THREADS
  Py_END_ALLOW_THREADS
  PyGILState_STATE state = PyGILState_Ensure();
  result = Py_BuildValue("iOn", Py_IsInitialized(), Py_None, PyList_GET_SIZE(list));
  PyGILState_Release(state);
  return result;
}
static PyMethodDef methods[] = {{"look", look, METH_O, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", "", 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_native(void) {
  PyObject* module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
  PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
  return module;
}
"""


@pytest.fixture(scope="session")
def libpython(stock: str) -> dict[str, str]:
    """Where the build's headers are, and its shared library ("" where it has none)."""
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_config_vars('INCLUDEPY', 'LIBDIR', 'INSTSONAME')))"
    headers, folder, name = json.loads(check_output([stock, "-c", code]))
    library = Path(folder) / name
    return {"headers": headers, "library": str(library) if ".so" in name and library.exists() else ""}


@pytest.fixture
def module(libpython: dict[str, str], run: Runner, tmp_path: Path) -> Path:
    """The source of a native module, in a folder of its own."""
    assert shutil.which("cc"), "these tests need a C compiler, as building the host does"
    (tmp_path / "native.c").write_text(MODULE)
    return tmp_path


def compile_module(run: Runner, folder: Path, headers: str, *options: str) -> None:
    """Makes `native.so` there."""
    command = ["cc", "-shared", "-fPIC", "-w", f"-I{headers}", "native.c", "-o", "native.so", "-Wl,--no-as-needed"]
    result = run([*command, *options], cwd=folder)
    assert result.returncode == 0, result.stderr


USE_MODULE = "import native; print(native.look([1, 2]))\ntry:\n    native.look(3)\nexcept TypeError as e: print(e)"


@pytest.mark.contract
def test_a_native_module_finds_python_in_the_host(
    same: Pair, run: Runner, module: Path, libpython: dict[str, str]
) -> None:
    compile_module(run, module, libpython["headers"])
    assert same("-W", "error", "-c", USE_MODULE).stdout == "(1, None, 2)\na list, not int\n"


@pytest.fixture
def library(libpython: dict[str, str]) -> str:
    """The shared libpython of the build."""
    if not libpython["library"]:
        pytest.skip("this build of Python has no shared libpython to link a module to")
    return libpython["library"]


def test_a_native_module_that_was_linked_to_libpython_works_without_a_warning(
    same: Pair, run: Runner, module: Path, libpython: dict[str, str], library: str
) -> None:
    compile_module(run, module, libpython["headers"], library, f"-Wl,-rpath,{Path(library).parent}")
    result = same("-W", "error", "-c", USE_MODULE)
    assert (result.stdout, result.stderr) == ("(1, None, 2)\na list, not int\n", "")


@pytest.fixture
def linkage(host: str, run: Runner) -> str:
    """How the host has libpython."""
    return "static" if "(static" in run([host, "--version"]).stdout else "shared"


def test_a_libpython_opened_by_its_path_is_a_second_runtime_and_named(
    host: str, run: Runner, library: str, linkage: str
) -> None:
    code = f"import ctypes, os, sys\nctypes.CDLL({library!r})\nif os.fork():\n    os.wait()\nsys.exit(3)"
    result = run([host, "run", "--no-probe", "-c", code])
    assert result.returncode == 3
    assert result.stdout == ""
    if linkage == "shared":
        assert result.stderr == ""
        return
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("gilscope: warning: ")
    assert str(Path(library)) in warning
    assert "ctypes.pythonapi" in warning
    assert "-DGILSCOPE_LINKAGE=shared" in warning
    assert run([host, "run", "-q", "-c", code]).stderr == ""
