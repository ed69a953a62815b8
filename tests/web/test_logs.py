"""The log view: large files, fast ones, and what is in them."""

import os
import time

from web.rig import until

LARGE_BYTES = 100 * 1024 * 1024

MEMORY_BYTES_MAX = 60 * 1024 * 1024
"""The most that the page's scripts may hold with a log of 100 MB open: much less than it."""

ENTRIES_MAX = 2100
"""The most lines that are in the document at a time."""

OPEN_SECONDS_MAX = 3.0
"""How long it may take until the end of a large log is seen, on a busy machine."""



def configure(daemon, logfile, command="/bin/sh -c 'while :; do cat @DIR@/feed; done'"):
    """A program that writes what it is fed."""
    if not (daemon.dir / "feed").exists():
        os.mkfifo(daemon.dir / "feed")
    daemon.configure(
        f"[program:writer]\ncommand={command}\nstdout_logfile={logfile}\n"
        "stdout_logfile_maxbytes=0\nredirect_stderr=true\n"
    )
    daemon.start()
    daemon.wait_state("writer", "RUNNING")


def append(path, text):
    with open(path, "a") as log:
        log.write(text)


def feed(daemon, text):
    """The program writes this."""
    with open(daemon.dir / "feed", "w") as fed:
        fed.write(text)


def entries(page):
    return page.run("[...document.querySelectorAll('#log .entry')].map((entry) => entry.textContent)")


def test_a_log_of_100_megabytes(daemon, open_page):
    log = daemon.dir / "large.log"
    line = b"%09d an ordinary line of a large log, as long as such lines are: some ninety bytes.\n"
    size = len(line % 0)
    middle = LARGE_BYTES // size // 2
    with open(log, "wb") as large:
        for start in range(0, LARGE_BYTES // size, 10_000):
            block = [line % number for number in range(start, start + 10_000)]
            if start <= middle < start + 10_000:
                block[middle - start] = b"%09d here is the NEEDLE that is looked for\n" % middle
            large.writelines(block)
    configure(daemon, log)
    page = open_page()
    last = LARGE_BYTES // size // 10_000 * 10_000 + 9_999

    began = time.monotonic()
    page.act("writer", "log")
    page.page.locator("#log .entry", has_text=f"{last:09}").wait_for()
    assert time.monotonic() - began < OPEN_SECONDS_MAX

    # Older lines come as one scrolls, and follow each other without a gap.
    for _ in range(30):
        page.run("document.querySelector('#log-scroll').scrollTop = 0")
        page.page.wait_for_timeout(30)
    numbers = [int(text[:9]) for text in entries(page)]
    assert numbers[0] < last - ENTRIES_MAX, "older lines were read"
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) <= ENTRIES_MAX

    page.page.fill("#log-search", "needle")
    page.page.keyboard.press("Enter")
    page.page.locator("#log .entry.current mark", has_text="NEEDLE").wait_for()
    assert page.page.locator("#log-matches").inner_text() == "1 of 1"
    assert f"{middle:09}" in page.page.locator("#log .entry.current").inner_text()
    assert page.page.locator("#log .entry.current").is_visible()

    # From there on downwards, and then to the end.
    for _ in range(10):
        page.run("document.querySelector('#log-scroll').scrollTop = 1e9")
        page.page.wait_for_timeout(30)
    numbers = [int(text[:9]) for text in entries(page)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    page.page.keyboard.press("Escape")
    page.page.locator("#log-scroll").focus()
    page.page.keyboard.press("G")
    page.page.locator("#log .entry", has_text=f"{last:09}").wait_for()
    page.run("gc()")
    assert page.run("performance.memory.usedJSHeapSize") < MEMORY_BYTES_MAX
    assert len(entries(page)) <= ENTRIES_MAX


def test_it_follows_until_one_scrolls_up(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "".join(f"line {number}\n" for number in range(500)))
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="line 499").wait_for()
    feed(daemon, "line 500\n")
    page.page.locator("#log .entry", has_text="line 500").wait_for()
    end = "(() => { const log = document.querySelector('#log-scroll');" \
        " return log.scrollHeight - log.scrollTop - log.clientHeight < 12; })()"
    page.until(end, "the view to be at the end")

    page.page.locator("#log-scroll").hover()
    page.page.mouse.wheel(0, -700)
    page.page.locator("#log-follow").wait_for()
    top = page.run("document.querySelector('#log-scroll').scrollTop")
    feed(daemon, "".join(f"more {number}\n" for number in range(42)))
    page.page.locator("#log-follow", has_text="42 new lines").wait_for()
    assert page.run("document.querySelector('#log-scroll').scrollTop") == top
    page.page.click("#log-follow")
    page.page.locator("#log .entry", has_text="more 41").wait_for()
    page.until(end, "the view to be at the end")
    feed(daemon, "and on\n")
    page.page.locator("#log .entry", has_text="and on").wait_for()
    assert entries(page).count("more 41") == 1


