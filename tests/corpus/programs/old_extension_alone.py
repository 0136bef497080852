"""Without a GIL, an import that brings it back, in a program of one thread, which loses nothing by that."""

import importlib.machinery
import sysconfig
import warnings

# CPython's own, for its tests: a file with modules of all kinds.
FILE = f"{sysconfig.get_path('platstdlib')}/lib-dynload/_testmultiphase{sysconfig.get_config_var('EXT_SUFFIX')}"
NAME = "_testmultiphase_null_slots"

warnings.simplefilter("ignore")
loader = importlib.machinery.ExtensionFileLoader(NAME, FILE)
loader.create_module(importlib.machinery.ModuleSpec(NAME, loader, origin=FILE))
total = 0
for i in range(6_000_000):
    total += i
