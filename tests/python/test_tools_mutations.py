"""tools/mutations.py: which faults it makes of a line, and that it makes none where there is no code."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mutations(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("mutations")


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("if (a < b && !c) {", ["if (a <= b && !c) {", "if (a < b || !c) {", "if (a < b && c) {"]),
        ("return a - 1;", ["return a + 1;", "return a - 2;"]),
        ("  rows_.push_back({a(), b});", ["  {}"]),
        ("return false;", ["return true;"]),
        ("share = 0.5;  // of 1", ["share = 1.5;  // of 1"]),
    ],
)
def test_a_line_of_cpp_gets_each_fault_once(mutations, line, made):
    assert [mutant.after for mutant in mutations.mutants_of("a.cpp", line)] == made


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("a = not b", ["a = b"]),
        ("a = b is not c", ["a = b is c"]),
        ("a = b not in c or True", ["a = b in c or True", "a = b not in c and True", "a = b not in c or False"]),
        ("found(a, b)", ["pass"]),
        ("for a in b: pass", []),  # `not in` is no Python there
    ],
)
def test_a_line_of_python_gets_each_fault_once(mutations, line, made):
    assert [mutant.after for mutant in mutations.mutants_of("a.py", line)] == made


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.cpp", "// a == b"),
        ("a.cpp", "/* of\n   a == 1 */"),
        ("a.cpp", 'a = said("a == 1", R"(b == 2)");'),
        ("a.cpp", "#include <a1/b 2>"),
        ("a.cpp", "static_assert(sizeof(Event) == 24);"),
        ("a.cpp", "const std::vector<A>* b = 10'000;"),
        ("a.py", '"""Of\na == 1\n"""'),
        ("a.py", "assert a == 1"),
        ("a.py", "a = b  # == 1"),
    ],
)
def test_what_is_no_code_stays(mutations, file, text):
    assert mutations.mutants_of(file, text) == []


def test_a_line_that_has_moved_is_found_nearest_to_where_it_was(mutations):
    mutant = mutations.Mutant("a.cpp", 3, "boolean", "return true;", "return false;")
    assert mutant.index_in(["return true;", "", "", "return true;", "}"]) == 3
    assert mutant.index_in(["return false;"]) is None


def test_the_same_seed_draws_the_same_and_more_begin_with_them(mutations, tmp_path):
    folder = tmp_path / "host" / "part"
    folder.mkdir(parents=True)
    (folder / "a.cpp").write_text("\n".join(f"return a{number} == true;" for number in range(50)))
    few, many = (mutations.draw([tmp_path], 1, count) for count in (5, 20))
    assert len(few) == 5
    assert many[:5] == few
    assert len({mutant.line for mutant in many}) == 20
