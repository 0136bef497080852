#!/usr/bin/env python3
"""Decides which CPython gilscope is built with: the one place that does. `--why` shows how.

Runs under any python3 from 3.6 on, because it runs before anything is known of the machine: no newer
syntax here.
"""

import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

OLDEST, NEWEST = (3, 11), (3, 15)
RANGE = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
NAMES = ["python3", *(f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))]
CANNOT = 125  # the exit code of gilscope for "gilscope itself could not"

# What a candidate is asked: facts only, the judgement is `find_objection`'s. The mark tells the answer from
# whatever else a wrapper or a sitecustomize prints.
MARK = "gilscope-facts:"
PROBE = (
    "mark = " + repr(MARK) + "\n"
    r"""
import importlib.util, json, os, sys, sysconfig

def variable(name):
    return str(sysconfig.get_config_var(name) or "")

libraries = [os.path.join(variable("LIBPL"), variable("LIBRARY"))]
if variable("LDLIBRARY").endswith(".so"):
    libraries.append(os.path.join(variable("LIBDIR"), variable("LDLIBRARY")))
headers = os.path.join(sysconfig.get_path("include"), "Python.h")
executable = getattr(sys, "_base_executable", "") or sys.executable
print("\n" + mark + json.dumps({
    "implementation": sys.implementation.name,
    "version": sys.version_info[:5],
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "executable": os.path.realpath(executable),
    "include": os.path.dirname(headers),
    "has_headers": os.path.isfile(headers),
    "has_libpython": any(map(os.path.isfile, libraries)),
    "has_venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
"""
)


class NoAnswerError(Exception):
    """A candidate could not be asked; the text says why."""


class Python(NamedTuple):
    """What a candidate said of itself."""

    implementation: str
    version: Tuple[int, int, int, str, int]
    free_threaded: bool
    executable: str  # of the installation, never a virtual environment's
    include: str
    has_headers: bool
    has_libpython: bool
    has_venv: bool

    @property
    def release(self) -> str:
        """The version as people write it: 3.13.0, 3.15.0rc1, 3.13.5t."""
        major, minor, micro, level, serial = self.version
        suffix = "" if level == "final" else {"alpha": "a", "beta": "b"}.get(level, "rc") + str(serial)
        return f"{major}.{minor}.{micro}{suffix}{'t' if self.free_threaded else ''}"

    @property
    def tag(self) -> str:
        """The name of its folders. It ends in a hash of the path, for two installations of one version."""
        path_hash = hashlib.sha256(self.executable.encode()).hexdigest()[:6]
        return f"{self.implementation}-{self.release}-{path_hash}"


class Candidate(NamedTuple):
    """Something that may be a Python, and what speaks against taking it ("" for nothing)."""

    path: str
    python: Optional[Python]
    objection: str


def find_candidates(search_path: str, home: str) -> List[str]:
    """Every path at which a Python may be, in the order in which ties are decided."""
    folders = [os.path.realpath(folder) for folder in search_path.split(os.pathsep) if folder]
    on_path = [os.path.join(folder, name) for folder in folders for name in NAMES]
    of_pyenv = sorted(glob.glob(os.path.join(home, ".pyenv", "versions", "*", "bin", "python3")))
    # Names are not followed to the files behind them: one file may serve many names, as the shims of mise do.
    paths = list(dict.fromkeys(on_path + of_pyenv))
    return [path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)]


def run_probe(path: str, timeout: float) -> str:
    """Everything that the candidate printed when it ran the probe."""
    try:
        process = subprocess.Popen(
            [path, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what a wrapper started can be ended with it
        )
    except OSError as error:
        raise NoAnswerError(f"cannot be started: {error.strerror}") from None
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NoAnswerError(f"did not answer within {timeout:g} s") from None
    if process.returncode != 0:
        lines = errors.decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()] or ["nothing"]
        telling = said[-1] if said[0].startswith("Traceback") else said[0]
        raise NoAnswerError(f"does not run (exit code {process.returncode}): {telling[:100]}")
    return output.decode(errors="replace")


def ask(path: str, timeout: float) -> Python:
    """What the candidate at this path says of itself."""
    answers = [line[len(MARK) :] for line in run_probe(path, timeout).split("\n") if line.startswith(MARK)]
    try:
        facts: Dict[str, Any] = json.loads(answers[-1])
        facts["version"] = tuple(facts["version"])
        return Python(**facts)
    except (IndexError, KeyError, TypeError, ValueError):
        raise NoAnswerError("is not a Python: it runs, but does not answer as one") from None


