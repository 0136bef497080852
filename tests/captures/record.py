"""Records the captures beside it anew, one of each program in tests/programs/blame: `record.py [NAME…]`.

On a machine that does nothing else, with the binary: GILSCOPE_HOST=build/gilscope. The programs' and the library's
files are found by links in a folder that is the same everywhere: no capture has a path of the machine that made it.
"""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

CAPTURES = Path(__file__).resolve().parent
PROGRAMS = CAPTURES.parent / "programs" / "blame"
PLACE = Path("/tmp/recorded")
MOST_BYTES = 30_000
ENDED_BY = {"never_released": signal.SIGALRM}


def find_python(host: str) -> str:
    """The folder of the Python that the host embeds."""
    return subprocess.check_output([host, "run", "-q", "-c", "import sys; print(sys.base_prefix)"], text=True).strip()


def record(host: str, name: str, prefix: str) -> None:
    """Into NAME.zip, with the dates of no day."""
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONHOME": str(PLACE / "python")}
    command = ["gilscope", "run", "-q", "-o", name, f"programs/{name}.py"]
    ran = subprocess.run(command, executable=host, cwd=PLACE, env=environment, check=False)
    assert ran.returncode in (0, -ENDED_BY.get(name, 0)), (name, ran.returncode)
    archive = CAPTURES / f"{name}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for file in sorted((PLACE / name).iterdir()):
            data = file.read_bytes()
            if file.name == "capture.json":
                data = data.replace(prefix.encode(), str(PLACE / "python").encode())
            assert prefix.encode() not in data, file
            assert str(PROGRAMS).encode() not in data, file
            packed.writestr(zipfile.ZipInfo(f"{name}/{file.name}"), data, zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < MOST_BYTES, f"{archive} is larger than it should be"


def main() -> None:
    """All of them, or those that are named."""
    host = str(Path(os.environ["GILSCOPE_HOST"]).resolve())
    prefix = find_python(host)
    PLACE.mkdir()
    try:
        (PLACE / "python").symlink_to(prefix)
        (PLACE / "programs").symlink_to(PROGRAMS)
        for name in sys.argv[1:] or sorted(file.stem for file in PROGRAMS.glob("*.py")):
            record(host, name, prefix)
    finally:
        shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
