"""Writes what gilscope has to know of the bytecode of the Python that runs this: `opcodes.py OUTPUT`.

A row for each value of an opcode's byte, specialised instructions included: what it is a form of, how many code units
of caches follow it, and its traits.
"""

import opcode
import sys
from pathlib import Path

JUMPS = {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}
ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"}
CALLS = {"PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX", "FOR_ITER", "BINARY_OP", "CONTAINS_OP"}


def find_forms() -> dict[str, int]:
    """All instructions of code that runs, by name."""
    numbers = {name: number for number, name in enumerate(opcode.opname[:256]) if not name.startswith("<")}
    if hasattr(opcode, "_specialized_opmap"):  # 3.13
        return {**numbers, **opcode._specialized_opmap}
    free = [number for number, name in enumerate(opcode.opname[:256]) if name.startswith("<")]
    return {**numbers, **dict(zip(opcode._specialized_instructions, free, strict=False))}


def main() -> None:
    """Into the file that is named."""
    forms = find_forms()
    bases = {form: base for base, specialised in opcode._specializations.items() for form in specialised}
    caches = opcode._inline_cache_entries
    jumps = set(getattr(opcode, "hasjump", None) or opcode.hasjrel + opcode.hasjabs)
    rows = {}
    for form, number in forms.items():
        base = bases.get(form, form.removeprefix("INSTRUMENTED_"))
        if base not in opcode.opmap or base == "ENTER_EXECUTOR":
            continue
        value = opcode.opmap[base]
        cached = caches[value] if isinstance(caches, list) else caches.get(base, 0)  # 3.15 has a frozen dict
        traits = [
            name
            for name, has_it in {
                "Jumps": value in jumps,
                "GoesBack": "BACKWARD" in base,
                "Leaves": base in JUMPS | ENDS,
                "Extends": base == "EXTENDED_ARG",
                "Returns": base in {"RETURN_VALUE", "RETURN_CONST"},
                "Drops": base.startswith(("DELETE_", "STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"))
                or base == "POP_TOP",
            }.items()
            if has_it
        ]
        kind = f"Operation::{base.title().replace('_', '')}" if base in CALLS else "Operation::Other"
        rows[number] = f"    {{{value}, {cached}, {kind}, {' | '.join(traits) or 0}}},  // {form}"
    unknown = "    {0, 0, Operation::Unknown, 0},"
    table = "\n".join(rows.get(number, unknown) for number in range(256))
    symbols = ", ".join(f'"{symbol}"' for _, symbol in opcode._nb_ops)
    Path(sys.argv[1]).write_text(
        f"constexpr std::array<OpcodeFacts, 256> kOpcodes{{{{\n{table}\n}}}};\n"
        f"constexpr std::array<std::string_view, {len(opcode._nb_ops)}> kBinaryOperators{{{symbols}}};\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
