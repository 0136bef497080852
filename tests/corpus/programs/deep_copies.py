"""copy.deepcopy() is Python code, of the library: two threads that copy compute at once."""

import copy
import threading


def copy_all():
    for _ in range(3):
        copy.deepcopy(tree)  # culprit


tree = [{"number": number, "list": [number, [number]]} for number in range(8_000)]
copiers = [threading.Thread(target=copy_all, name=f"copier {number}") for number in range(2)]
for copier in copiers:
    copier.start()
for copier in copiers:
    copier.join()