def test_a_pause_holds_everything_still(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "first\n")
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="first").wait_for()
    page.page.click("#log-pause")
    feed(daemon, "second\n")
    page.page.locator("#log-follow", has_text="1 new line").wait_for()
    assert entries(page) == ["first"]
    page.page.click("#log-pause")
    page.page.locator("#log .entry", has_text="second").wait_for()


def test_a_line_that_has_not_ended_is_shown(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "first\nname: ")
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry.partial", has_text="name:").wait_for()
    feed(daemon, "somebody\nnext\n")
    page.page.locator("#log .entry", has_text="next").wait_for()
    assert entries(page) == ["first", "name: somebody", "next"]


def test_a_flood_does_not_freeze_it(daemon, open_page):
    flood = daemon.dir / "flood.py"
    flood.write_text(
        "import sys, time\n"
        "began, count = time.monotonic(), 0\n"
        "while True:\n"
        "    sys.stdout.write(''.join(f'line {count + k} of a flood, as long as lines are\\n'"
        " for k in range(500)))\n"
        "    sys.stdout.flush()\n"
        "    count += 500\n"
        "    time.sleep(max(0, began + count / 10_000 - time.monotonic()))\n"
    )
    log = daemon.dir / "flood.log"
    configure(daemon, log, command=f"/usr/bin/env python3 {flood}")
    page = open_page("#log/writer")
    page.page.locator("#log .entry").first.wait_for()
    page.run(
        "() => { window.longest = 0; window.frames = 0; let last = performance.now();"
        " const frame = (now) => { longest = Math.max(longest, now - last); last = now; frames += 1;"
        " requestAnimationFrame(frame); }; requestAnimationFrame(frame); }"
    )
    page.until("frames > 150", "frames to be painted")
    assert page.run("longest") < 1000, "the page answers within a second at all times"
    assert len(entries(page)) <= ENTRIES_MAX
    # It is at the end, or a moment behind it.
    numbers = [int(text.split()[1]) for text in entries(page)[:-1]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    written = int(log.read_bytes().splitlines()[-2].split()[1])
    assert written - numbers[-1] < 20_000
    page.page.locator("#log-scroll").hover()
    page.page.mouse.wheel(0, -2000)
    page.page.locator("#log-follow", has_text="new lines").wait_for()


def test_colours_are_shown_and_markup_is_not(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(
        log,
        "\x1b[31mred\x1b[0m plain \x1b[1;4mloud\x1b[m\n"
        "\x1b[38;2;1;2;3mexact\x1b[39m \x1b[48;5;196mground\x1b[0m\n"
        "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;\n"
        "\x1b]0;a title\x07after\x1b[2K\x1b[1Athat\n"
        "bell\x07 and \u202eturned\n",
    )
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="turned").wait_for()
    assert entries(page) == [
        "red plain loud",
        "exact ground",
        "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;",
        "afterthat",
        "bell\u2407 and \ufffdturned",
    ]
    assert page.run("document.querySelectorAll('#log img, #log script').length") == 0
    assert page.page.locator("#log .f1").inner_text() == "red"
    assert page.page.locator("#log .bold.underline").inner_text() == "loud"
    exact = page.run("document.querySelectorAll('#log .entry')[1].firstChild.style.color")
    assert exact == "rgb(1, 2, 3)"


def test_matches_are_highlighted_and_stepped_through(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "".join(f"line {number} <b>\x1b[32mOr\x1b[0mder</b>\n" for number in range(300)))
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="line 299").wait_for()
    page.page.fill("#log-search", "ORDER")
    page.page.keyboard.press("Enter")
    matches = page.page.locator("#log-matches")
    until(lambda: matches.inner_text() == "no match", "colours between letters to hide a match")
    page.page.fill("#log-search", "LINE 2")
    page.page.keyboard.press("Enter")
    until(lambda: matches.inner_text() == "111 of 111", "all matches")
    assert page.page.locator("#log mark").first.inner_text() == "line 2"
    page.page.click("#log-previous")
    assert matches.inner_text() == "110 of 111"
    assert "line 298" in page.page.locator("#log .entry.current").inner_text()
    page.page.click("#log-next")
    page.page.click("#log-next")
    assert matches.inner_text() == "1 of 111"
    feed(daemon, "line 2000\n")
    page.page.keyboard.press("Escape")
    until(lambda: page.page.locator("#log mark").count() == 0, "highlights to be gone")


