"""tools/tidy.py: what a clean result is remembered by. Whether clang-tidy finds anything is its own business."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME, FLAGS, READ = "host/a.cpp", "-O3", ["host/a.cpp", "host/a.h"]


@pytest.fixture
def tidy(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("tidy")


@pytest.fixture
def results(tidy, tmp_path):
    """Of a checkout of that name, which looks at its files anew; the first one has a file that is clean."""

    def results(checkout, *, header="int a();"):
        folder = tmp_path / checkout / "host"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.cpp").write_text('#include "a.h"')
        (folder / "a.h").write_text(header)
        tidy.digest.cache_clear()
        return tidy.Results(tmp_path / "cache", tmp_path / checkout)

    results("first").remember(NAME, FLAGS, READ)
    return results


def test_another_checkout_knows_it(results):
    assert results("first").is_clean(NAME, FLAGS)
    assert results("second").is_clean(NAME, FLAGS)


def test_other_flags_and_another_header_do_not(results):
    assert not results("first").is_clean(NAME, "-O2")
    assert not results("first", header="int b();").is_clean(NAME, FLAGS)


def test_both_headers_are_known_again(results):
    results("first", header="int b();").remember(NAME, FLAGS, READ)
    assert results("first").is_clean(NAME, FLAGS)


def test_what_was_read_is_named_from_the_root(tidy):
    rule = "a.o: /the\\ project/host/a.cpp \\\n  /usr/include/x.h ../made/b.inc\n"
    read = tidy.read_dependencies(rule, Path("/the project/build"), Path("/the project"))
    assert read == ["/usr/include/x.h", "host/a.cpp", "made/b.inc"]


def test_flags_do_not_tell_where_the_project_is(tidy, tmp_path):
    def commands(root):
        (tmp_path / "compile_commands.json").write_text(
            f'[{{"file": "{root}/host/a.cpp", "command": "c++ -I{root}/host -c {root}/host/a.cpp"}},'
            f' {{"file": "{root}/tests/unit/b.cpp", "command": "c++"}}]'
        )
        return tidy.read_commands(tmp_path, Path(root))

    assert commands("/here") == commands("/and/there") == {NAME: "c++ -I./host -c ./host/a.cpp\n"}
