"""Whether a Python has a GIL, by measurement: python/article/flavours.py, with fake interpreters and with real ones.

Only here do interpreters lie, fail, hang and say nonsense. What the program makes of them is asked in this process, how
it ends of one of its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from tests.article_programs import ARTICLE, PATIENCE_S, QUIET_FLAVOURS, script_of
from tests.processes import has_ended
from tests.schemas import read_schema

sys.path.insert(0, str(ARTICLE))

import flavours
import flavours_child

SCRIPT = script_of("flavours")
RUNNER = script_of("flavours_runner")
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


class Done(NamedTuple):
    code: object
    output: str
    errors: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that PATH has. HOME: no pyenv's interpreters; a machine with nothing else to do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(flavours, "control", lambda: 0.5)
    monkeypatch.setattr(flavours_child, "GRACE_S", PATIENCE_S)
    return folder


@pytest.fixture
def fake(folder: Path) -> Callable[[str, str], str]:
    """Puts a program on the PATH, and returns its path."""

    def fake(name: str, text: str) -> str:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    return fake


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs the program in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", [SCRIPT, "--seconds=0.01", "--repeats=2", *arguments])
        monkeypatch.setattr(signal, "signal", lambda *_: None)  # the handlers of the tests stay
        code: object
        try:
            code = flavours.main()
        except SystemExit as end:
            code = end.code
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def measured_rows(run) -> Callable[..., dict[str, dict[str, Any]]]:
    def measured_rows(*arguments: str) -> dict[str, dict[str, Any]]:
        done = run("--json", "-", *arguments)
        assert done.code == 0, done.errors
        document = json.loads(done.output)
        jsonschema.validate(document, read_schema("flavours.schema.json"))
        return {row["name"]: row for row in document["rows"]}

    return measured_rows


@pytest.fixture
def without_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python that runs the tests is measured by none of those that look at another one."""
    candidates = flavours.candidates
    monkeypatch.setattr(
        flavours, "candidates", lambda extra: [one for one in candidates(extra) if one.path != sys.executable]
    )


others_only = pytest.mark.usefixtures("without_this_python")