def test_truncation_and_rotation_are_said(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "old line\n" * 50)
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="old line").first.wait_for()
    os.truncate(log, 0)
    feed(daemon, "new line\n")
    page.page.locator("#log-notice", has_text="emptied or begun anew").wait_for()
    until(lambda: entries(page) == ["new line"], "what is in the file now")


def test_wrapping_is_a_choice_that_stays(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "wide " * 2000 + "\n")
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry").first.wait_for()
    wide = "document.querySelector('#log-scroll').scrollWidth > innerWidth"
    assert not page.run(wide)
    page.page.click("#log-wrap")
    assert page.run(wide)
    page.page.reload()
    page.page.locator("#log .entry").first.wait_for()
    assert page.run(wide)
    assert page.page.locator("#log-wrap").get_attribute("aria-pressed") == "false"


def test_a_log_outlives_its_daemon(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "before\n")
    configure(daemon, log)
    page = open_page("#log/writer")
    page.expect("Failed to load resource", "ERR_")
    page.page.locator("#log .entry", has_text="before").wait_for()
    daemon.kill()
    page.page.locator("#log-notice[data-kind=lost]").wait_for()
    daemon.sweep()
    daemon.start()
    feed(daemon, "after\n")
    page.page.locator("#log .entry", has_text="after").wait_for()
    assert entries(page) == ["before", "after"]


def test_lines_without_an_end_and_bytes_without_a_meaning(daemon, open_page):
    log = daemon.dir / "writer.log"
    log.write_bytes(b"A" * 300_000 + b"\n" + bytes(range(256)) * 40 + b"\n" + "äöü€🦀".encode() * 4000 + b"\nend\n")
    configure(daemon, log)
    page = open_page("#log/writer")
    page.page.locator("#log .entry", has_text="end").last.wait_for()
    shown = entries(page)
    assert shown[-1] == "end"
    assert max(map(len, shown)) <= 8192
    crabs = "".join(text for text in shown if "🦀" in text or "€" in text)
    assert "\ufffd" not in crabs, "no character is torn"
    assert len(crabs) == 5 * 4000
    for _ in range(20):
        page.run("document.querySelector('#log-scroll').scrollTop = 0")
        page.page.wait_for_timeout(30)
    assert sum(text.count("A") for text in entries(page) if set(text) == {"A"}) == 300_000


def test_a_log_that_cannot_be_read_says_why_and_can_be_tried_again(daemon, open_page):
    daemon.configure("[program:mute]\ncommand=/bin/cat\nstdout_logfile=NONE\nstderr_logfile=NONE\n")
    daemon.start()
    daemon.wait_state("mute", "RUNNING")
    page = open_page("#log/mute")
    page.expect("Failed to load resource")
    page.page.locator("#log-notice", has_text="cannot be read").wait_for()
    assert page.page.locator("#log-retry").is_visible()
    page = open_page("#log/nobody")
    page.expect("Failed to load resource")
    page.page.locator("#log-notice", has_text="BAD_NAME").wait_for()


def test_a_log_that_nobody_looks_at_lets_go_and_goes_on(daemon, open_page):
    log = daemon.dir / "writer.log"
    append(log, "first\n")
    configure(daemon, log)
    page = open_page(go=False)
    page.page.clock.install()
    page.open("#log/writer")
    page.page.locator("#log .entry", has_text="first").wait_for()
    see = "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });" \
        " document.dispatchEvent(new Event('visibilitychange')); }"
    page.run(see, True)
    page.page.clock.run_for(31_000)
    feed(daemon, "second\n")
    until(lambda: "second" in log.read_text(), "it to be written")
    page.page.clock.run_for(1000)
    assert entries(page) == ["first"]
    page.run(see, False)

    def went_on():
        page.page.clock.run_for(200)
        return entries(page) == ["first", "second"]

    until(went_on, "what was written meanwhile")
