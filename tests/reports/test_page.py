"""The page as people see it: on a desk and on a telephone, by day and by night, with and without script."""

from __future__ import annotations

import contextlib
import socket
import xml.etree.ElementTree as ElementTree

import pytest

from picture import Picture

PAGES = ["mixed", "verified", "pending", "broken-off", "empty"]
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844, "phone": True}
VIEWS = [
    pytest.param(DESK | {"dark": False}, id="desk-light"),
    pytest.param(DESK | {"dark": True}, id="desk-dark"),
    pytest.param(PHONE | {"dark": False}, id="phone-light"),
    pytest.param(PHONE | {"dark": True}, id="phone-dark"),
]

# Which of red, green and blue is the strongest in a verdict's colour.
COLOURS = {"mixed": 0, "verified": 1, "pending": 0, "broken-off": 2, "empty": 2}

# Text whose contrast is below what WCAG 2.2 AA asks for, with the contrast.
TOO_FAINT = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgba = (text) => known.get(text) || (known.set(text, drawn(text)), known.get(text));
  const drawn = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return rgba('canvas');
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (walker.nextNode() && looked < 2000) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('script')) continue;
    looked += 1;
    const style = getComputedStyle(element);
    const svg = element.closest('svg');
    const colour = rgba(svg ? style.fill : style.color);
    const [a, b] = [luminance(colour), luminance(background(svg ? svg.parentElement : element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5)) faint.push([walker.currentNode.data.trim().slice(0, 40), contrast]);
  }
  return [looked, faint];
})()
"""

# Elements that stick out to the right of the window.
STICKING_OUT = """
Array.from(document.querySelectorAll('body *')).filter((element) =>
  element.checkVisibility() && !element.closest('thead') && !element.closest('svg')
  && element.getBoundingClientRect().right > innerWidth + 0.5
).map((element) => element.outerHTML.slice(0, 80))
"""

ROWS = "Array.from(document.querySelectorAll('#objects tbody tr')).filter((row) => !row.hidden)"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("view", VIEWS)
def test_the_verdict_is_what_one_sees_first(show, reports, name, view):
    page = show(reports / f"{name}.html", **view)
    top, bottom, left, right = map(int, page.evaluate(
        "(({top, bottom, left, right}) => [top, bottom, left, right])"
        "(document.querySelector('h1').getBoundingClientRect())"
    ))
    assert 0 <= top < bottom < view["height"] / 2 and 0 <= left < right <= view["width"]
    # For people: what it looks like is judged by looking at it.
    (reports / f"{name}-{'phone' if 'phone' in view else 'desk'}-"
               f"{'dark' if view['dark'] else 'light'}.png").write_bytes(page.picture())
    picture = Picture(page.picture_of(0, 0, right, bottom))
    scale = picture.width / right
    # By day the page is light, by night it is dark: whatever the browser's own default is.
    corner = picture.lightness(2, 2)
    assert corner < 0.1 if view["dark"] else corner > 0.9
    # The title is written in the colour of the verdict, on paper of the same tint.
    inside = picture.colours(*(int(scale * edge) for edge in (left, top, right, bottom)), step=2)
    strongest = {max(range(3), key=colour.__getitem__) for colour in inside
                 if max(colour) - min(colour) > 60}
    assert COLOURS[name] in strongest and len(strongest) == 1, strongest


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_sticks_out_and_all_text_can_be_read(show, reports, name, view):
    page = show(reports / f"{name}.html", **view)
    assert page.evaluate("document.documentElement.scrollWidth") == view["width"]
    assert page.evaluate(STICKING_OUT) == []
    looked, faint = page.evaluate(TOO_FAINT)
    assert looked > 20
    assert faint == []


def test_a_narrow_telephone_has_room_for_it(show, reports):
    page = show(reports / "mixed.html", width=320, height=600, phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(STICKING_OUT) == []


def sizes(page) -> list[int]:
    return page.evaluate(f"{ROWS}.map((row) => row.dataset.size).filter((size) => size).map(Number)")


def test_a_click_sorts_and_another_turns_it_round(show, reports):
    page = show(reports / "mixed.html", **DESK)
    ranks = page.evaluate(f"{ROWS}.map((row) => Number(row.dataset.rank))")
    assert ranks == sorted(ranks) and ranks[0] < ranks[-1]
    page.click("th[data-key=size] button")
    first = sizes(page)
    assert len(first) > 1000 and first == sorted(first, reverse=True) and first[0] > first[-1]
    assert page.evaluate("document.querySelector('th[data-key=size]').ariaSort") == "descending"
    page.click("th[data-key=size] button")
    assert sizes(page) == sorted(first)
    # What has no latency comes last, both ways.
    for _ in range(2):
        page.click("th[data-key=latency] button")
        known = page.evaluate(f"{ROWS}.map((row) => row.dataset.latency !== '')")
        assert any(known) and known == sorted(known, reverse=True)


def test_verdicts_and_words_filter(show, reports):
    page = show(reports / "mixed.html", **DESK)
    everything = page.evaluate(f"{ROWS}.length")
    page.click(".chips button[value=failed]")
    assert page.evaluate(f"{ROWS}.map((row) => row.dataset.verdict)") == ["failed"] * 31
    assert page.evaluate("document.getElementById('shown').textContent") == (
        f"31 of {everything:,} listed, of 1,199 in all"
    )
    page.type("#search", "2026-11-07 dump")
    assert page.evaluate(f"{ROWS}.length") == 1 or page.evaluate(f"{ROWS}.length") == 2
    assert page.evaluate(f"{ROWS}.every((row) => row.textContent.includes('2026-11-07/database.dump'))")
    assert page.evaluate("location.hash") == "#verdict=failed&q=2026-11-07+dump"
    page.type("#search", " no-such-word")
    assert page.evaluate(f"{ROWS}.length") == 0
    assert page.evaluate("document.getElementById('none-left').checkVisibility()")
    page.click(".chips button[value='']")
    page.evaluate("(() => { const field = document.getElementById('search'); field.value = '';"
                  " field.dispatchEvent(new Event('input')); })()")
    assert page.evaluate(f"{ROWS}.length") == everything


def test_a_view_can_be_linked_to(show, reports):
    address = (reports / "mixed.html").as_uri() + "#verdict=not-covered&sort=-name"
    page = show(address, **DESK)
    names = page.evaluate(f"{ROWS}.map((row) => row.dataset.name)")
    assert len(names) == 6 and names == sorted(names, reverse=True)
    # The words below the verdict lead there, too.
    page.click("#verdict a[href='#verdict=differs']")
    assert page.evaluate(f"{ROWS}.map((row) => row.dataset.verdict)") == ["differs"] * 10


def test_it_reads_without_script(show, reports):
    page = show(reports / "mixed.html", **DESK, script=False)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert not page.evaluate("document.querySelector('.controls').checkVisibility()")
    assert page.evaluate(f"{ROWS}.length") == 1057
    for section in ["#verdict", ".ladder", "#causes", "#latency svg.wide", "#objects"]:
        assert page.evaluate(f"document.querySelector('{section}').checkVisibility()"), section
    assert page.evaluate("document.querySelectorAll('th button').length") == 0


def test_the_histogram_shows_what_the_figures_say(show, reports):
    for view, drawn, hidden in [(DESK, "wide", "narrow"), (PHONE, "narrow", "wide")]:
        page = show(reports / "mixed.html", **view)
        assert page.evaluate(f"document.querySelector('figure .{drawn}').checkVisibility()")
        assert not page.evaluate(f"document.querySelector('figure .{hidden}').checkVisibility()")
        heights = page.evaluate(
            f"Array.from(document.querySelectorAll('figure .{drawn} rect'))"
            ".map((bar) => bar.getBoundingClientRect().height)"
        )
        counts = page.evaluate(
            "Array.from(document.querySelectorAll('figure dd')).map((count) => parseInt(count.textContent))"
        )
        witnessed = page.evaluate(
            "Array.from(document.querySelectorAll('#objects tr'))"
            ".filter((row) => row.dataset.latency).length"
        )
        assert len(heights) == len(counts) > 10
        # The table leaves some verified objects out, the histogram does not.
        assert sum(counts) == 760 > witnessed > 500
        tallest = max(range(len(counts)), key=counts.__getitem__)
        assert heights[tallest] == max(heights)
        for height, count in zip(heights, counts):
            expected = max(heights) * count / max(counts)
            assert abs(height - expected) < 3


@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves(show, reports, name):
    address = (reports / f"{name}.html").as_uri()
    page = show(reports / f"{name}.html", **DESK)
    if name != "empty":
        page.click("th[data-key=name] button")
    assert page.requests() == [address]
    assert page.complaints() == []


def sent_to(listener: socket.socket) -> bytes:
    """What reaches a listener within a second. Chromium connects for a frame before it forbids it."""
    sent = b""
    with contextlib.suppress(TimeoutError):
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(TimeoutError):
                connection.settimeout(1)
                sent += connection.recv(4096)
    return sent


def test_the_policy_forbids_what_a_name_could_smuggle_in(show, reports):
    """Were a name not escaped after all, it could neither run nor send anything."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.settimeout(1)
        port = outside.getsockname()[1]
        page = show(reports / "mixed.html", **DESK)
        page.evaluate(f"""(() => {{
          const smuggled = document.createElement('div');
          smuggled.innerHTML = '<img src="http://127.0.0.1:{port}/a" onerror="window.ran = 1">'
            + '<iframe src="http://127.0.0.1:{port}/b"></iframe><p style="color: red">styled</p>';
          document.body.append(smuggled);
          const script = document.createElement('script');
          script.textContent = 'window.ran = 2';
          document.body.append(script);
          const remote = document.createElement('script');
          remote.src = 'http://127.0.0.1:{port}/c';
          document.body.append(remote);
          fetch('http://127.0.0.1:{port}/d').catch(() => 0);
        }})()""")
        assert sent_to(outside) == b""
        assert page.evaluate("window.ran") is None
        assert any("Content Security Policy" in complaint for complaint in page.complaints())


