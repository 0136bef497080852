"""The pages of `--html` in headless Chromium: they open, zoom and sort, and nothing of them is taken for HTML.

Only here a browser draws them, and runs their script.
"""

import json
import shutil
from pathlib import Path

import pytest
from tests.corpus.judging import unpack
from tests.integration.conftest import clean_environment, run_command
from tests.integration.hosts import only_binary
from tests.integration.summaries import TURNS
from tests.integration.waits import WAITS

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: group integrations")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

pytestmark = only_binary

PATIENCE_S = 300  # of a hang
HOSTILE = "<script>alert(1)</script>"
HOSTILE_FILE = "<img src=x onerror=alert(1)>.py"
THREADS = f"""{WAITS}
make_wait(["worker 1", "worker 2", "{HOSTILE}"])
"""
MANY = """
import os, threading
zero = os.open("/dev/zero", os.O_RDONLY)
def read():
    for _ in range(100_000): os.read(zero, 1)
threads = [threading.Thread(target=read) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.fixture(scope="module")
def chromium():
    """A browser for all of these tests."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium with its driver here (Debian's packages: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1300,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(PATIENCE_S)
    yield browser
    browser.quit()


class Page:
    """A page that is open."""

    def __init__(self, browser, file: Path):
        self.browser = browser
        browser.get(file.as_uri())
        self.settle()

    def settle(self):
        """Waits until what was asked for is drawn."""
        wait = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        self.browser.execute_async_script(wait)

    def do(self, script, *arguments):
        result = self.browser.execute_script(script, *arguments)
        self.settle()
        return result

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return [element.text for element in self.all(selector)]

    def press(self, *keys):
        self.one("#plot").send_keys(*keys)
        self.settle()

    def window(self):
        """Begin and end of what the timeline shows, as it says them."""
        self.settle()
        return self.one("#window").text

    def ink(self, lane):
        """How many pixels of a lane are drawn on, and how many kinds of pixel there are."""
        return self.do(
            """const canvas = document.querySelectorAll(".lane.row canvas")[arguments[0]];
            const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
            copy.drawImage(canvas, 0, 0);
            const data = new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            return [data.reduce((sum, pixel) => sum + (pixel !== 0), 0), new Set(data).size];""",
            lane,
        )


@pytest.fixture
def open_page(chromium):
    """Opens a page; at the end nothing was said in the console, and nothing was loaded beside the file."""
    pages = []
    chromium.get_log("browser")

    def open_page(file):
        pages.append(Page(chromium, file))
        return pages[-1]

    yield open_page
    if not pages:
        return  # skipped
    assert pages[-1].do("return performance.getEntriesByType('resource').length") == 0
    assert [entry["message"] for entry in chromium.get_log("browser")] == []


@pytest.fixture(scope="module")
def threads_page(host, free_threaded, tmp_path_factory):
    """Of a run whose script, and one of whose threads, are called like HTML."""
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    folder = tmp_path_factory.mktemp("threads")
    (folder / HOSTILE_FILE).write_text(THREADS)
    command = [host, "run", "-q", "--html", "page.html", HOSTILE_FILE]
    ran = run_command(command, clean_environment(), cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return folder / "page.html"


def lane_names(page):
    return page.texts(".lane.row > span:first-child")


def column(page, section, title):
    """The cells of a table's column, by the column's title."""
    titles = page.texts(f"#{section} thead th")
    return page.texts(f"#{section} tbody td:nth-child({titles.index(title) + 1})")


def test_names_that_look_like_html_stay_text(threads_page, open_page):
    page = open_page(threads_page)
    assert HOSTILE in lane_names(page)
    assert HOSTILE in column(page, "threads", "thread")
    assert HOSTILE_FILE in page.one("h1").text
    assert HOSTILE_FILE in page.browser.title
    assert HOSTILE_FILE in page.one("#blame tbody").text
    assert page.all("main script, main img, header img") == []
    assert page.do("return document.scripts.length") == 2


def test_the_page_says_the_verdict_and_shows_every_part(threads_page, open_page):
    page = open_page(threads_page)
    document = json.loads(page.do("return document.getElementById('document').textContent"))
    assert document["report"]["verdict"]["text"] in page.one("#verdict").text
    headings = page.texts("h2")
    assert headings[:3] == ["Where the time of each thread went", "Timeline", "Who made others wait"]
    assert len(page.all("#times tbody tr")) == len(document["report"]["processes"][0]["threads"])
    assert page.texts("nav a") == headings
    assert "os.read(zero, 1)" in page.one("#blame .source").text
    assert len(page.all("#handoffs .heat td")) > 4
    assert page.texts("#lengths h3") == ["Holds", "Waits"]
    everybody = page.texts("#lengths table")
    Select(page.one("#distribution-of")).select_by_index(1)
    assert page.texts("#lengths table") != everybody


def seconds_of(duration: str) -> float:
    """What the page writes as 573.6 ms, or as 1.0318 s."""
    number, unit = duration.split()
    return float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]


