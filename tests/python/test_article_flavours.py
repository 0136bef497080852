"""Whether a Python has a GIL, by measurement: python/article/flavours.py, with fake interpreters and with real ones."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.processes import has_ended

ROOT = Path(__file__).resolve().parents[2]
ARTICLE = ROOT / "python" / "article"
sys.path.insert(0, str(ARTICLE))

import flavours  # noqa: E402
import flavours_child  # noqa: E402

SCRIPT = str(ARTICLE / "flavours.py")
# The program on a machine with nothing else to do: the control itself takes most of a second of CPU time.
QUIET = f"""
import sys
sys.argv[0] = {SCRIPT!r}
sys.path.insert(0, {str(ARTICLE)!r})
import flavours
flavours.control = lambda: 0.5
sys.exit(flavours.main())
"""
RUNNER = str(ARTICLE / "flavours_runner.py")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "flavours.schema.json").read_text(encoding="utf-8"))
PATIENCE_S = 60  # of a busy machine
HELLO = 'gilscope-flavour {"implementation": "PyPy", "version": "3.9.16, PyPy 7.3.11", "free_threaded": false}'

# Says what the runner would say, of a machine where a count takes 1 µs an iteration.
GOOD = f"""#!{sys.executable}
import json, sys
print("*sys-package-mgr*: what the interpreter says itself")
print({HELLO!r}, flush=True)
for line in sys.stdin:
    mode, n = line.split()
    n = int(n)
    seconds = n * 2e-6 * (1 if mode == "sequential" else RATIO)
    answer = {{"seconds": seconds, "cpu": n * 2e-6, "sums": [n * (n - 1) // 2] * 2}}
    print("gilscope-flavour " + json.dumps(answer), flush=True)
"""
# A shell script, and a grandchild that heeds no request to end.
HANGS = """#!/bin/sh
trap '' TERM
/bin/sleep 1000 &
echo "$$ $!" >"$PIDS"
SAY
wait
"""


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str, str], str]:
    """Puts a program on the PATH of what the test runs, which has nothing else, and returns its path."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def fake(name: str, text: str) -> str:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    return fake


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    # HOME: no pyenv's interpreters. PYTHON…: what must not reach another Python.
    return {**os.environ, "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), **changes}


def run(tmp_path: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", QUIET, "--seconds", "0.01", "--repeats", "1", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(tmp_path, **changes),
        timeout=2 * PATIENCE_S,
    )


def measured_rows(tmp_path: Path, *arguments: str, **changes: str) -> dict[str, dict[str, Any]]:
    done = run(tmp_path, "--json", "-", *arguments, **changes)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(document)
    return {row["name"]: row for row in document["rows"]}


def good(ratio: float) -> str:
    return GOOD.replace("RATIO", str(ratio))


def saying(*lines: str, then: str = "") -> str:
    return "#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + then


def test_what_is_missing_says_how_to_install_it(tmp_path: Path, fake) -> None:
    rows = measured_rows(tmp_path)
    assert rows.pop("CPython, free-threaded" if "free-threading" in sys.version else "CPython")["status"] == "ok"
    assert {row["status"] for row in rows.values()} == {"missing"}
    assert {"PyPy", "Jython", "IronPython"} <= set(rows)
    for name, package in (("PyPy", "pypy3"), ("Jython", "jython")):
        assert "`make flavours`" in rows[name]["reason"]
        assert f"apt install {package}" in rows[name]["reason"]


@pytest.mark.parametrize(("ratio", "has_gil"), [(1.0, True), (0.5, False)])
@pytest.mark.parametrize("name", ["pypy3", "jython"])
def test_contradicting_measurements_of_one_interpreter_change_its_verdict(
    name: str, ratio: float, has_gil, tmp_path: Path, fake, monkeypatch, capsys
) -> None:
    implementation = {"pypy3": "PyPy", "jython": "Jython"}[name]
    fake(name, good(ratio).replace('"implementation": "PyPy"', f'"implementation": "{implementation}"'))
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(flavours, "control", lambda: 0.5)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(sys, "argv", [SCRIPT, "--seconds=0.01", "--repeats=2"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the handlers of the tests stay
    assert flavours.main() == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(implementation))
    verdict = "yes" if has_gil else "no"
    assert re.fullmatch(
        rf"{implementation} +3\.9\.16, PyPy 7\.3\.11 +0\.0. s +0\.0. s +{ratio:.2f} \(.*\) +{verdict}", line
    )


GARBAGE = "its answer makes no sense: is this a Python?"


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        (saying(HELLO, then="kill -SEGV $$"), "failed", "was ended by signal 11, and said nothing"),
        (saying(HELLO, then="read a; echo >&2 no memory; exit 3"), "failed", "ended with exit code 3: no memory"),
        (saying("Hello, World"), "failed", "ended with exit code 0, and said nothing"),
        (saying("gilscope-flavour [1, 2"), "failed", GARBAGE),
        (saying("gilscope-flavour [1, 2]"), "failed", GARBAGE),
        (saying("gilscope-flavour {}"), "failed", GARBAGE),
        (saying('gilscope-flavour {"implementation": "PyPy", "version": 3}'), "failed", GARBAGE),
        (saying(HELLO, 'gilscope-flavour {"seconds": "1"}', then="read a"), "failed", GARBAGE),
        (saying(HELLO, 'gilscope-flavour {"seconds": NaN, "cpu": 1}', then="read a"), "failed", GARBAGE),
        (
            saying(HELLO, 'gilscope-flavour {"seconds": 1, "cpu": 1, "sums": [1, 2]}', then="read a"),
            "failed",
            "it counts wrongly: ",
        ),
        (
            saying(then="while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"),
            "failed",
            GARBAGE,
        ),
        (saying(then="exec >&-\nread a"), "failed", "closed its output without an answer"),
        (saying(then="read a"), "timeout", "no answer within 1.5 s (--timeout)"),
        (saying(HELLO, then="read a; read b"), "timeout", "no answer within 1.5 s (--timeout)"),
        (saying(HELLO.replace("PyPy", "CPython")), "failed", "this is CPython 3.9.16, CPython 7.3.11, not PyPy"),
        ("not a program", "failed", "cannot be started: Exec format error"),
        ("#!/no/such/interpreter\n", "failed", "cannot be started: No such file or directory"),
        (saying(then="echo >&2 pyenv: pypy3: command not found; exit 127"), "missing", "not on PATH: `make flavours`"),
    ],
)
def test_an_interpreter_that_fails_is_a_row_that_says_why(
    text: str, status: str, reason: str, tmp_path: Path, fake
) -> None:
    path = fake("pypy3", text)
    row = measured_rows(tmp_path, *(["--timeout", "1.5"] if status == "timeout" else []))["PyPy"]
    assert row["status"] == status
    assert row["reason"].startswith(reason)
    assert "\n" not in row["reason"]
    assert row["executable"] == path


def test_a_name_that_promises_no_gil_must_keep_that(tmp_path: Path, fake) -> None:
    fake("python3.14t", saying(HELLO.replace("PyPy", "CPython")))
    row = measured_rows(tmp_path)["CPython, free-threaded"]
    assert (row["status"], row["reason"]) == ("failed", "this is an ordinary CPython 3.9.16, CPython 7.3.11")


def test_an_interpreter_of_ones_own_is_measured_once_and_stands_for_what_is_missing(tmp_path: Path, fake) -> None:
    path = fake("mine", good(1).replace('"PyPy"', '"IronPython"').replace("3.9.16, PyPy 7.3.11", "3.4.2"))
    link = Path(path).with_name("link")
    link.symlink_to(path)
    done = run(tmp_path, "--json", "-", "--interpreter", path, "--interpreter", "mine", "--interpreter", str(link))
    ours = [row for row in json.loads(done.stdout)["rows"] if row["name"] == "IronPython"]
    assert [(row["version"], row["executable"], row["status"]) for row in ours] == [("3.4.2", path, "ok")]


def test_json_goes_to_a_file_beside_the_table(tmp_path: Path, fake) -> None:
    target = tmp_path / "zoë.json"
    done = run(tmp_path, "--json", str(target))
    assert done.returncode == 0
    assert done.stdout.startswith(flavours.HEAD)
    Draft202012Validator(SCHEMA).validate(json.loads(target.read_text(encoding="utf-8")))


def test_what_is_meant_for_one_python_does_not_reach_another(tmp_path: Path, fake) -> None:
    fake("pypy3", saying(then='echo "home=$PYTHONHOME path=$PYTHONPATH" >&2; exit 9'))
    row = measured_rows(tmp_path, PYTHONPATH=str(ARTICLE), PYTHONSAFEPATH="")["PyPy"]
    assert row["reason"] == "ended with exit code 9: home= path="


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--repeats", "0"], "argument --repeats: must be at least 1: 0"),
        (["--repeats", "x"], "argument --repeats: invalid whole_number value: 'x'"),
        (["--timeout", "0"], "argument --timeout: must be above 0, and at most 86400: 0"),
        (["--timeout", "nan"], "argument --timeout: must be above 0, and at most 86400: nan"),
        (["--seconds", "-1"], "argument --seconds: must be above 0, and at most 86400: -1"),
        (["--interpreter", "/no/such"], "argument --interpreter: no program that can be run: /no/such"),
        (["--interpreter", ""], "argument --interpreter: no program that can be run: "),
        (["--interpreter", "/"], "argument --interpreter: no program that can be run: /"),
        (["--json", "/no/such/file"], "argument --json: cannot write /no/such/file"),
        (["--json", "/"], "argument --json: cannot write /"),
        (["--inter", "x"], "unrecognized arguments: --inter x"),
        (["pypy3"], "unrecognized arguments: pypy3"),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str, tmp_path: Path, fake) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"flavours.py: error: {error}"


@pytest.mark.parametrize("phase", ["", f"echo '{HELLO}'"], ids=["before it speaks", "while it counts"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_it_at_once_and_leaves_no_process(
    number: signal.Signals, code: int, phase: str, tmp_path: Path, fake
) -> None:
    fake("pypy3", HANGS.replace("SAY", phase))
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    with subprocess.Popen(
        [sys.executable, SCRIPT, "--seconds=0.01", "--repeats=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path, PIDS=str(pids)),
    ) as process:
        children = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert output.startswith(flavours.HEAD)  # what it had
    assert "Traceback" not in errors
    assert len(children) == 2
    assert all(has_ended(pid, PATIENCE_S) for pid in children)


def test_the_time_limit_ends_the_whole_group(tmp_path: Path, fake) -> None:
    fake("pypy3", HANGS.replace("SAY", ""))
    pids = tmp_path / "pids"
    row = measured_rows(tmp_path, "--timeout", "1.5", PIDS=str(pids))["PyPy"]
    assert row["status"] == "timeout"
    assert all(has_ended(int(pid), PATIENCE_S) for pid in pids.read_text(encoding="utf-8").split())


def test_a_reader_that_has_seen_enough_is_no_traceback(tmp_path: Path, fake) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, SCRIPT, "--seconds=0.01", "--repeats=1"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    ) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "Traceback" not in errors


@pytest.mark.parametrize("name", ["this", "pypy3", "jython", "ipy"])
def test_the_runner_runs_in(name: str) -> None:
    interpreter = sys.executable if name == "this" else shutil.which(name)
    if interpreter is None:
        pytest.skip(f"no {name} on PATH")
    done = subprocess.run(
        [interpreter, RUNNER],
        input="sequential 1000\nthreads 1000\nthreads 0\n",
        capture_output=True,
        text=True,
        check=False,
        env=flavours_child._environment(),
        timeout=2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    prefix = "gilscope-flavour "
    hello, *answers = [
        json.loads(line.removeprefix(prefix)) for line in done.stdout.splitlines() if line.startswith(prefix)
    ]
    implementations = {"pypy3": "PyPy", "jython": "Jython", "ipy": "IronPython"}
    assert hello["implementation"] == implementations.get(name, sys.implementation.name.replace("cp", "CP"))
    assert [answer["sums"] for answer in answers] == [[499500, 499500], [499500, 499500], [0, 0]]
    assert all(answer["seconds"] >= 0 and answer["cpu"] >= 0 for answer in answers)
