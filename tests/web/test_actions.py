"""Every button does what it says, and says what came of it."""

import pytest

from web.rig import until

PROGRAMS = """
[program:cat]
command=/bin/cat
[program:idle]
command=/bin/sleep 1000
autostart=false
[program:hears]
command=/bin/sh -c 'trap "echo heard USR1" USR1; trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done'
[program:gone]
command=/nowhere/program
autostart=false
[program:pair]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs=3
"""


@pytest.fixture
def page(daemon, open_page):
    daemon.configure(PROGRAMS)
    daemon.start()
    for name in ("cat", "hears", "pair:pair_0", "pair:pair_1", "pair:pair_2"):
        daemon.wait_state(name, "RUNNING")
    return open_page()


def buttons(page, name):
    shown = page.row(name).locator(".actions button:visible")
    return [button.get_attribute("data-act") for button in shown.all()]


def test_a_row_starts_stops_and_restarts(page, daemon):
    assert buttons(page, "idle") == ["start", "log", "more"]
    page.act("idle", "start")
    page.wait_state("idle", "RUNNING")
    assert "started" in page.note("idle", "ok")
    first = daemon.info("idle")["pid"]
    assert page.row("idle").locator(".pid").inner_text() == str(first)
    assert buttons(page, "idle") == ["stop", "restart", "log", "more"]

    page.act("idle", "restart")
    until(lambda: daemon.info("idle")["pid"] not in (0, first), "another process")
    page.wait_state("idle", "RUNNING")
    until(lambda: "restarted" in page.note("idle", "ok"), "the word of success")

    page.act("idle", "stop")
    page.wait_state("idle", "STOPPED")
    assert "stopped" in page.row("idle").locator(".state").inner_text()
    assert daemon.info("idle")["pid"] == 0


def test_a_failure_is_told_where_it_was_asked_for(page, daemon):
    page.expect("Failed to load resource")
    page.act("gone", "start")
    assert "NO_FILE" in page.note("gone", "error")
    page.row("gone").locator(".note .close").click()
    assert page.row("gone").locator(".note").count() == 0


def test_signals_are_sent_and_kill_is_asked_about(page, daemon):
    page.act("hears", "more")
    page.choose("signal")
    page.choose("USR1")
    assert "USR1" in page.note("hears", "ok")
    log = daemon.info("hears")["stdout_logfile"]
    until(lambda: "heard USR1" in open(log).read(), "the program to have heard the signal")

    pid = daemon.info("cat")["pid"]
    page.act("cat", "more")
    page.choose("signal")
    page.choose("KILL")
    page.answer("Cancel")
    assert daemon.info("cat")["pid"] == pid, "nothing was sent before it was confirmed"
    page.act("cat", "more")
    page.choose("signal")
    page.choose("KILL")
    page.answer("Send KILL")
    until(lambda: daemon.info("cat")["pid"] not in (0, pid), "it to be started again")


def test_logs_are_cleared_once_it_is_said_again(page, daemon):
    log = daemon.info("hears")["stdout_logfile"]
    until(lambda: "ready" in open(log).read(), "the program's first line")
    page.act("hears", "more")
    page.choose("clear")
    page.answer("Cancel")
    assert "ready" in open(log).read()
    page.act("hears", "more")
    page.choose("clear")
    page.answer("Clear logs")
    until(lambda: open(log).read() == "", "the log to be empty")
    assert "cleared" in page.note("hears", "ok")


def test_a_rows_menu_leads_to_its_panel_and_logs(page):
    page.act("hears", "more")
    page.choose("details")
    page.page.locator("#panel h2", has_text="hears").wait_for()
    page.page.click("#panel-close")
    page.page.locator("#panel").wait_for(state="hidden")
    for channel in ("stdout", "stderr"):
        page.act("hears", "more")
        page.choose(channel)
        page.page.locator(f"#log-{channel}[aria-pressed=true]").wait_for()
        page.page.click("#log-back")
        page.page.locator("#log").wait_for(state="hidden")
    page.act("hears", "log")
    page.page.locator("#log .entry", has_text="ready").first.wait_for()


