"""Prints what a linker can be given for this shared library: itself, or a copy that is whole, written to the folder.

Who optimises a library after it was linked (BOLT) adds sections, and `strip` takes them away again, but leaves in
`.dynsym` the numbers that sections had before. The dynamic linker does not read those; GNU ld takes a symbol of a
section that is not there for a fixed address, and the program that it links for the one that defines it: it runs into
the first variable of the library. python-build-standalone's libpython, which uv installs, is such a one. At run time
the library itself is loaded: the copy has its soname.
"""

import struct
import sys
from pathlib import Path
from typing import NamedTuple

DYNSYM, TLS_SYMBOL = 11, 6  # SHT_DYNSYM, STT_TLS
FIRST_RESERVED = 0xFF00  # SHN_LORESERVE: from here on a number is no section's
ALLOCATED = 2  # SHF_ALLOC
THREAD_LOCAL = 0x400  # SHF_TLS
HEADER_SIZE = 64  # of Elf64_Ehdr
SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym


class Section(NamedTuple):
    """What of a section is asked."""

    kind: int
    flags: int
    address: int
    offset: int
    size: int

    def has(self, address: int) -> bool:
        """The address behind the last one, too: `_end` is that."""
        return 0 <= address - self.address <= self.size


def sections_of(content: bytes) -> list[Section]:
    """All sections in their order; none for what is not an ELF file of 64 bits, or has no whole table of them."""
    if content[:6] != b"\x7fELF\x02\x01" or len(content) < HEADER_SIZE:
        return []
    (table,) = struct.unpack_from("<Q", content, 0x28)
    size, count = struct.unpack_from("<HH", content, 0x3A)
    if size != SECTION.size or table + count * size > len(content):
        return []
    headers = (SECTION.unpack_from(content, table + index * size) for index in range(count))
    return [Section(kind, flags, address, offset, bytes_) for _, kind, flags, address, offset, bytes_, *_ in headers]


def home_of(sections: list[Section], number: int, value: int, *, of_thread: bool) -> int:
    """The section that a symbol is in; its own number where it is in none."""
    kind = ALLOCATED | (THREAD_LOCAL if of_thread else 0)
    those = {at: section for at, section in enumerate(sections) if section.flags & (ALLOCATED | THREAD_LOCAL) == kind}
    # Of what each thread has, a value is the distance from the begin of all of it.
    address = value + (min((section.address for section in those.values()), default=0) if of_thread else 0)
    if number in those and those[number].has(address):
        return number
    # The last one: what begins at an address rather than what ends there.
    return max((at for at, section in those.items() if section.has(address)), default=number)


def repaired(content: bytes) -> bytes | None:
    """The library with each symbol in the section of its address; None where no symbol is of one that is not there."""
    sections = sections_of(content)
    changed = bytearray(content)
    has_lost_one = False
    for table in sections:
        if table.kind != DYNSYM or table.offset + table.size > len(content):
            continue
        for place in range(table.offset, table.offset + table.size, SYMBOL.size):
            name, info, other, number, value, size = SYMBOL.unpack_from(content, place)
            if not 0 < number < FIRST_RESERVED:
                continue
            has_lost_one |= number >= len(sections)
            home = home_of(sections, number, value, of_thread=info & 0xF == TLS_SYMBOL)
            SYMBOL.pack_into(changed, place, name, info, other, home, value, size)
    return bytes(changed) if has_lost_one else None


def main() -> int:
    """Of LIBRARY and FOLDER."""
    library, folder = map(Path, sys.argv[1:])
    whole = repaired(library.read_bytes())
    if whole is not None:
        library = folder / f"to-link-{library.name}"
        library.write_bytes(whole)
    print(library)
    return 0


if __name__ == "__main__":
    sys.exit(main())
