"""Several daemons on one page, and a page below a path of a proxy."""

import pytest

from web.rig import Daemon, until


@pytest.fixture
def pair(supervisord, tmp_path, daemon):
    """The daemon whose page is looked at, and another that it knows."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = Daemon(supervisord, elsewhere, name="there")
    other.configure(
        "[program:far]\ncommand=/bin/cat\n"
        "[program:broken]\ncommand=/bin/sh -c 'exit 9'\nstartretries=0\n"
    )
    other.start()
    daemon.configure(
        "[program:near]\ncommand=/bin/cat\n", server=f"remotes=there:127.0.0.1:{other.port}"
    )
    daemon.start()
    daemon.wait_state("near", "RUNNING")
    other.wait_state("far", "RUNNING")
    other.wait_state("broken", "FATAL")
    yield daemon, other
    other.close()


def test_each_node_has_its_section_and_its_programs_obey(pair, open_page):
    _, other = pair
    page = open_page()
    page.expect("Failed to load resource")
    page.wait_state("far", "RUNNING")
    names = page.run("[...document.querySelectorAll('section.node')].map((node) => node.dataset.node)")
    assert names == ["here", "there"], "ours is the first"
    there = page.page.locator("section.node[data-node=there]")
    assert "1 running · 1 fatal" in there.locator(".status").inner_text()
    assert there.locator(".attention li.row").get_attribute("data-id") == "broken"

    page.act("far", "stop")
    page.wait_state("far", "STOPPED")
    assert other.info("far")["statename"] == "STOPPED"
    page.act("far", "start")
    page.wait_state("far", "RUNNING")
    first = other.info("far")["pid"]
    page.act("far", "restart")
    until(lambda: other.info("far")["pid"] not in (0, first), "another process")
    page.act("far", "more")
    page.choose("signal")
    page.choose("CONT")
    until(lambda: "CONT" in page.note("far", "ok"), "the word of success")
    page.act("broken", "start")
    assert "broken" in page.note("broken", "error") or "_" in page.note("broken", "error")

    page.row("far").locator(".name").click()
    page.page.locator("#panel dt", has_text="Configured").wait_for()
    assert str(other.dir) in page.page.locator("#panel").inner_text()
    page.page.click("#panel-close")
    there.locator(".node-head .more").click()
    page.choose("mainlog")
    page.page.locator("#log .entry", has_text="entered RUNNING state").first.wait_for()
    assert "Main log on there" in page.page.locator("#log-title").inner_text()


def test_a_node_that_is_gone_is_said_to_be(pair, open_page):
    _, other = pair
    page = open_page()
    page.wait_state("far", "RUNNING")
    other.kill()
    there = page.page.locator("section.node[data-node=there]")
    there.locator(".node-head[data-status=offline]").wait_for(timeout=60_000)
    assert "does not answer" in there.locator(".why").inner_text()
    assert "offline" in page.page.locator("#verdict").inner_text()
    if page.row("far").count():
        shown = page.row("far").locator(".actions button:visible").all()
        acts = [button.get_attribute("data-act") for button in shown]
        assert "stop" not in acts, "no action that cannot be done"
    other.start()
    there.locator(".node-head[data-status=online]").wait_for(timeout=60_000)
    page.wait_state("far", "RUNNING")


def test_the_page_works_below_another_path(daemon, open_page):
    daemon.configure("[program:cat]\ncommand=/bin/cat\n", server="base_path=/one/two")
    daemon.base = "one/two/"
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page()
    page.act("cat", "stop")
    page.wait_state("cat", "STOPPED")
    page.menu("mainlog")
    page.page.locator("#log .entry", has_text="started with pid").first.wait_for()