def test_the_panel_tells_what_is_known_and_acts(page, daemon):
    page.row("hears").locator(".name").click()
    panel = page.page.locator("#panel")
    panel.locator("dt", has_text="Configured").wait_for()
    told = panel.inner_text()
    assert "supervisord.conf:" in told
    assert "trap" in told, "the command"
    assert "TERM" in told, "what it is stopped with"
    assert panel.locator(".times li").count() >= 2, "its last changes"
    panel.locator("[data-act=signal]").click()
    page.choose("USR1")
    log = daemon.info("hears")["stdout_logfile"]
    until(lambda: "heard USR1" in open(log).read(), "the program to have heard the signal")
    panel.locator("[data-act=stop]").click()
    panel.locator(".panel-head[data-state=STOPPED]").wait_for()
    panel.locator("[data-act=start]").click()
    panel.locator(".panel-head[data-state=RUNNING]").wait_for()
    before = daemon.info("hears")["pid"]
    panel.locator("[data-act=restart]").click()
    until(lambda: daemon.info("hears")["pid"] not in (0, before), "another process")
    panel.locator("[data-act=log]").click()
    page.page.locator("#log .entry", has_text="ready").first.wait_for()


def test_a_groups_menu_acts_on_all_of_it(page, daemon):
    more = page.page.locator(".more[data-group=pair]")
    more.click()
    page.choose("stop")
    page.answer("Stop 3")
    for number in range(3):
        page.wait_state(f"pair:pair_{number}", "STOPPED")
    page.page.locator("#results-title", has_text="3 stopped").wait_for()
    page.page.click("#close-results")
    more.click()
    page.choose("start")
    for number in range(3):
        page.wait_state(f"pair:pair_{number}", "RUNNING")


def select(page, *names):
    for name in names:
        page.row(name).locator("input").check()


def test_several_are_acted_on_and_each_outcome_is_told(page, daemon):
    select(page, "cat", "hears", "gone")
    bar = page.page.locator("#selection")
    assert "3 selected" in bar.inner_text()
    bar.locator("[data-act=stop]").click()
    assert "cat" in page.page.locator("dialog[open]").inner_text()
    page.answer("Stop 2")
    page.wait_state("cat", "STOPPED")
    page.wait_state("hears", "STOPPED")
    results = page.page.locator("#results")
    results.locator("#results-title", has_text="2 stopped, 1 left as they were").wait_for()

    bar.locator("[data-act=start]").click()
    results.locator("#results-title", has_text="2 started, 1 failed").wait_for()
    assert "NO_FILE" in results.locator("li.error").inner_text()
    page.wait_state("cat", "RUNNING")

    bar.locator("[data-act=signal]").click()
    page.choose("USR1")
    results.locator("#results-title", has_text="got USR1").wait_for()
    bar.locator("[data-act=none]").click()
    bar.wait_for(state="hidden")


def test_a_range_is_selected_with_shift(page):
    page.row("pair:pair_0").locator("input").check()
    page.row("pair:pair_2").locator("input").click(modifiers=["Shift"])
    assert "3 selected" in page.page.locator("#selected").inner_text()


def test_a_reload_shows_its_plan_and_then_applies_it(page, daemon):
    page.menu("reload")
    page.page.locator("dialog[open] h2", has_text="Nothing to reload").wait_for()
    page.answer("Close")

    kept = PROGRAMS.replace("/bin/sleep 1000", "/bin/sleep 2000")
    kept = kept.replace("[program:gone]\ncommand=/nowhere/program\nautostart=false\n", "")
    daemon.configure(kept + "[program:new]\ncommand=/bin/cat\n")
    page.menu("reload")
    plan = page.page.locator("dialog.plan")
    plan.wait_for()
    for kind, name in (("added", "new"), ("changed", "idle"), ("removed", "gone")):
        assert name in plan.locator(f"section.{kind}").inner_text()
    page.answer("Cancel")
    assert page.row("new").count() == 0, "nothing was applied"

    page.menu("reload")
    page.answer("Apply")
    page.page.locator("dialog[open] h2", has_text="was applied").wait_for()
    page.answer("Close")
    page.wait_state("new", "RUNNING")
    page.row("gone").wait_for(state="detached")


