"""What a build does about what is missing: cmake/Dependencies.cmake and FindPybind11.cmake. No test needs a network."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

# What is installed here suffices, and is left alone; then one more library, from the archives that the test names.
OTHER_PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES CXX)
include("{dependencies}")
fetch_headers(tiny::headers libtiny-dev {pins})
if(TARGET tiny::headers)
  get_target_property(folder tiny::headers INTERFACE_INCLUDE_DIRECTORIES)
  message(STATUS "taken: ${{folder}}")
endif()
message(STATUS "missing: ${{missing_libraries}}")
"""


def configure(source: Path, build: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cmake", "-G", "Ninja", "-S", source, "-B", build, *options], capture_output=True, text=True, check=False
    )


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Of CMake, each on one line."""
    assert done.returncode == 1
    texts = re.findall(r"CMake Error[^\n]*\n(.*?)(?:\nCall Stack|\n\n\n|\Z)", done.stderr, re.DOTALL)
    return [" ".join(text.split()) for text in texts]


def test_what_is_missing_and_cannot_be_fetched_is_one_error(tmp_path):
    packages = ("nlohmann_json", "CLI11", "spdlog")
    done = configure(
        PROJECT,
        tmp_path,
        "-DGILSCOPE_EXTENSION=ON",
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DFETCHCONTENT_FULLY_DISCONNECTED=ON",
        *(f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in packages),
    )
    assert errors(done) == [
        "gilscope: C++ libraries are missing here, and cannot be fetched: "
        "nlohmann_json (Debian's package nlohmann-json3-dev), CLI11 (Debian's package libcli11-dev), "
        "fmt (Debian's package libfmt-dev), spdlog (Debian's package libspdlog-dev). Try: install them"
    ]


@pytest.mark.skipif(not shutil.which("pypy3"), reason="no pypy3 here")
def test_pypy_is_one_error(tmp_path):
    pypy = shutil.which("pypy3")
    done = configure(PROJECT, tmp_path, "-DGILSCOPE_EXTENSION=ON", f"-DPython_EXECUTABLE={pypy}")
    assert errors(done) == [
        f"gilscope: {pypy} is PyPy, and gilscope measures CPython's GIL. Try: build with a CPython from 3.11 on"
    ]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of a library that is all headers."""
    header = tmp_path / "tiny-1.0" / "include" / "tiny.h"
    header.parent.mkdir(parents=True)
    header.write_text("// nothing\n")
    path = tmp_path / "tiny.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        file.add(tmp_path / "tiny-1.0", "tiny-1.0")
    return path


def fetch(folder: Path, *pins: str) -> str:
    """What CMake said of it."""
    other = folder / "other"
    other.mkdir()
    text = OTHER_PROJECT.format(dependencies=PROJECT / "cmake" / "Dependencies.cmake", pins=" ".join(pins))
    (other / "CMakeLists.txt").write_text(text)
    done = configure(other, folder / "build")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_archive_that_can_be_had_and_is_the_pinned_one_is_taken(tmp_path, archive):
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    absent, wrong = archive.with_name("absent.tar.gz").as_uri(), archive.with_name("wrong.tar.gz")
    wrong.write_bytes(b"something else")
    said = fetch(tmp_path, sha256, absent, sha256, wrong.as_uri(), sha256, archive.as_uri())
    assert re.search(r"taken: .*/tiny-1\.0/include\n", said)
    assert "missing: \n" in said
    assert [path.name for path in (tmp_path / "build" / "fetched").iterdir()] == ["libtiny-dev"]


def test_an_archive_with_another_hash_is_not_taken(tmp_path, archive):
    said = fetch(tmp_path, "0" * 64, archive.as_uri())
    assert "that is not the pinned one: its SHA-256 is " + hashlib.sha256(archive.read_bytes()).hexdigest() in said
    assert "taken: " not in said
    assert "missing: tiny (Debian's package libtiny-dev)\n" in said
    assert not list((tmp_path / "build" / "fetched").iterdir())
