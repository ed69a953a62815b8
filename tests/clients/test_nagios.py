"""nagios-check-supervisord, over TCP and over the unix socket: what it says and exits with."""

import pytest

from clients.tools import BIN

CONFIG = """
[inet_http_server]
port=127.0.0.1:@PORT@
{password}
[program:cat]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
autostart=false
[program:hopeless]
command=/bin/sh -c "exit 1"
startsecs=1
startretries=0
autostart=false
[program:nowhere]
command=/nonexistent/program
startretries=0
autostart=false
"""

WHERE = {
    "inet": ["-s", "127.0.0.1", "-p", "@PORT@"],
    "unix": ["-s", "@DIR@/s.sock"],
}


def check(world, where, *arguments):
    said = world.run_client(BIN / "check_supervisord.py", *WHERE[where], *arguments)
    assert said.stderr == ""
    return said.exit, said.stdout


@pytest.mark.parametrize("where", WHERE)
def test_what_it_says_of_every_state(launch, where):
    world = launch(CONFIG.format(password=""), "cat")
    well = "'{}': OK"
    code, said = check(world, where)
    assert code == 0
    assert set(said.removeprefix("OK: ").strip().split(", ")) == {
        well.format(name) for name in ("cat", "off", "hopeless", "nowhere")
    }
    # Who has to run, and does not.
    code, said = check(world, where, "-P", "cat,off", "--stopped-state-exit-code", "critical")
    assert (code, said) == (2, "CRITICAL: problem with 'off': (STOPPED), 'cat': OK\n")
    assert check(world, where, "-P", "unheard-of") == (
        0, "OK: 'unheard-of' not found in server response\n",
    )
    world.call("supervisor.startProcess", "hopeless")
    world.wait_state("hopeless", "FATAL")
    code, said = check(world, where, "-P", "cat,hopeless")
    assert code == 2
    assert said.startswith("CRITICAL: problem with 'hopeless': (Exited too quickly")
    assert said.endswith(", 'cat': OK\n")


def test_a_password(launch):
    world = launch(CONFIG.format(password="username=nagios\npassword=secret"), "cat")
    right = ["-u", "nagios", "-S", "secret", "-P", "cat"]
    assert check(world, "inet", *right) == (0, "OK: 'cat': OK\n")
    wrong = ["-u", "nagios", "-S", "wrong", "-P", "cat"]
    code, said = check(world, "inet", *wrong, "--network-errors-exit-code", "critical")
    assert code == 2
    assert said.startswith("ERROR: Server communication problem. ")
    assert "401 Unauthorized" in said


@pytest.mark.parametrize("where", WHERE)
def test_a_daemon_that_is_gone(launch, where):
    world = launch(CONFIG.format(password=""), "cat")
    world.process.terminate()
    world.exit_status()
    code, said = check(world, where)
    assert code == 3
    assert said.startswith("ERROR: Server communication problem. ")
