"""Records the captures beside it anew, as truth.toml names them: `record.py [NAME…]`; `make corpus` records all.

With a host of a free-threaded CPython those that are without a GIL, with any other one the rest.

With the binary (GILSCOPE_HOST=build/gilscope), on a machine that does nothing else: load is made here where it is asked
for. The programs' and the library's files are found by links in a folder that is the same everywhere: no capture has a
path of the machine that made it.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(__file__).resolve().parent
PLACE = Path("/tmp/recorded")
PACKAGES = CORPUS.parents[1] / "build" / "corpus" / "site-packages"
NEEDED = ["gevent", "numpy", "orjson", "pandas"]
MOST_BYTES = 80_000
MOST_TURNS = 5
UNDISTURBED = 0.9
ENDED_BY_AN_ALARM = ("crossed_locks", "killed", "lock_held_to_the_end", "never_released", "two_locks")


def truths() -> dict[str, dict[str, object]]:
    """Of each capture, by its name."""
    sections = tomllib.loads((CORPUS / "truth.toml").read_text())
    return {name: truth for section in sections.values() for name, truth in section.items()}


def find_python(host: str) -> str:
    """The folder of the Python that the host embeds."""
    return subprocess.check_output([host, "run", "-q", "-c", "import sys; print(sys.base_prefix)"], text=True).strip()


def is_free_threaded(host: str) -> bool:
    """Whether the Python that the host embeds has its GIL off."""
    code = "import sys; print(getattr(sys, '_is_gil_enabled', lambda: True)())"
    return subprocess.check_output([host, "run", "-q", "-c", code], text=True).strip() == "False"


def install_packages(host: str) -> None:
    """What some of the programs import, once."""
    if not all((PACKAGES / name).is_dir() for name in NEEDED):
        python = subprocess.check_output(
            [host, "run", "-q", "-c", "import sys; print(sys.executable)"], text=True
        ).strip()
        command = [python, "-m", "pip", "install", "-q", "--only-binary=:all:", "--target", str(PACKAGES), *NEEDED]
        subprocess.run(command, check=True)


@contextlib.contextmanager
def load(*, is_asked_for: bool) -> Iterator[None]:
    """Twice as many processes as CPUs that compute."""
    count = 2 * (os.cpu_count() or 1) if is_asked_for else 0
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(host: str, name: str, program: str) -> None:
    """The capture is NAME in the folder."""
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONHOME": str(PLACE / "python"),
        "PYTHONPATH": str(PLACE / "site-packages"),
    }
    command = ["gilscope", "run", "-q", "-o", name, f"programs/{program}.py"]
    # Through pipes, so that who tells of a killed process has told: it holds them, too.
    ran = subprocess.run(command, executable=host, cwd=PLACE, env=environment, capture_output=True, check=False)
    expected = -signal.SIGALRM if program in ENDED_BY_AN_ALARM else 0
    assert ran.returncode == expected, (name, ran.returncode, ran.stderr)


def given_cpu(name: str) -> float:
    """Of the time for which the recorded processes wanted a CPU; 1 where that is not known."""
    processes = json.loads((PLACE / name / "run.json").read_text())["processes"]
    had = sum(process["cpu_ns"] or 0 for process in processes)
    waited = sum(thread["cpu_wait_ns"] or 0 for process in processes for thread in process["threads"])
    return had / (had + waited) if had + waited else 1.0


def pack(name: str, recorded: str, prefix: str) -> bytes:
    """With the dates of no day."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted((PLACE / recorded).iterdir()):
            data = file.read_bytes()
            if file.name == "capture.json":
                data = data.replace(prefix.encode(), str(PLACE / "python").encode())
                data = data.replace(f'"{recorded}"'.encode(), f'"{name}"'.encode())
            for path in (prefix, str(CORPUS), str(PACKAGES)):
                assert path.encode() not in data, (file, path)
            archive.writestr(zipfile.ZipInfo(f"{name}/{file.name}"), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def record(host: str, name: str, program: str, prefix: str, *, beside_load: bool) -> None:
    """Of several times the one that was disturbed least; beside load, once.

    A thread that waits for a CPU leaves the GIL to another one, which may take it thousands of times meanwhile: what is
    large was disturbed.
    """
    best = -1.0
    for turn in range(MOST_TURNS):
        recorded = f"{name}-{turn}"
        with load(is_asked_for=beside_load):
            run(host, recorded, program)
        given, packed = given_cpu(recorded), pack(name, recorded, prefix)
        if given > best and len(packed) < MOST_BYTES:
            best = given
            (CORPUS / "captures" / f"{name}.zip").write_bytes(packed)
        if best >= (0 if beside_load else UNDISTURBED):
            break
    assert best >= 0, f"{name} is larger than it should be"
    print(f"{name}: given a CPU for {best:.0%} of the time it wanted one", flush=True)


def main() -> None:
    """All of them, or those that are named."""
    host = str(Path(os.environ["GILSCOPE_HOST"]).resolve())
    free_threaded = is_free_threaded(host)
    known = {name: truth for name, truth in truths().items() if truth.get("without_gil", False) == free_threaded}
    prefix = find_python(host)
    if not free_threaded:  # none of the programs without a GIL imports any
        install_packages(host)
    PLACE.mkdir()
    try:
        (PLACE / "python").symlink_to(prefix)
        (PLACE / "programs").symlink_to(CORPUS / "programs")
        (PLACE / "site-packages").symlink_to(PACKAGES)
        for name in sys.argv[1:] or known:
            program = known[name].get("load")
            record(host, name, str(program or name), prefix, beside_load=program is not None)
    finally:
        shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
