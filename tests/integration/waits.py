"""A program whose threads wait for the GIL, for certain, on any machine."""

# Nothing but a wait for the GIL puts the readers to sleep, and the main thread keeps it until they are. Before, it
# goes on without a release of its own until a reader has had its turn: so one was forced.
ROUNDS, KEPT_NS = 6, 20_000_000
WAITS = f"""
import ctypes, os, sys, threading

keep = ctypes.PyDLL(None)  # whose calls keep the GIL
zero = os.open("/dev/zero", os.O_RDONLY)
reads = 0
over = False

def read():
    global reads
    while not over:
        os.read(zero, 1)
        reads += 1
        sum(range(50_000))  # so that there are few reads while the main thread has no CPU

def sleeps(thread):
    file = keep.open(b"/proc/self/task/%d/stat" % thread.native_id, os.O_RDONLY)
    text = ctypes.create_string_buffer(512)
    keep.read(file, text, 511)
    keep.close(file)
    return text.value.rpartition(b")")[2].split()[0] == b"S"

def make_wait(names):
    global over
    over = False
    threads = [threading.Thread(target=read, name=name) for name in names]
    for thread in threads: thread.start()
    before = reads
    while reads == before: pass
    sys.setswitchinterval(1000)
    for _ in range({ROUNDS}):
        while not all(map(sleeps, threads)): pass
        keep.usleep({KEPT_NS // 1000})
        os.read(zero, 1)
    over = True
    for thread in threads: thread.join()
    sys.setswitchinterval(0.005)
"""
# Of each reader: a first wait may have been begun while the main thread could still be forced.
WAITED_NS = (ROUNDS - 1) * KEPT_NS
