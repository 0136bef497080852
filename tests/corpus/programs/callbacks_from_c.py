"""A C function that calls back for each comparison: it takes the GIL each time, beside another of its kind."""

import ctypes
import threading

compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


@compare_type
def compare(left, right):
    return left[0] - right[0]  # culprit


def sort():
    numbers = (ctypes.c_int * 400)(*range(400, 0, -1))
    both.wait()
    library.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare)  # culprit


library = ctypes.CDLL(None)
both = threading.Barrier(2)
sorters = [threading.Thread(target=sort, name=f"sorter {number}") for number in range(2)]
for sorter in sorters:
    sorter.start()
for sorter in sorters:
    sorter.join()
