"""tools/mutants.py: what it says of a fault that was put in, and that it takes it out again. No suite is run here."""

import argparse
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE, FAULTY = "a\nreturn true;\n", "a\nreturn false;\n"


@pytest.fixture
def tried(monkeypatch, tmp_path):
    """What is said of a fault where the build, then each run of the one stage, end so; the source is as before."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    mutants = importlib.import_module("mutants")
    source = tmp_path / "a.cpp"
    source.write_text(SOURCE)
    options = argparse.Namespace(checkout=tmp_path, stage=["the stage"], times=2, limit=60)
    mutant = mutants.Mutant("a.cpp", 2, "boolean", "return true;", "return false;")

    def tried(*ends, digest="other code"):
        left = list(ends)

        def execute(*_):
            assert source.read_text() == FAULTY
            if isinstance(left[0], BaseException):
                raise left[0]
            return left.pop(0)

        monkeypatch.setattr(mutants, "execute", execute)
        monkeypatch.setattr(mutants, "host_digest", lambda _: digest)
        try:
            return mutants.try_mutant(mutant, options, "the code")
        finally:
            assert source.read_text() == SOURCE

    return tried


BUILT, FAILED = ("passed", ""), ("failed", "FAILED tests/test_a.py::test_b - assert\n")


def test_a_suite_that_fails_each_time_has_found_it(tried):
    result = tried(BUILT, FAILED, FAILED)
    assert (result["result"], result["by"]) == ("killed", "tests/test_a.py::test_b")


def test_one_that_fails_only_once_has_not(tried):
    assert tried(BUILT, FAILED, ("passed", "")) == {"result": "survived"}


def test_one_that_hangs_is_told_from_one_that_fails(tried):
    assert tried(BUILT, ("timed out", ""), ("timed out", ""))["result"] == "timed out"


def test_what_does_not_compile_or_makes_no_other_code_is_no_fault(tried):
    assert tried(("failed", "error:"))["result"] == "did not build"
    assert tried(BUILT, digest="the code") == {"result": "same code"}


def test_who_interrupts_it_finds_the_source_as_before(tried):
    with pytest.raises(KeyboardInterrupt):
        tried(BUILT, KeyboardInterrupt())
