"""supervisor_checks as a listener: what fails its check is restarted, what passes is not."""

import pytest

CONFIG = """
[program:web]
command=@PYTHON@ @PROGRAMS@/web.py @FREE@
startsecs=0
stopsignal=KILL
[eventlistener:check]
command=@BIN@/{command}
events=TICK_5
startsecs=0
stderr_logfile=@DIR@/check.err
"""

NAMED = "-n mine -g web"

CHECKS = {
    "tcp": (f"supervisor_tcp_check {NAMED} -p @FREE@ -t 2 -r 0", "USR2"),
    "http": (f"supervisor_http_check {NAMED} -p @FREE@ -u /ping -t 2 -r 0", "USR1"),
    "memory": (f"supervisor_memory_check {NAMED} -m 61440", "HUP"),
}


@pytest.mark.parametrize("kind", CHECKS)
def test_what_fails_its_check_is_restarted(launch, kind):
    command, wrong = CHECKS[kind]
    world = launch(CONFIG.format(command=command), "web", "check")
    world.until(lambda: world.web_pid() == world.info("web")["pid"], "the web server to answer")
    before = world.web_pid()
    passed = f"`{kind}` check succeeded for process web"
    world.until(lambda: passed in (world.text("check.err") or ""), "a check that succeeds")
    assert world.info("web")["pid"] == before
    world.call("supervisor.signalProcess", "web", wrong)
    world.until(lambda: world.info("web")["pid"] not in (0, before), "the restart")
    world.until(lambda: world.web_pid() == world.info("web")["pid"], "the web server's return")
    assert not world.alive(before)
    assert f"`{kind}` check failed for process web. Trying to restart." in world.text("check.err")
    # Told to stop, it says so and ends by itself: nobody has to kill it.
    assert world.call("supervisor.stopProcess", "check") is True
    assert world.text("check.err").rstrip().endswith("Done.")