def test_the_timeline_zooms_by_keys_buttons_and_the_mouse(threads_page, open_page):
    page = open_page(threads_page)
    assert page.window().startswith("all ")
    figures = page.texts(".lane.row .number")
    page.press("+", "+", "+")
    assert " to " in page.window()
    assert page.texts(".lane.row .number") != figures
    middle = page.window()
    page.press(Keys.ARROW_RIGHT)
    assert page.window() != middle
    page.press("0")
    assert page.window().startswith("all ")
    assert page.texts(".lane.row .number") == figures
    page.one(".tools button[title='Zoom in']").click()
    assert " to " in page.window()
    page.one(".tools button[title='Show all']").click()
    canvas = page.one(".lane.row canvas")
    # A fifth of what is shown, from a quarter on.
    width = canvas.size["width"]
    drag = ActionChains(page.browser).move_to_element_with_offset(canvas, -width // 4, 0).click_and_hold()
    drag.move_by_offset(width // 5, 0).release().perform()
    page.settle()
    length = page.do("return JSON.parse(document.getElementById('document').textContent).timeline.length")
    begin, end = (seconds_of(part) for part in page.window().split(":")[0].split(" to "))
    assert length
    assert 1.5 < end / begin < 2.2  # from 0.25 to 0.45


def test_the_mouse_tells_what_is_below_it(threads_page, open_page):
    page = open_page(threads_page)
    ActionChains(page.browser).move_to_element(page.all(".lane.row canvas")[1]).perform()
    tip = page.one(".tip")
    assert tip.is_displayed()
    assert "worker" in tip.text or HOSTILE in tip.text
    assert "held" in tip.text or "waited" in tip.text


def test_tables_are_sorted_by_any_column_with_the_keyboard_too(threads_page, open_page):
    page = open_page(threads_page)
    heading = next(one for one in page.all("#threads thead th") if one.text == "holds")
    button = heading.find_element(By.TAG_NAME, "button")
    button.click()
    assert heading.get_attribute("aria-sort") == "descending"
    holds = [int(text.replace(",", "")) for text in column(page, "threads", "holds")]
    assert holds == sorted(holds, reverse=True)
    assert len(holds) == 4
    button.send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [int(text.replace(",", "")) for text in column(page, "threads", "holds")] == sorted(holds)


def test_holds_are_drawn_solid_waits_hatched_in_light_and_dark_and_in_print(threads_page, open_page):
    page = open_page(threads_page)
    colours = {}
    for scheme in ("light", "dark"):
        emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
        page.settle()
        lanes = [page.ink(lane) for lane in range(4)]
        assert all(drawn > 0 for drawn, _ in lanes)
        assert max(kinds for _, kinds in lanes) > 4  # the process, the holds, the waits, and the edges of hatching
        colours[scheme] = page.do("return getComputedStyle(document.body).backgroundColor")
    assert colours["light"] != colours["dark"]
    printed = page.browser.execute_cdp_cmd("Page.printToPDF", {})
    assert len(printed["data"]) > 20_000
    assert not page.do("return document.documentElement.classList.contains('printing')")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_page_of_many_events_opens_at_once_and_has_bins(run, host, script, tmp_path, open_page, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    assert run([host, "run", "-q", "--html", "page.html", script(MANY)], cwd=tmp_path).returncode == 0
    assert (tmp_path / "page.html").stat().st_size < 10_000_000
    page = open_page(tmp_path / "page.html")
    assert "bins of at most" in page.one("#timeline").text
    assert page.ink(1)[0] > 0
    page.press("+", "+", "+", "+", "+", "+")
    assert " to " in page.window()
    assert any(page.ink(lane)[0] > 0 for lane in range(len(lane_names(page))))


def test_a_loop_that_stood_still_has_a_table_of_what_it_ran(run, host, tmp_path, open_page):
    unpack("loop_alone", tmp_path)
    assert run([host, "report", "--html", "page.html", "loop_alone"], cwd=tmp_path).returncode == 0
    page = open_page(tmp_path / "page.html")
    assert column(page, "steps", "what it ran") == ["handle (loop_alone.py:18)"]
    assert column(page, "steps", "times") == ["4"]
    assert "the event loop of MainThread stood still 4 ×" in page.one("#verdict").text


def test_a_comparison_has_bars_with_numbers_and_tables(run, host, tmp_path, open_page):
    (tmp_path / "tasks.py").write_text(
        "def work(): return sum(range(10_000))\ndef fail(): raise ValueError('<b>no</b>')\n"
    )
    command = [host, "compare", "--html", "page.html", "--rounds", "2", "--modes", "sequential,threads"]
    assert run([*command, "tasks.py:work"], cwd=tmp_path).returncode == 0
    page = open_page(tmp_path / "page.html")
    assert "no verdict" in page.one("#verdict").text
    bars = page.one("#modes svg")
    assert bars.get_attribute("aria-label").startswith("Speed-up: sequential 1.00 ×, threads ")
    assert len(page.all("#modes svg .bar-of")) == 2
    assert column(page, "modes", "mode")[:2] == ["sequential", "threads"]
    page.all("#modes thead th button")[0].click()
    page.all("#modes thead th button")[0].click()
    assert column(page, "modes", "mode")[:2] == ["threads", "sequential"]
    assert run([*command, "--force", "tasks.py:fail"], cwd=tmp_path).returncode == 1
    failed = open_page(tmp_path / "page.html")
    assert "<b>no</b>" in failed.one("#modes").text
    assert failed.all("#modes b") == []


def test_a_comparison_of_several_pythons_has_a_part_for_each(run, host, stock, stranger, tmp_path, open_page):
    (tmp_path / "tasks.py").write_text("def work(): return sum(range(10_000))\n")
    command = [host, "compare", "--html", "page.html", "--rounds", "1", "--modes", "sequential,processes"]
    assert run([*command, "--python", f"{stock},{stranger}", "tasks.py:work"], cwd=tmp_path).returncode == 0
    page = open_page(tmp_path / "page.html")
    assert page.texts("h2")[0] == "The Pythons"
    assert len(page.all("#pythons tbody tr")) == 2
    assert len(page.all("main > section")) == 2 + len(["pythons", "losses"])
    assert page.one("#losses").text.count("lost") == 2
    assert page.all("#python-1 svg .bar-of")


def test_the_article_s_page_has_its_claims(run, host, tmp_path, open_page, free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL")
    assert run([host, "article", "--html", "page.html", "interleave_asyncio"], cwd=tmp_path).returncode == 0
    page = open_page(tmp_path / "page.html")
    assert page.texts("h2") == ["The article's claims", "Its programs"]
    assert column(page, "claims", "claim") == ["8"]
    assert column(page, "claims", "verdict") == ["✓ holds"]
    assert page.one("#verdict").text.startswith("1 claim: 1 holds")


def test_a_page_of_a_python_without_a_gil_says_so(run, host, script, tmp_path, open_page, free_threaded):
    if not free_threaded:
        pytest.skip("this Python has a GIL")
    assert run([host, "run", "-q", "--html", "page.html", script("pass")], cwd=tmp_path).returncode == 0
    assert "free-threaded" in open_page(tmp_path / "page.html").one("#verdict").text


def test_waits_for_locks_have_a_column_and_a_mark_of_their_own(run, host, script, tmp_path, open_page):
    turns = "lock = threading.Lock()\ndef work(own):\n with lock: time.sleep(0.002)\n timed(own, lock.acquire)\n"
    program = script(f"{TURNS}\n{turns} lock.release()\nuntil_all_have_waited(work, times=2)")
    assert run([host, "run", "-q", "--html", "page.html", program], cwd=tmp_path).returncode == 0
    page = open_page(tmp_path / "page.html")
    heads = page.texts(".lane.axis .number")
    assert heads[-1] == "for locks"
    names = [name.split(" ")[0] for name in page.texts(".lane.row span:first-child")]
    shares = [float(text.removesuffix(" %")) for text in page.texts(".lane.row .number:last-child")]
    assert min(share for name, share in zip(names, shares, strict=True) if name == "worker") > 0
    assert page.texts(".key")[-1].startswith("waits for a lock")