def find_objection(python: Python, *, named: bool) -> str:
    """Why this Python cannot be taken, and what would help; "" if it can be."""
    if python.implementation != "cpython":
        return f"is {python.implementation}; gilscope measures CPython's GIL"
    if not OLDEST <= python.version[:2] <= NEWEST:
        return f"is {python.release}; gilscope knows {RANGE}"
    if not python.has_headers:
        return f"has no headers (no Python.h in {python.include}): install its development package (python3-dev)"
    if not python.has_libpython:
        return (
            "has no libpython, static or shared: install its development package (python3-dev), "
            "or build it with --enable-shared"
        )
    if not python.has_venv:
        return "has no venv or no ensurepip: install them (python3-venv)"
    if not named and python.version[3] != "final":
        return "is a pre-release: only taken when PYTHON= names it"
    if not named and python.free_threaded:
        return "is free-threaded: only taken when PYTHON= names it"
    return ""


def examine(paths: List[str], *, named: bool, timeout: float) -> List[Candidate]:
    """Asks all candidates, at the same time because one may hang, and judges each."""

    def answer(path: str) -> Candidate:
        try:
            python = ask(path, timeout)
        except NoAnswerError as reason:
            return Candidate(path, None, str(reason))
        return Candidate(path, python, find_objection(python, named=named))

    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(answer, paths))
    first_at: Dict[str, str] = {}
    candidates = []
    for candidate in answers:
        if candidate.python:
            first = first_at.setdefault(candidate.python.executable, candidate.path)
            if first != candidate.path:
                candidate = candidate._replace(objection=f"is the same Python as {first}")
        candidates.append(candidate)
    return candidates


def rank(candidates: List[Candidate]) -> List[Python]:
    """The usable Pythons, the one to take first; of one version the one found first."""
    usable = [candidate.python for candidate in candidates if candidate.python and not candidate.objection]
    return sorted(usable, key=lambda python: python.version[:3], reverse=True)


def explain(candidates: List[Candidate]) -> str:
    """A table of all candidates: path, version, verdict."""
    chosen = rank(candidates)[:1]
    rows = []
    for path, python, objection in candidates:
        verdict = "no: " + objection if objection else "TAKEN" if python in chosen else "usable"
        rows.append((path, python.release if python else "?", verdict))
    path_width, release_width = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return "\n".join(f"  {path:{path_width}}  {release:{release_width}}  {verdict}" for path, release, verdict in rows)


def fail(message: str) -> int:
    """Reports what could not be done."""
    print("gilscope: " + message, file=sys.stderr)
    return CANNOT


def main() -> int:
    """Chooses and answers in the form that was asked for."""
    parser = argparse.ArgumentParser(
        description="Prints the CPython to build gilscope with: $PYTHON if set, else the newest usable one "
        "on PATH or below ~/.pyenv/versions."
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--shell", action="store_true", help="print PYTHON=… and TAG=… for a shell to evaluate")
    form.add_argument("--list", action="store_true", help="print all usable ones: executable, tab, tag")
    form.add_argument("--why", action="store_true", help="print all candidates and why each is taken or not")
    parser.add_argument("--timeout", type=float, default=10, metavar="S", help="how long a candidate may think (10)")
    arguments = parser.parse_args()

    named = os.environ.get("PYTHON", "")
    if named:
        found = shutil.which(os.path.expanduser(named))
        if not found:
            return fail(f"PYTHON={named}: there is no such program. Try a path, or a name on PATH.")
        paths = [found]
    else:
        paths = find_candidates(os.environ.get("PATH", os.defpath), os.path.expanduser("~"))
    candidates = examine(paths, named=bool(named), timeout=arguments.timeout)
    usable = rank(candidates)

    if arguments.why:
        print(explain(candidates))
    if named and not usable:
        return fail(
            f"PYTHON={named} cannot be used: it {candidates[0].objection}.\nTry another one, or none: "
            "`tools/choose_python.py --why` without PYTHON shows what this machine has."
        )
    if not usable:
        return fail(
            f"no usable CPython {RANGE} on PATH or below ~/.pyenv/versions. Looked at:\n"
            f"{explain(candidates) or '  (nothing)'}\n"
            "Try: install python3-dev and python3-venv, or name one with PYTHON=…"
        )

    if arguments.list:
        print("\n".join(f"{python.executable}\t{python.tag}" for python in usable))
    if arguments.list or arguments.why:
        return 0
    chosen = usable[0]
    releases = ", ".join(python.release for python in usable)
    reason = "PYTHON= says so" if named else f"newest of {len(usable)} usable: {releases}"
    print(f"gilscope: Python {chosen.release} of {chosen.executable} ({reason})", file=sys.stderr)
    if arguments.shell:
        print(f"PYTHON={shlex.quote(chosen.executable)}\nTAG={shlex.quote(chosen.tag)}")
    else:
        print(chosen.executable)
    return 0


if __name__ == "__main__":
    sys.exit(main())
