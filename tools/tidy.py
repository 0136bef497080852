"""Runs clang-tidy on what may have changed since it had nothing to say: `tools/tidy.py BUILD_FOLDER…`.

The folders are configured for single files (no unity build); only generated sources are built there. What clang-tidy
had nothing to say of is remembered beside ccache's files, as an empty file whose name is the key of all that decides
it: the file, every header that clang read with it, the flags, .clang-tidy and clang-tidy's version. Paths are relative
to the project there: the next checkout has the same. Only a clean result is remembered.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The analyzer looks less deep into calls, and into none of templates or the standard library: a third of its time.
ANALYZER = [
    *("-Xclang", "-analyzer-config"),
    *("-Xclang", "mode=shallow,c++-template-inlining=false,c++-stdlib-inlining=false"),
]
OPTIONS = ["--quiet", *(f"--extra-arg={argument}" for argument in ANALYZER)]
FORGET_AFTER = 30 * 24 * 3600  # seconds without use


def say(text: str) -> None:
    """As tools/setup.sh does."""
    print(f"gilscope: {text}", file=sys.stderr, flush=True)


def output_of(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def make_generated_files(folder: Path) -> None:
    """Configure again what has changed, and make the sources that others include."""
    output_of("ninja", "-C", folder, "build.ninja")
    targets = re.findall(r"^(\S+\.inc): CUSTOM_COMMAND", output_of("ninja", "-C", folder, "-t", "targets", "all"), re.M)
    for target in targets:
        # Ninja itself would first compile the libraries that the target's one depends on.
        output_of("sh", "-c", output_of("ninja", "-C", folder, "-t", "commands", "-s", target))


def read_commands(folder: Path, root: Path) -> dict[str, str]:
    """How the folder compiles each of the product's files, which are named from the root."""
    commands: dict[str, str] = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        name = os.path.relpath(entry["file"], root)
        if name.startswith(("host/", "extensions/")):
            commands[name] = commands.get(name, "") + entry["command"].replace(f"{root}/", "./") + "\n"
    return commands


def cache_folder() -> Path:
    """Beside ccache's files, which CI keeps."""
    try:
        folder = Path(output_of("ccache", "--get-config", "cache_dir").strip())
    except (OSError, subprocess.CalledProcessError):
        folder = Path.home() / ".cache"
    return folder / "gilscope-tidy"


@functools.cache
def digest(file: Path) -> str:
    """Of the content; of a file that is no longer there, another one than of any file."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "none"


def key_of(*parts: str) -> str:
    """A name for all of them."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Results:
    """What was clean. What was read for it is remembered as well, so that no compiler is asked for it again."""

    def __init__(self, folder: Path, root: Path) -> None:
        """Forget what was not used for long."""
        self.folder, self.root = folder, root
        folder.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - FORGET_AFTER
        for file in folder.iterdir():
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)

    def read_with(self, name: str, flags: str) -> list[str]:
        """All that was read when the file was clean; empty for one that with this content and these flags never was."""
        list_file = self._list_file(name, flags)
        return list_file.read_text().splitlines() if list_file.exists() else []

    def is_clean(self, name: str, flags: str) -> bool:
        """Whether it was, with the very same headers."""
        files = [self._list_file(name, flags), self._clean_file(name, flags, self.read_with(name, flags))]
        if not all(file.exists() for file in files):
            return False
        for file in files:
            file.touch()
        return True

    def remember(self, name: str, flags: str, read: list[str]) -> None:
        """That it was clean with these."""
        list_file = self._list_file(name, flags)
        unfinished = list_file.with_suffix(f".{os.getpid()}")
        unfinished.write_text("\n".join(read))
        unfinished.replace(list_file)
        self._clean_file(name, flags, read).touch()

    def _list_file(self, name: str, flags: str) -> Path:
        return self.folder / f"{key_of(name, flags, digest(self.root / name))}.read"

    def _clean_file(self, name: str, flags: str, read: list[str]) -> Path:
        return self.folder / key_of(name, flags, *(f"{file} {digest(self.root / file)}" for file in read))


def read_dependencies(text: str, folder: Path, root: Path) -> list[str]:
    """The files of a rule for make that a compiler wrote in a folder; named from the root if they are below it."""
    words = text.replace("\\\n", " ").split(": ", 1)[1].replace("\\ ", "\0").split()
    files = {os.path.normpath(folder / word.replace("\0", " ")) for word in words}
    return sorted(file.removeprefix(f"{root}/") for file in files)


def look_at(name: str, folder: Path, since: float) -> tuple[str, list[str]]:
    """What clang-tidy says of a file, and what it read; nothing of the latter if somebody has edited it meanwhile."""
    with tempfile.TemporaryDirectory() as temporary:
        dependencies = Path(temporary, "dependencies")
        # Of the ways to ask for these, the one that clang-tidy does not take out.
        options = [*OPTIONS, f"--extra-arg=-Wp,-MD,{dependencies}"]
        done = subprocess.run(
            ["clang-tidy", "-p", folder, *options, ROOT / name], capture_output=True, text=True, check=False
        )
        if done.returncode or done.stdout.strip():
            return done.stdout.strip() or done.stderr, []
        read = [".clang-tidy", *read_dependencies(dependencies.read_text(), folder, ROOT)]
    edited = any((ROOT / file).stat().st_mtime >= since for file in read)
    return "", [] if edited else read


def main(folders: list[Path]) -> int:
    """Look at each file of the product that is not known to be clean."""
    commands: dict[str, tuple[Path, str]] = {}
    for folder in folders:
        make_generated_files(folder)
        for name, command in read_commands(folder, ROOT).items():
            commands.setdefault(name, (folder, command))
    files = {str(file.relative_to(ROOT)) for top in ("host", "extensions") for file in (ROOT / top).rglob("*.cpp")}
    if missing := files - commands.keys():
        say(f"clang-tidy would not see what is compiled in no folder of {[*map(str, folders)]}: {sorted(missing)}")
        return 1

    since = time.time()  # from here on contents are looked at
    version = output_of("clang-tidy", "--version")
    flags = {name: key_of(version, *OPTIONS, command) for name, (_, command) in commands.items()}
    results = Results(cache_folder(), ROOT)
    jobs = [name for name in commands if not results.is_clean(name, flags[name])]
    # The longest first: the time goes to the headers, whose number is known if the file was looked at before.
    jobs.sort(key=lambda name: (len(results.read_with(name, flags[name])), (ROOT / name).stat().st_size), reverse=True)
    say(f"clang-tidy looks at {len(jobs)} of {len(commands)} files")

    said: set[str] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = pool.map(lambda name: look_at(name, commands[name][0], since), jobs)
        for name, (findings, read) in zip(jobs, looks, strict=True):
            if read:
                results.remember(name, flags[name], read)
            # One of a header is found with each file that includes it.
            for finding in re.split(r"^(?=/\S+:\d+:\d+: (?:warning|error):)", findings, flags=re.MULTILINE):
                if finding.strip() not in {"", *said}:
                    print(finding.strip(), flush=True)
                    said.add(finding.strip())
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main([Path(folder).resolve() for folder in sys.argv[1:]]))
