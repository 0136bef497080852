"""What cmake/ does for uv's Pythons: libraries whose symbols name sections that are not there, and an old kind of path.

Only here a libpython that a linker misreads is seen: none that a distribution ships is one. Such a library is made of a
small one by putting the numbers wrong.
"""

from __future__ import annotations

import importlib
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

CMAKE = Path(__file__).resolve().parents[2] / "cmake"
LIBRARY = """
int answer = 42;
int unset;
const int fixed = 7;
__thread int of_each_thread = 3;
int *where_answer_is(void) { return &answer; }
"""
PROGRAM = """
extern int answer, unset;
extern __thread int of_each_thread;
extern const int fixed;
int *where_answer_is(void);
int main(void) {
  int has_values = answer == 42 && unset == 0 && fixed == 7 && of_each_thread == 3;
  return has_values && where_answer_is() == &answer ? 0 : 1;
}
"""
DYNSYM = 11  # SHT_DYNSYM
NUMBER = 6  # of the section, in Elf64_Sym


@pytest.fixture
def linkable(monkeypatch) -> ModuleType:
    """The script as a module."""
    monkeypatch.syspath_prepend(str(CMAKE))
    module: ModuleType = importlib.import_module("linkable_library")
    return module


@pytest.fixture
def linkage(monkeypatch) -> ModuleType:
    """cmake/python_linkage.py as a module."""
    monkeypatch.syspath_prepend(str(CMAKE))
    module: ModuleType = importlib.import_module("python_linkage")
    return module


@pytest.fixture
def library(tmp_path) -> Path:
    """A shared library that has its name in it."""
    (tmp_path / "library.c").write_text(LIBRARY)
    library: Path = tmp_path / "library" / "liblibrary.so.1"
    library.parent.mkdir()
    options = ["-shared", "-fPIC", f"-Wl,-soname,{library.name}"]
    subprocess.run(["cc", *options, str(tmp_path / "library.c"), "-o", str(library)], check=True)
    return library


def numbered(content: bytes) -> Iterator[tuple[int, int]]:
    """Of each symbol that the library defines: where the number of its section is, and the number."""
    (headers,) = struct.unpack_from("<Q", content, 0x28)
    (count,) = struct.unpack_from("<H", content, 0x3C)
    for header in range(headers, headers + 64 * count, 64):
        kind, offset, size = struct.unpack_from("<4xI16xQQ", content, header)
        for place in range(offset, offset + size, 24) if kind == DYNSYM else ():
            (number,) = struct.unpack_from("<H", content, place + NUMBER)
            if 0 < number < 0xFF00:
                yield place + NUMBER, number


def renumbered(content: bytes, change: Callable[[int], int]) -> bytes:
    """The library with other numbers."""
    changed = bytearray(content)
    for place, number in numbered(content):
        struct.pack_into("<H", changed, place, change(number))
    return bytes(changed)


def link(linkable, library: Path, folder: Path, capsys, monkeypatch) -> Path:
    """What the script prints."""
    monkeypatch.setattr("sys.argv", ["linkable_library.py", str(library), str(folder)])
    assert linkable.main() == 0
    return Path(capsys.readouterr().out.strip())


def test_symbols_are_put_back_into_the_sections_of_their_addresses(linkable, library) -> None:
    content = library.read_bytes()
    assert len(set(numbered(content))) >= 4
    # By as many sections as were taken away in front of them: some are beyond the table then, others in another one.
    assert linkable.repaired(renumbered(content, lambda number: number + 8)) == content


def test_a_program_linked_to_the_copy_has_the_variables_of_the_library(
    linkable, library, tmp_path, capsys, monkeypatch
) -> None:
    library.write_bytes(renumbered(library.read_bytes(), lambda number: number + 100))
    to_link = link(linkable, library, tmp_path, capsys, monkeypatch)
    assert to_link.parent == tmp_path
    (tmp_path / "program.c").write_text(PROGRAM)
    options = [str(tmp_path / "program.c"), f"-Wl,{to_link}", f"-Wl,-rpath,{library.parent}"]
    subprocess.run(["cc", *options, "-o", str(tmp_path / "program")], check=True)
    to_link.unlink()
    assert subprocess.run([str(tmp_path / "program")], check=False).returncode == 0


def test_a_whole_library_is_taken_as_it_is(linkable, library, tmp_path, capsys, monkeypatch) -> None:
    there = set(tmp_path.iterdir())
    assert link(linkable, library, tmp_path, capsys, monkeypatch) == library
    assert set(tmp_path.iterdir()) == there


@pytest.mark.parametrize("size", [0, 5, 64, 4096, -1])
def test_what_cannot_be_read_is_taken_as_it_is(linkable, library, size) -> None:
    assert linkable.repaired(renumbered(library.read_bytes(), lambda number: number + 100)[:size]) is None


def test_a_table_that_ends_behind_the_file_is_not_read(linkable, library) -> None:
    content = bytearray(renumbered(library.read_bytes(), lambda number: number + 100))
    (headers,) = struct.unpack_from("<Q", content, 0x28)
    (count,) = struct.unpack_from("<H", content, 0x3C)
    for header in range(headers, headers + 64 * count, 64):
        struct.pack_into("<Q", content, header + 32, len(content))
    assert linkable.repaired(bytes(content)) is None


@pytest.mark.parametrize("kind", ["enable", "disable"])
@pytest.mark.parametrize("folder", ["$ORIGIN/../lib", None])
def test_paths_for_all_modules_are_told_from_those_of_one_object(linkage, tmp_path, kind, folder) -> None:
    (tmp_path / "program.c").write_text("int main(void) { return 0; }")
    program = str(tmp_path / "program")
    path = [f"-Wl,-rpath,{folder}"] if folder else []
    subprocess.run(["cc", f"-Wl,--{kind}-new-dtags", *path, str(tmp_path / "program.c"), "-o", program], check=True)
    assert linkage.has_old_rpath(program) == (kind == "disable" and folder is not None)
