"""What a Python reads first that a recorded program starts: the module `sitecustomize` of an archive in memory, which
PYTHONPATH names (host/run/start_archive.cpp). It takes every trace of that away, joins the recording where this Python
can, and has the environment's own sitecustomize run as ever.

Any version of Python may read it, and must not notice. Names between @ are put in by start_archive.cpp, those that may
hold anything in hex.
"""

import os
import sys

here = "@HERE@"
recording = "@RECORDING@"
version = "@VERSION@"
host = "@HOST@"  # the binary; "" where the package records
python = "@PYTHON@"  # what the binary embeds: sys.version
prefix = "@PREFIX@"  # and where that is

own = sys.modules.pop("sitecustomize")
paths = os.environ.get("PYTHONPATH", "")
if paths == here + ":":  # it was empty, and now has an entry more: the current folder
    del sys.path[sys.path.index(here) + 1]
while here in sys.path:
    sys.path.remove(here)
sys.path_importer_cache.pop(here, None)
getattr(sys.modules.get("zipimport"), "_zip_directory_cache", {}).pop(here, None)
if paths == here:
    del os.environ["PYTHONPATH"]
elif paths.startswith(here + ":"):
    os.environ["PYTHONPATH"] = paths[len(here) + 1 :]
os.environ.pop("GILSCOPE_RECORDING", None)

words = getattr(sys, "orig_argv", [])[1:]  # since 3.10
script = next((word for word in words if not word.startswith("-")), "")
# A run within the run is its own, and helpers do no work of the program's.
is_own = ["-m", "gilscope"] in [words[i : i + 2] for i in range(len(words))] or os.path.basename(script) == "gilscope"
is_helper = any("resource_tracker import main" in word for word in words)
if words and not is_own and not is_helper:
    is_hosts = False
    if host and sys.executable:
        is_hosts = sys.version.encode().hex() == python and os.fsencode(sys.base_exec_prefix).hex() == prefix
    try:
        if is_hosts:
            os.environ["GILSCOPE_RECORDING"] = recording
            os.environ["GILSCOPE_PYTHON"] = sys.executable
            os.execv(os.fsdecode(bytes.fromhex(host)), sys.orig_argv)  # noqa: S606
    except OSError:
        pass
    os.environ.pop("GILSCOPE_RECORDING", None)
    os.environ.pop("GILSCOPE_PYTHON", None)
    try:
        from gilscope import _native

        if _native.__version__ == version:
            _native.join_run(recording)
    except Exception:  # noqa: S110 - whatever it is, the program is to run
        pass

try:
    __import__("sitecustomize")
except BaseException:
    sys.modules["sitecustomize"] = own  # up to 3.9 the import that fails deletes it
    raise