def good(ratio: float) -> str:
    return GOOD.replace("RATIO", str(ratio))


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an interpreter that hangs says which processes it is."""
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    monkeypatch.setenv("PIDS", str(pids))
    return pids


def read_pids(pids: Path) -> list[int]:
    children = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
    assert len(children) == 2
    return children


def saying(*lines: str, then: str = "") -> str:
    return "#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + then


def test_what_is_missing_says_how_to_install_it(measured_rows) -> None:
    rows = measured_rows()
    assert rows.pop("CPython, free-threaded" if "free-threading" in sys.version else "CPython")["status"] == "ok"
    assert {row["status"] for row in rows.values()} == {"missing"}
    assert {"PyPy", "Jython", "IronPython"} <= set(rows)
    for name, package in (("PyPy", "pypy3"), ("Jython", "jython")):
        assert "`make flavours`" in rows[name]["reason"]
        assert f"apt install {package}" in rows[name]["reason"]


@others_only
@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "yes"), (0.5, "no")])
@pytest.mark.parametrize(("name", "implementation"), [("pypy3", "PyPy"), ("jython", "Jython")])
def test_contradicting_measurements_of_one_interpreter_change_its_verdict(
    name: str, implementation: str, ratio: float, verdict: str, fake, run, monkeypatch
) -> None:
    fake(name, good(ratio).replace('"implementation": "PyPy"', f'"implementation": "{implementation}"'))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    done = run()
    assert done.code == 0
    line = next(line for line in done.output.splitlines() if line.startswith(implementation))
    assert re.fullmatch(
        rf"{implementation} +3\.9\.16, PyPy 7\.3\.11 +0\.0. s +0\.0. s +{ratio:.2f} \(.*\) +{verdict}", line
    )


GARBAGE = "its answer makes no sense: is this a Python?"


@others_only
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
        (saying(then="read a"), "timeout", "no answer within 0.01 s (--timeout)"),
        (saying(HELLO.replace("PyPy", "CPython")), "failed", "this is CPython 3.9.16, CPython 7.3.11, not PyPy"),
        ("not a program", "failed", "cannot be started: Exec format error"),
        ("#!/no/such/interpreter\n", "failed", "cannot be started: No such file or directory"),
        (saying(then="echo >&2 pyenv: pypy3: command not found; exit 127"), "missing", "not on PATH: `make flavours`"),
    ],
)
def test_an_interpreter_that_fails_is_a_row_that_says_why(
    text: str, status: str, reason: str, fake, measured_rows
) -> None:
    path = fake("pypy3", text)
    row = measured_rows(*(["--timeout", "0.01"] if status == "timeout" else []))["PyPy"]
    assert row["status"] == status
    assert row["reason"].startswith(reason)
    assert "\n" not in row["reason"]
    assert row["executable"] == path


@others_only
def test_an_interpreter_that_closes_its_output_is_not_waited_for(fake, measured_rows, monkeypatch) -> None:
    monkeypatch.setattr(flavours_child, "GRACE_S", 0.01)
    fake("pypy3", saying(then="exec >&-\nread a"))
    row = measured_rows()["PyPy"]
    assert (row["status"], row["reason"]) == ("failed", "closed its output without an answer")


@others_only
def test_a_name_that_promises_no_gil_must_keep_that(fake, measured_rows) -> None:
    fake("python3.14t", saying(HELLO.replace("PyPy", "CPython")))
    row = measured_rows()["CPython, free-threaded"]
    assert (row["status"], row["reason"]) == ("failed", "this is an ordinary CPython 3.9.16, CPython 7.3.11")


@others_only
def test_an_interpreter_of_ones_own_is_measured_once_and_stands_for_what_is_missing(fake, run) -> None:
    path = fake("mine", good(1).replace('"PyPy"', '"IronPython"').replace("3.9.16, PyPy 7.3.11", "3.4.2"))
    link = Path(path).with_name("link")
    link.symlink_to(path)
    done = run("--json", "-", "--interpreter", path, "--interpreter", "mine", "--interpreter", str(link))
    ours = [row for row in json.loads(done.output)["rows"] if row["name"] == "IronPython"]
    assert [(row["version"], row["executable"], row["status"]) for row in ours] == [("3.4.2", path, "ok")]


@others_only
def test_json_goes_to_a_file_beside_the_table(tmp_path: Path, fake, run) -> None:
    fake("pypy3", good(1))
    target = tmp_path / "zoë.json"
    done = run("--json", str(target))
    assert done.code == 0
    assert done.output.startswith(flavours.HEAD)
    jsonschema.validate(json.loads(target.read_text(encoding="utf-8")), read_schema("flavours.schema.json"))


@others_only
def test_what_is_meant_for_one_python_does_not_reach_another(fake, measured_rows, monkeypatch) -> None:
    fake("pypy3", saying(then='echo "home=$PYTHONHOME path=$PYTHONPATH" >&2; exit 9'))
    monkeypatch.setenv("PYTHONHOME", "/no/such")
    monkeypatch.setenv("PYTHONPATH", str(ARTICLE))
    assert measured_rows()["PyPy"]["reason"] == "ended with exit code 9: home= path="


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
def test_a_bad_option_is_a_usage_error(arguments: list[str], error: str, run) -> None:
    done = run(*arguments)
    assert (done.code, done.output) == (2, "")
    assert done.errors.splitlines()[-1] == f"flavours.py: error: {error}"


def start(code_or_script: list[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *code_or_script], stderr=subprocess.PIPE, text=True, **options)


def test_as_a_script_it_is_the_same_program() -> None:
    with start([SCRIPT, "--repeats", "0"]) as process:
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert errors.endswith("flavours.py: error: argument --repeats: must be at least 1: 0\n")


@pytest.mark.parametrize("phase", ["", f"echo '{HELLO}'"], ids=["before it speaks", "while it counts"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_it_at_once_and_leaves_no_process(
    number: signal.Signals, code: int, phase: str, fake, pids: Path
) -> None:
    fake("pypy3", HANGS.replace("SAY", phase))
    with start(["-c", QUIET_FLAVOURS], stdout=subprocess.PIPE) as process:
        children = read_pids(pids)
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert output.startswith(flavours.HEAD)  # what it had
    assert "Traceback" not in errors
    assert all(has_ended(pid, PATIENCE_S) for pid in children)


@pytest.mark.parametrize("phase", ["", f"echo '{HELLO}'"], ids=["before it speaks", "while it counts"])
def test_the_time_limit_ends_the_whole_group(phase: str, fake, pids: Path, monkeypatch) -> None:
    monkeypatch.setattr(flavours_child, "GRACE_S", 0.01)
    path = fake("pypy3", HANGS.replace("SAY", phase))
    with flavours_child.start(path, PATIENCE_S) as child:
        children = read_pids(pids)
        if phase:
            child.ask()
        child._timeout_s = 0.01
        with pytest.raises(flavours_child.FlavourError, match=r"^no answer within 0.01 s \(--timeout\)$") as error:
            child.ask("sequential 1" if phase else "")
    assert error.value.status == "timeout"
    assert all(has_ended(pid, PATIENCE_S) for pid in children)


@pytest.mark.usefixtures("folder")
def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start(["-c", QUIET_FLAVOURS], stdout=writing) as process:
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
        timeout=PATIENCE_S,
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
