"""A thousand programs."""

from web.rig import until

PROGRAMS = 1000

PAINT_MILLISECONDS_MAX = 1000
"""How long after the navigation programs have to be on the screen."""

LOADS = 3
"""Loads, of which the fastest counts: the first fills caches, and the machine is shared."""


def test_a_thousand_are_painted_within_a_second_and_one_change_touches_one_row(daemon, open_page):
    daemon.configure(
        "".join(
            f"[program:service{number:02}]\ncommand=/bin/sleep 1000\nautostart=false\n"
            "process_name=%(program_name)s_%(process_num)02d\nnumprocs=10\n"
            for number in range(PROGRAMS // 10)
        )
    )
    daemon.start()
    page = open_page(go=False)
    painted = []
    for _ in range(LOADS):
        page.open()
        page.until("performance.getEntriesByName('programs-all').length > 0", "all rows")
        painted.append(page.run("performance.getEntriesByName('programs-first')[0].startTime"))
    assert min(painted) < PAINT_MILLISECONDS_MAX, painted
    assert page.page.locator("li.row").count() == PROGRAMS
    assert page.page.locator('.chip[data-state="STOPPED"] b').inner_text() == "1,000"

    # Times go on by themselves; everything else in a row changes only with its program.
    page.run(
        """() => {
            window.touched = new Set();
            window.watcher = new MutationObserver((changes) => {
                for (const { target } of changes) {
                    const element = target.nodeType === 1 ? target : target.parentElement;
                    if (element?.closest("time")) continue;
                    const row = element?.closest("li.row");
                    if (row) touched.add(row.dataset.id);
                }
            });
            watcher.observe(document.body, {
                subtree: true, childList: true, attributes: true, characterData: true,
            });
        }"""
    )
    name = "service42:service42_07"
    daemon.post(f"program/start/here/{name.replace(':', '%3A')}")
    page.wait_state(name, "RUNNING")
    until(lambda: page.page.locator('.chip[data-state="RUNNING"] b').inner_text() == "1", "the count")
    assert page.run("[...touched]") == [name]

    page.page.fill("#search", "service42")
    assert page.page.locator("li.row:visible").count() == 10


def test_an_hour_of_events_leaves_no_memory_behind(daemon, open_page):
    """A program that comes and goes all the time, and plots that are full."""
    daemon.configure(
        "[program:flaps]\ncommand=/bin/sh -c 'exit 0'\nstartsecs=0\nautorestart=true\n"
        + "".join(f"[program:calm{number}]\ncommand=/bin/cat\n" for number in range(20))
    )
    daemon.start()
    page = open_page()
    page.wait_state("calm19", "RUNNING")
    # As many samples as plots keep and more, as if an hour had passed.
    page.run(
        """async () => {
            const base = document.querySelector("script[type=module]").src.replace(/main.js$/, "");
            const store = await import(base + "store.js");
            window.hour = (rounds) => {
                const begin = Date.now() / 1000;
                for (let round = 0; round < rounds; round += 1) {
                    const usage = {};
                    for (let number = 0; number < 20; number += 1) usage[`calm${number}`] = [round % 9, 1e6];
                    store.takeTick({ time: begin + round * 5, node: { cpu_percent: 5 }, usage });
                }
            };
        }"""
    )
    page.run("hour(200)")
    page.run("gc()")
    before = page.run("[performance.memory.usedJSHeapSize, document.querySelectorAll('*').length]")
    page.run("hour(720)")
    page.run("gc()")
    after = page.run("[performance.memory.usedJSHeapSize, document.querySelectorAll('*').length]")
    assert after[0] - before[0] < 2_000_000, (before, after)
    assert abs(after[1] - before[1]) < 50, (before, after)
