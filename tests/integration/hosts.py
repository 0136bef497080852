"""Which of the two hosts a test is about, where it is not about both: see the fixture `host`."""

import sys
from pathlib import Path

import pytest

only_binary = pytest.mark.parametrize("host", ["binary"], indirect=True)
only_package = pytest.mark.parametrize("host", ["package"], indirect=True)


def is_package(host: str) -> bool:
    """Whether it is not the binary."""
    return Path(host).parent == Path(sys.prefix, "bin")