def test_names_are_text_whatever_they_are(show, reports):
    page = show(reports / "mixed.html", **DESK)
    keys = page.evaluate("Array.from(document.querySelectorAll('td .key')).map((key) => key.textContent)")
    for name in [
        "backups/names/<script>alert(1)</script>",
        'backups/names/"><img src=x onerror=alert(1)>.bin',
        "backups/names/a & b ' ]]> --> .txt",
        r"backups/names/line\nbreak\ttab\u{1b}[2J\u{0}\u{fffe}",
        r"backups/names/invoice\u{202e}fdp.exe",
        "backups/names/日本語/ファイル 🔒.bin",
    ]:
        assert name in keys
    assert page.evaluate("document.querySelectorAll('img, iframe').length") == 0
    assert page.evaluate("document.scripts.length") == 1


@pytest.mark.parametrize("name", PAGES)
def test_junit_counts_what_it_lists(reports, name):
    suites = ElementTree.parse(reports / f"{name}.xml").getroot()
    [suite] = suites
    cases = suite.findall("testcase")
    for counter, element in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
        assert int(suite.get(counter)) == sum(case.find(element) is not None for case in cases)
    assert int(suite.get("tests")) == len(cases) == int(suites.get("tests"))
    passes = name == "verified"
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0") or not passes
    if not passes:
        assert int(suite.get("failures")) + int(suite.get("errors")) > 0
