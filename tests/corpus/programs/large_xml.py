"""A large document that expat parses with the GIL, beside a thread that wants to run."""

import threading
import time
from xml.etree import ElementTree

text = "<rows>" + "".join(f"<row id='{number}'><name>{number}</name></row>" for number in range(60_000)) + "</rows>"


def parse():
    for _ in range(5):
        ElementTree.fromstring(text)  # culprit
        time.sleep(0.03)


parser = threading.Thread(target=parse, name="parser")
parser.start()
while parser.is_alive():
    time.sleep(0.004)