def test_a_configuration_with_errors_changes_nothing(page, daemon):
    page.expect("Failed to load resource")
    daemon.configure(PROGRAMS + "[program:bad]\nautostart=true\n")
    page.menu("reload")
    dialog = page.page.locator("dialog[open]")
    dialog.locator(".failure").wait_for()
    assert "CANT_REREAD" in dialog.inner_text()
    assert "Nothing was changed" in dialog.inner_text()
    page.answer("Close")
    assert page.state("cat") == "RUNNING"


def test_the_daemon_restarts_when_it_is_confirmed(page, daemon):
    page.expect("Failed to load resource", "ERR_")
    before = daemon.info("cat")["pid"]
    page.menu("restart")
    page.answer("Cancel")
    assert daemon.info("cat")["pid"] == before
    page.menu("restart")
    page.answer("Restart")
    page.until(
        f"""(() => {{
            const pid = document.querySelector('li.row[data-id="cat"] .pid')?.textContent;
            return pid && pid !== "{before}" && document.querySelector("#live").dataset.life === "live";
        }})()""",
        "the page to show the programs of the next life",
    )


def test_the_daemon_shuts_down_when_its_name_is_typed(page, daemon):
    page.expect("Failed to load resource", "ERR_")
    page.menu("shutdown")
    button = page.page.locator("dialog[open] .buttons .danger")
    assert button.is_disabled()
    page.page.fill("#typed", "elsewhere")
    assert button.is_disabled()
    page.page.fill("#typed", "here")
    button.click()
    page.page.locator("dialog[open] h2", has_text="shutting down").wait_for()
    assert daemon.process.wait(30) == 0
    page.page.locator("#live[data-life=lost]").wait_for()


def test_the_main_log_opens_and_is_cleared(page, daemon):
    page.menu("mainlog")
    page.page.locator("#log .entry", has_text="supervisord started with pid").wait_for()
    page.page.click("#log-clear")
    page.answer("Clear log")
    main = daemon.dir / "main.log"
    until(lambda: "started with pid" not in main.read_text(), "the main log to be empty")


def test_states_and_words_filter(page):
    shown = "li.row:visible"
    everything = page.page.locator(shown).count()
    page.page.click('.chip[data-state="STOPPED"]')
    assert page.page.locator(shown).count() == 2
    page.page.click('.chip[data-state="STOPPED"]')
    assert page.page.locator(shown).count() == everything
    page.page.fill("#search", "PAIR_1")
    assert page.page.locator(shown).count() == 1
    page.page.fill("#search", "there is nothing of that name")
    page.page.locator("#empty", has_text="No program matches").wait_for()
    page.page.click("#clear-filter")
    assert page.page.locator(shown).count() == everything


def test_a_group_folds_and_stays_so(page):
    fold = page.page.locator(".fold", has_text="pair")
    fold.click()
    assert not page.row("pair:pair_0").is_visible()
    page.open()
    assert not page.row("pair:pair_0").is_visible()
    page.page.locator(".fold", has_text="pair").click()
    assert page.row("pair:pair_0").is_visible()


def test_a_log_is_downloaded(page, daemon):
    page.act("hears", "log")
    page.page.locator("#log .entry").first.wait_for()
    with page.page.expect_download() as download:
        page.page.click("#log-download")
    assert "ready" in open(download.value.path()).read()


def test_no_programs_is_said(daemon, open_page):
    daemon.configure("")
    daemon.start()
    page = open_page()
    page.page.locator("#empty", has_text="No programs yet").wait_for()
