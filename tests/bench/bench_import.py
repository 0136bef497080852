"""What `import gilscope` costs a program that has just started, in fresh processes in turns with a baseline.

The baseline is the import of json, which is in most programs. Run it on an idle machine. The goal is the project's; the
exit code is 0 either way.
"""

import argparse
import subprocess
import sys

import gilscope
from figures import Row, add_json_option, report, row

MODULES = ("gilscope", "json")


def import_ms(module: str) -> float:
    code = f"import time; begin = time.perf_counter_ns(); import {module}; print(time.perf_counter_ns() - begin)"
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) / 1e6


def measure(repeats: int) -> list[Row]:
    samples: dict[str, list[float]] = {module: [] for module in MODULES}
    for _ in range(repeats + 1):
        for module in MODULES:
            samples[module].append(import_ms(module))
    # The first of each may have read from the disk, and compiled.
    ours, baseline = (samples[module][1:] for module in MODULES)
    ratios = [own / base for own, base in zip(ours, baseline, strict=True)]
    return [
        row("import gilscope", ours, "ms", "<= 30.00"),
        row("import json", baseline, "ms"),
        row("import gilscope / import json", ratios, "x"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=25, help="repeats of each figure (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = measure(options.repeats)
    report(rows, f"gilscope {gilscope.__version__}", options.json)


if __name__ == "__main__":
    main()
