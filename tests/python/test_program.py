"""Where Python's own flags end, and the program begins: `gilscope run -- …` in a stock Python."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gilscope._program import split


@pytest.mark.parametrize(
    ("arguments", "flags", "program"),
    [
        (["app.py", "-c", "x"], [], ["app.py", "-c", "x"]),
        (["-m", "http.server", "--help"], [], ["-m", "http.server", "--help"]),
        (["-mhttp.server", "8000"], [], ["-m", "http.server", "8000"]),
        (["-c", "pass", "-m"], [], ["-c", "pass", "-m"]),
        (["-cpass"], [], ["-c", "pass"]),
        (["-X", "dev", "-W", "error", "app.py"], ["-X", "dev", "-W", "error"], ["app.py"]),
        (["-Xdev", "-Werror", "-OO", "app.py"], ["-Xdev", "-Werror", "-OO"], ["app.py"]),
        (["-Im", "app"], ["-I"], ["-m", "app"]),
        (["-IEc", "pass"], ["-IE"], ["-c", "pass"]),
        (["-Emapp", "x"], ["-E"], ["-m", "app", "x"]),
        (["-bW", "error", "app.py"], ["-bW", "error"], ["app.py"]),
        (["--check-hash-based-pycs", "always", "app.py"], ["--check-hash-based-pycs", "always"], ["app.py"]),
        (["-B", "--", "-app.py"], ["-B"], ["-app.py"]),
        (["-"], [], ["-"]),
        (["-q", "-", "x"], ["-q"], ["-", "x"]),
        (["-i"], ["-i"], []),
        (["-V"], ["-V"], []),
        ([], [], []),
    ],
)
def test_the_program_begins_where_it_does_for_python(arguments, flags, program):
    assert split(arguments) == (flags, program)


@pytest.mark.parametrize("arguments", [["-m"], ["-c"], ["-Ic"], ["-O", "-m"], ["-W"], ["-bX"]])
def test_a_program_that_is_missing_is_left_to_python_which_refuses_it(arguments):
    assert split(arguments)[1] is None
    assert subprocess.run([sys.executable, *arguments], capture_output=True, check=False).returncode == 2


FLAGS = st.sampled_from(["-B", "-Wd", "-X dev", "-OO", "-bs", "-W error", "-qu", "-Xutf8", "-IW error"])


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FLAGS), st.sampled_from(["app.py", "-m app", "-c pass", "-mapp", "-"]), st.lists(st.text()))
def test_flags_and_program_together_are_all_that_was_said(flags, program, arguments):
    flags = [word for flag in flags for word in flag.split()]
    found, rest = split([*flags, *program.split(), *arguments])
    assert found == flags
    assert rest is not None
    assert "".join(rest) == "".join([*program.split(), *arguments])
