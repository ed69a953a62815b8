"""What a person sees who watches: programs that die, a daemon that dies, roles."""

import os
import signal

from web.rig import until


def test_a_program_that_dies_is_seen_at_once(daemon, open_page):
    daemon.configure("[program:frail]\ncommand=/bin/sleep 1000\nautorestart=false\n")
    daemon.start()
    pid = daemon.wait_state("frail", "RUNNING")["pid"]
    page = open_page()
    assert page.page.locator("#verdict").inner_text() == "All is well"
    os.kill(pid, signal.SIGKILL)
    page.wait_state("frail", "EXITED")
    state = page.row("frail").locator(".state").inner_text()
    assert "SIGKILL" in state, "the reason, by the signal's name"
    assert page.page.locator(".attention li.row").count() == 1
    assert page.page.locator("#verdict").inner_text() == "1 needs attention"
    assert page.page.title().startswith("(1) ")
    until(
        lambda: "frail" in page.page.locator("#announcements").inner_text(),
        "the change to be told to who cannot see it",
    )


def test_what_is_broken_comes_first_and_says_why(daemon, open_page):
    daemon.configure(
        "[program:aaa]\ncommand=/bin/cat\n"
        "[program:zzz]\ncommand=/bin/sh -c 'exit 7'\nstartretries=0\n"
        "[program:yyy]\ncommand=/bin/sh -c 'exit 3'\nstartretries=1000\n"
    )
    daemon.start()
    daemon.wait_state("zzz", "FATAL")
    page = open_page()
    page.wait_state("zzz", "FATAL")
    names = page.run("[...document.querySelectorAll('li.row')].map((row) => row.dataset.id)")
    assert names == ["zzz", "yyy", "aaa"]
    assert "status 7" in page.row("zzz").locator(".state").inner_text()
    page.wait_state("yyy", "BACKOFF")
    until(lambda: "try " in page.row("yyy").locator(".state").inner_text(), "which try it is")


def test_a_daemon_that_dies_is_seen_and_so_is_its_return(daemon, open_page):
    daemon.configure("[program:cat]\ncommand=/bin/cat\n")
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page()
    page.expect("Failed to load resource", "ERR_")
    daemon.kill()
    page.page.locator("#live[data-life=lost]").wait_for(timeout=8000)
    until(
        lambda: "reconnecting, last seen" in page.page.locator("#live").inner_text(),
        "the words for it",
    )
    until(
        lambda: float(page.run("getComputedStyle(document.querySelector('main')).opacity")) < 0.7,
        "the page to be grey",
    )
    assert "not connected" in page.page.title()
    page.act("cat", "stop")
    assert "UNREACHABLE" in page.note("cat", "error"), "nothing claims success"

    daemon.start()
    page.page.locator("#live[data-life=live]").wait_for()
    pid = daemon.wait_state("cat", "RUNNING")["pid"]
    until(lambda: page.row("cat").locator(".pid").inner_text() == str(pid), "the new process")
    until(
        lambda: page.run("getComputedStyle(document.querySelector('main')).opacity") == "1",
        "the page to be grey no longer",
    )


def test_silence_is_noticed(daemon, open_page):
    """A daemon that is stopped sends nothing, and no connection breaks."""
    daemon.configure("[program:cat]\ncommand=/bin/cat\n")
    daemon.start()
    page = open_page()
    page.expect("Failed to load resource", "ERR_")
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        page.page.locator("#live[data-life=lost]").wait_for(timeout=25000)
        assert page.run("document.body.classList.contains('stale')")
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    page.page.locator("#live[data-life=live]").wait_for(timeout=30000)


def test_a_viewer_sees_no_button_that_would_be_refused(daemon, open_page):
    daemon.configure("[program:cat]\ncommand=/bin/cat\n", server="role=viewer")
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page()
    shown = page.row("cat").locator(".actions button:visible").all()
    assert [button.get_attribute("data-act") for button in shown] == ["log", "more"]
    assert not page.row("cat").locator("input").is_visible()
    page.act("cat", "more")
    offered = page.page.locator(".menu button").all()
    acts = {button.get_attribute("data-act") for button in offered}
    assert acts == {"details", "stdout", "stderr"}
    page.page.keyboard.press("Escape")
    page.page.click("#menu")
    offered = page.page.locator(".menu button").all()
    acts = {button.get_attribute("data-act") for button in offered}
    assert not acts & {"reload", "restart", "shutdown"}
    page.page.keyboard.press("Escape")
    page.act("cat", "log")
    page.page.locator("#log").wait_for()
    assert not page.page.locator("#log-clear").is_visible()


def test_an_operator_acts_on_programs_and_not_on_the_daemon(daemon, open_page):
    daemon.configure("[program:cat]\ncommand=/bin/cat\n", server="role=operator")
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page()
    page.act("cat", "stop")
    page.wait_state("cat", "STOPPED")
    page.page.click("#menu")
    offered = page.page.locator(".menu button").all()
    acts = {button.get_attribute("data-act") for button in offered}
    assert "mainlog" in acts
    assert not acts & {"reload", "restart", "shutdown"}
    page.choose("mainlog")
    page.page.locator("#log .entry").first.wait_for()
    assert not page.page.locator("#log-clear").is_visible()


def test_it_works_behind_a_password(daemon, open_page):
    daemon.user = ("me", "a secret")
    daemon.configure("[program:cat]\ncommand=/bin/cat\n", server="username=me\npassword=a secret")
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page(http_credentials={"username": "me", "password": "a secret"})
    page.act("cat", "stop")
    page.wait_state("cat", "STOPPED")
    page.menu("mainlog")
    page.page.locator("#log .entry", has_text="started with pid").first.wait_for()


def test_addresses_lead_to_panels_and_logs(daemon, open_page):
    daemon.configure("[program:cat]\ncommand=/bin/cat\n")
    daemon.start()
    daemon.wait_state("cat", "RUNNING")
    page = open_page("#p/cat")
    page.page.locator("#panel h2", has_text="cat").wait_for()
    page = open_page("#log/cat/stderr")
    page.page.locator("#log-stderr[aria-pressed=true]").wait_for()
    page.page.locator("#log-empty").wait_for()
    page.page.keyboard.press("Escape")
    page.page.locator("#log").wait_for(state="hidden")
    page = open_page("tail.html")
    page.page.locator("#log .entry", has_text="started with pid").first.wait_for()
    page = open_page("tail.html?processname=cat")
    page.page.locator("#log-title", has_text="cat").wait_for()
    page = open_page("#p/nobody")
    page.page.locator("#panel", has_text="There is no program called nobody").wait_for()
