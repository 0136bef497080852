"""Does hashlib release the GIL?"""

import hashlib

import pytest


@pytest.mark.releases_gil(share=0.9)
def test_a_large_block_is_hashed_without_the_gil():
    data = bytes(1 << 28)
    hashlib.sha256(data)


@pytest.mark.releases_gil(share=0.9)
def test_so_are_many_small_ones():
    for _ in range(50_000):
        hashlib.sha256(b"small")


@pytest.mark.max_gil_hold("5ms")
def test_nobody_waits_for_long():
    sorted(range(1_000_000), key=str)


def test_what_counts(gil):
    data = bytes(1 << 28)
    with gil:
        hashlib.sha256(data)
    assert gil.released_share > 0.9
    assert gil.longest_hold_ns < 50_000_000
