"""A page is parsed in a thread, by code of Python's library: the line is that of its caller."""

import threading
import time
from html.parser import HTMLParser


def parse():
    for _ in range(3):
        HTMLParser().feed(PAGE)  # culprit


PAGE = "<div class='a'><p>hello <b>world</b></p></div>" * 3000
parser = threading.Thread(target=parse, name="parser")
parser.start()
while parser.is_alive():
    time.sleep(0.002)
