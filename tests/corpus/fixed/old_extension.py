"""Without a GIL, two threads that compute; the import of an extension that has declared it needs none."""

import importlib.machinery
import sysconfig
import threading
import warnings

# CPython's own, for its tests: a file with modules of all kinds.
FILE = f"{sysconfig.get_path('platstdlib')}/lib-dynload/_testmultiphase{sysconfig.get_config_var('EXT_SUFFIX')}"
NAME = "_testmultiphase"


def compute():
    total = 0
    for i in range(6_000_000):
        total += i


warnings.simplefilter("ignore")
computers = [threading.Thread(target=compute, name=f"computer {number}") for number in range(2)]
loader = importlib.machinery.ExtensionFileLoader(NAME, FILE)
loader.create_module(importlib.machinery.ModuleSpec(NAME, loader, origin=FILE))
for computer in computers:
    computer.start()
for computer in computers:
    computer.join()
