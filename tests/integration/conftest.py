"""What every integration test uses: the hosts, `python` of the same build, a runner that leaves nothing behind."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.integration.hosts import is_package
from tests.integration.live import look as look
from tests.integration.live import start as start
from tests.integration.summaries import assert_blame_sums, assert_states
from tests.integration.tasks import Compared, compare_tasks
from tests.processes import has_ended
from tests.schemas import validator_of

MARKER = "GILSCOPE_TEST_MARKER"
# Where a process that was told to end, or whose parent has ended, must be gone; only a hang takes as long.
PATIENCE_S = 60


class Runner(Protocol):
    """Runs a command and returns all that it said; a negative exit code is a signal."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """`env` changes the clean environment, None removes; no `stdin` is /dev/null; bytes of no text survive."""


def clean_environment() -> dict[str, str]:
    """This environment, without what changes Python's behaviour."""
    told = ("PYTHON", "VIRTUAL_ENV", "GILSCOPE_", "LC_", "LANG", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(told)}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def changed(environment: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """A copy; None removes a variable."""
    merged = {**environment, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not None}


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: str | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """In a session of its own, which is ended whole where it takes too long."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=cwd,
        encoding="utf-8",
        errors="surrogateescape",
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"{command} took longer than {timeout} s; it said:\n{output}\n{errors}")
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def find_marked(marker: str) -> list[int]:
    """The processes whose environment began with this marker."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_marked = wanted in (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has just ended, or is another user's
            continue
        if is_marked and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def binary() -> str:
    """The path of the host that embeds CPython."""
    path = os.environ.get("GILSCOPE_HOST", "")
    if not path or not os.access(path, os.X_OK):
        pytest.exit(
            f"GILSCOPE_HOST={path or '(not set)'}: no host to test there. "
            "`make test` builds it and sets this; by hand: GILSCOPE_HOST=build/gilscope",
            returncode=2,
        )
    return str(Path(path).resolve())


@pytest.fixture(scope="session", params=["binary", "package"])
def host(request: pytest.FixtureRequest) -> str:
    """What `gilscope` is: the binary, and the script that pip has installed in the environment of these tests.

    Tests of one of the two have `@only_binary` or `@only_package` of hosts.py.
    """
    return binary() if request.param == "binary" else str(Path(sys.prefix, "bin", "gilscope"))


@pytest.fixture(scope="session")
def stock(host: str) -> str:
    """The `python` of the build that the host embeds, or that has the package."""
    asked = run_command([host, "run", "-c", "import sys; print(sys.executable)"], clean_environment())
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


@pytest.fixture(scope="session")
def stranger(stock, tmp_path_factory) -> str:
    """A Python that no host embeds: a copy of `stock`, which finds its library all the same."""
    copy = tmp_path_factory.mktemp("stranger") / "python"
    shutil.copy(Path(stock).resolve(), copy)
    return str(copy)


@pytest.fixture
def no_leftovers() -> Iterator[dict[str, str]]:
    """The clean environment for what the test starts: whoever still has it after the test is a leftover."""
    marker = uuid.uuid4().hex
    yield {**clean_environment(), MARKER: marker}
    leftovers = []
    for pid in find_marked(marker):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if not has_ended(pid, PATIENCE_S):
            leftovers.append(f"{pid}: {command}")
            os.kill(pid, signal.SIGKILL)
    assert not leftovers, "processes are left behind"


@pytest.fixture
def run(no_leftovers: dict[str, str]) -> Runner:
    """The runner; the test fails where anything that it started is left behind."""

    def run(
        command: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        environment = changed(no_leftovers, env)
        return run_command(command, environment, stdin=stdin, cwd=cwd, timeout=timeout)

    return run


class Pair(Protocol):
    """Runs Python's command line under both and insists on the same output and exit code."""

    def __call__(
        self,
        *arguments: str,
        stdin: str | None = None,
        env: Mapping[str, str | None] | None = None,
        python: str | None = None,
        shell: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Returns what the host did.

        `python` is another `python` to compare with (a virtual environment's), `shell` what runs the command "$@".
        """


def under_host(host: str, arguments: Sequence[str]) -> list[str]:
    """The command that is `python arguments…`: Python's own flags come after `--`."""
    is_program = arguments[0] == "-" or arguments[0][:2] in ("-m", "-c") or not arguments[0].startswith("-")
    return [host, "run", "-q", *([] if is_program else ["--"]), *arguments]


def without_package(text: str) -> str:
    """Without what shows that the package is itself a program of the Python that runs it.

    A script finds modules that it has imported; below the frames of a script are its own; the code of a child of
    multiprocessing begins with its own.
    """
    text = re.sub(r"(?m)^modules: .*", "", text)
    text = re.sub(r'(?m)^  File "[^"]*/gilscope/__main__.py", line.*\n(    .*\n)*', "", text)
    text = re.sub(r'(?m)(^  File "<frozen runpy>", line.*\n)+(?=\n|$)', "", text)
    text = text.replace("Traceback (most recent call last):\n", "")
    text = re.sub(r"(?m)^ +(?=[~^]+$)", "", text)
    return re.sub(r"exec\('try: .*?'\); ", "", text)


def comparable(text: str, host: str) -> str:
    """Without what no two runs say alike, and what a crash says of the binary: its name and its C frames (3.14+)."""
    if is_package(host):
        text = without_package(text)
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x…", text)
    text = re.sub(r"(?m)^((?:Current t|T)hread 0x… )\[[^]]+\] ", r"\1", text)
    return re.sub(r"(?s)\nCurrent thread's C stack trace.*", "", text)


@pytest.fixture
def same(host: str, stock: str, run: Runner, tmp_path: Path) -> Pair:
    """In the test's own folder."""

    def same(
        *arguments: str,
        stdin: str | None = None,
        env: Mapping[str, str | None] | None = None,
        python: str | None = None,
        shell: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        start = ["sh", "-c", shell, "sh"] if shell else []
        expected = run([*start, python or stock, *arguments], stdin=stdin, env=env, cwd=tmp_path)
        result = run([*start, *under_host(host, arguments)], stdin=stdin, env=env, cwd=tmp_path)
        assert comparable(result.stdout, host) == comparable(expected.stdout, host)
        assert comparable(result.stderr, host) == comparable(expected.stderr, host)
        assert result.returncode == expected.returncode
        return result

    return same


@pytest.fixture(scope="session")
def host_version(stock: str) -> tuple[int, ...]:
    """Of the embedded Python, which need not be that of these tests."""
    code = "import sys; print(*sys.version_info[:3])"
    return tuple(map(int, run_command([stock, "-c", code], clean_environment()).stdout.split()))


@pytest.fixture(scope="session")
def free_threaded(stock: str) -> bool:
    """Whether the embedded Python is a build without a GIL."""
    code = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED'))"
    return run_command([stock, "-c", code], clean_environment()).stdout.strip() == "1"


@pytest.fixture
def only_with_a_gil(free_threaded: bool) -> None:  # noqa: FBT001
    """For a file whose tests all are of a GIL."""
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")


@pytest.fixture
def only_without_a_gil(free_threaded: bool) -> None:  # noqa: FBT001
    """The others."""
    if not free_threaded:
        pytest.skip("this Python has a GIL")


@pytest.fixture
def compare(host: str, run: Runner, tmp_path: Path) -> Callable[..., Compared]:
    """Runs `gilscope compare`, and returns all that it said."""
    return functools.partial(compare_tasks, run, host, tmp_path)


@pytest.fixture
def environment() -> dict[str, str]:
    """Has the host use the virtual environment of these tests, and what is installed there."""
    return {"VIRTUAL_ENV": sys.prefix}


class Summarize(Protocol):
    """Runs code with arguments under `gilscope run`; returns what it said, and its JSON, which fits the schema."""

    def __call__(
        self, code: str, *arguments: object, flags: Sequence[str] = (), name: str = "script.py", **options: Any
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """`flags` are gilscope's, `name` is the script's, `options` are the runner's."""


class ReportTruth(Protocol):
    """Runs `gilscope report --check` on a capture, which must pass; returns its JSON, which fits the schema."""

    def __call__(self, capture: Path, **options: Any) -> dict[str, Any]:
        """`options` are the runner's."""


@pytest.fixture
def report_truth(host: str, run: Runner) -> ReportTruth:
    """For every capture that a test makes."""

    def report_truth(capture: Path, **options: Any) -> dict[str, Any]:
        result = run([host, "report", "--check", "--json", "-", str(capture)], **options)
        assert result.returncode == 0, result.stdout + result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        validator_of("summary").validate(document)
        assert document["check"]["passed"]
        return document

    return report_truth


@pytest.fixture(params=["counters", "events"])
def summarize(
    host: str,
    run: Runner,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    report_truth: ReportTruth,
) -> Summarize:
    """By each of the recorders; what a capture tells again must be what the run told; waits must add up.

    The script is a file, as multiprocessing's children need it; alone in a folder, which imports go through.
    """

    def summarize(
        code: str, *arguments: object, flags: Sequence[str] = (), name: str = "script.py", **options: Any
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        script, file, capture = tmp_path / "script" / name, tmp_path / "summary.json", tmp_path / "capture"
        script.parent.mkdir(exist_ok=True)
        script.write_text(code)
        keep = ["-o", str(capture)] if request.param == "events" else []
        command = [host, "run", *flags, "--force", "--json", str(file), *keep, str(script), *map(str, arguments)]
        result = run(command, **options)
        assert file.exists(), result.stderr
        document = json.loads(file.read_text())
        validator_of("summary").validate(document)
        for process in document["processes"]:
            assert_blame_sums(process)
            assert_states(process)
        if keep:
            assert {**report_truth(capture), "check": None} == {**document, "check": None}
        return result, document

    return summarize


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Writes the script, and returns its path."""

    def script(code: str) -> str:
        file = tmp_path / "script.py"
        file.write_text(code)
        return str(file)

    return script


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Where a capture is to be."""
    return tmp_path / "capture"
