"""The service: readiness, reload, the watchdog, the end."""

import http.client
import signal
import xmlrpc.client

import pytest

from systemd.conftest import REPOSITORY
from systemd.container import SERVICE, sleeper, until

# --- start -------------------------------------------------------------------------------------


def test_started_is_ready(box, programs):
    programs(sleeper("one") + sleeper("two"))
    box.systemctl("start", SERVICE)
    assert box.rpc().supervisor.getState()["statename"] == "RUNNING"
    pid = box.main_pid()
    assert box.rpc().supervisor.getPID() == pid
    assert box.text("/run/supervisord.pid").strip() == str(pid)
    until(lambda: box.show(SERVICE, "StatusText")["StatusText"] == "2 of 2 programs running",
          "the state of the fleet")


def test_directories(box):
    box.systemctl("start", SERVICE)
    for directory in ("/var/lib/supervisor", "/run/supervisor", "/var/log/supervisor"):
        assert box.path(directory).is_dir()
    assert "supervisord started with pid" in box.text("/var/log/supervisor/supervisord.log")


def test_who_comes_after_finds_it_ready(box, programs, unit):
    # So many that the daemon is not ready the moment it is started.
    programs("""
[program:many]
command=/bin/true
process_name=%(program_name)s_%(process_num)d
numprocs=20000
autostart=false
""")
    after = unit("after", f"""
[Unit]
Requires={SERVICE}
After={SERVICE}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=supervisorctl version
""")
    box.systemctl("start", after)
    ready = box.show(SERVICE, "ActiveEnterTimestampMonotonic")["ActiveEnterTimestampMonotonic"]
    began = box.show(after, "ExecMainStartTimestampMonotonic")["ExecMainStartTimestampMonotonic"]
    assert 0 < int(ready) <= int(began)


def test_a_configuration_with_errors(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nRestart=no\n")
    programs("[program:broken]\nautostart=perhaps\n")
    assert box.run("systemctl", "start", SERVICE).returncode != 0
    shown = box.show(SERVICE, "Result", "ExecMainStatus", "StatusText")
    assert (shown["Result"], shown["ExecMainStatus"]) == ("exit-code", "2")
    assert "programs.conf:2" in shown["StatusText"]
    assert "programs.conf:1" in shown["StatusText"], "every error at once"


def test_environment(box, programs):
    box.write("/etc/default/supervisord", "COLOUR=green\n")
    programs(sleeper("one") + "environment=SHADE=\"dark %(ENV_COLOUR)s\"\n")
    box.systemctl("start", SERVICE)
    pid = box.info("one")["pid"]
    seen = dict(line.split("=", 1)
                for line in box.text(f"/proc/{pid}/environ").split("\0") if "=" in line)
    assert (seen["COLOUR"], seen["SHADE"]) == ("green", "dark green")
    ours = {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC",
            "WATCHDOG_PID"}
    assert not ours & set(seen), "what systemd tells the daemon is not the program's business"


# --- reload ------------------------------------------------------------------------------------


def check_reload(box, programs):
    for name in ("same", "changed", "removed", "stopped"):
        programs(sleeper(name), name)
    box.systemctl("start", SERVICE)
    box.ctl("stop", "stopped")
    before = {info["name"]: info for info in box.rpc().supervisor.getAllProcessInfo()}
    daemon = box.main_pid()

    programs(sleeper("changed", 2000), "changed")
    programs(sleeper("added"), "added")
    box.path("/etc/supervisor/conf.d/removed.conf").unlink()
    box.systemctl("reload", SERVICE)
    until(lambda: "added" in names(box), "the reload")

    after = {info["name"]: info for info in box.rpc().supervisor.getAllProcessInfo()}
    assert sorted(after) == ["added", "changed", "same", "stopped"]
    assert after["same"]["pid"] == before["same"]["pid"]
    assert after["changed"]["pid"] not in (0, before["changed"]["pid"])
    assert after["added"]["statename"] == "RUNNING"
    assert after["stopped"]["statename"] == "STOPPED"
    assert box.main_pid() == daemon
    assert box.text(f"/proc/{after['changed']['pid']}/cmdline") == "/bin/sleep\x002000\0"


def names(box) -> list[str]:
    return [info["name"] for info in box.rpc().supervisor.getAllProcessInfo()]


def test_reload_applies_what_changed_and_touches_nothing_else(box, programs):
    check_reload(box, programs)


def test_a_reload_that_is_over_is_applied(box, programs):
    box.systemctl("start", SERVICE)
    for number in range(5):
        programs(sleeper(f"p{number}"), f"p{number}")
        box.systemctl("reload", SERVICE)
        assert f"p{number}" in names(box), "systemctl came back too soon"


def test_a_reload_of_a_configuration_with_errors(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    pid = box.info("one")["pid"]
    programs(sleeper("one", 2000) + "autostart=perhaps\n")
    box.systemctl("reload", SERVICE)
    shown = box.show(SERVICE, "ActiveState", "StatusText")
    assert shown["ActiveState"] == "active"
    assert "the last reload failed" in shown["StatusText"]
    assert "programs.conf:5" in shown["StatusText"]
    assert box.info("one")["pid"] == pid

    programs(sleeper("one"))
    box.systemctl("reload", SERVICE)
    assert "failed" not in box.show(SERVICE, "StatusText")["StatusText"]
    assert box.info("one")["pid"] == pid


def test_the_drop_in_for_older_systemd(box, programs, drop_in):
    text = (REPOSITORY / "systemd" / "supervisord.service.d" / "before-253.conf").read_text()
    drop_in(SERVICE, text)
    assert box.show(SERVICE, "Type")["Type"] == "notify"
    check_reload(box, programs)


def test_a_restart_within_the_daemon(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    daemon, before = box.main_pid(), box.info("one")["pid"]
    box.systemctl("kill", "--kill-whom=main", "--signal=SIGHUP", SERVICE)
    until(lambda: running_anew(box, "one", before), "the restart")
    until(lambda: box.show(SERVICE, "SubState")["SubState"] == "running", "the end of the restart")
    assert box.main_pid() == daemon


def running_anew(box, name: str, before: int) -> bool:
    try:
        info = box.info(name)
    except (OSError, xmlrpc.client.Error, http.client.HTTPException):
        return False
    return info["statename"] == "RUNNING" and info["pid"] != before


# --- the watchdog ------------------------------------------------------------------------------


def test_a_daemon_that_has_stopped_is_replaced(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nWatchdogSec=2\n")
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    daemon, program = box.main_pid(), box.info("one")["pid"]
    box.do("kill", "-STOP", str(daemon))
    until(lambda: box.show(SERVICE, "NRestarts")["NRestarts"] == "1", "the watchdog")
    until(lambda: box.show(SERVICE, "ActiveState")["ActiveState"] == "active", "the new daemon")
    assert box.main_pid() != daemon
    assert box.wait_state("one", "RUNNING")["pid"] != program
    assert not box.path(f"/proc/{program}").exists(), "a program without a supervisor"
    assert any("Watchdog timeout" in entry["MESSAGE"]
               for entry in box.journal(f"UNIT={SERVICE}", "_PID=1"))


def test_signs_of_life(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nWatchdogSec=1\n")
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    seen = set()
    key = "WatchdogTimestampMonotonic"
    until(lambda: seen.add(box.show(SERVICE, key)[key]) or len(seen) > 4, "signs of life")
    assert box.show(SERVICE, "NRestarts")["NRestarts"] == "0"


def test_a_daemon_that_was_killed_is_replaced(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    daemon, program = box.main_pid(), box.info("one")["pid"]
    box.do("kill", "-KILL", str(daemon))
    until(lambda: box.main_pid() not in (0, daemon), "the new daemon")
    until(lambda: box.show(SERVICE, "ActiveState")["ActiveState"] == "active", "its readiness")
    assert not box.path(f"/proc/{program}").exists()
    box.wait_state("one", "RUNNING")


# --- the end -----------------------------------------------------------------------------------

SLOW = """\
#!/bin/sh
trap 'sleep 3; echo over >/run/supervisor-slow; exit 0' TERM
while :; do sleep 1000 & wait; done
"""


def test_stopping_takes_as_long_as_the_programs_may(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nTimeoutStopSec=1\n")
    box.path("/run/supervisor-slow").unlink(missing_ok=True)
    box.write("/root/slow", SLOW)
    programs("""
[program:slow]
command=/bin/sh /root/slow
startsecs=0
stopwaitsecs=60
""" + sleeper("quick"))
    box.systemctl("start", SERVICE)
    wait_for_trap(box, "slow")
    box.systemctl("stop", "--no-block", SERVICE)
    until(lambda: "shutting down" in box.show(SERVICE, "StatusText")["StatusText"], "word of it")
    box.systemctl("stop", SERVICE)
    shown = box.show(SERVICE, "Result", "ActiveState")
    assert shown == {"Result": "success", "ActiveState": "inactive"}
    assert box.text("/run/supervisor-slow") == "over\n"


def wait_for_trap(box, name: str) -> None:
    """Waits until a shell has set its trap: it handles SIGTERM (bit 15 of SigCgt)."""

    def caught():
        lines = box.text(f"/proc/{box.info(name)['pid']}/status").splitlines()
        masks = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
        return masks and masks[0] >> (signal.SIGTERM - 1) & 1

    until(caught, f"{name} to be ready for its end")


@pytest.mark.parametrize("how", ["shutdown", "stop"])
def test_an_orderly_end_is_no_failure(box, programs, how):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    box.ctl("shutdown") if how == "shutdown" else box.systemctl("stop", SERVICE)
    until(lambda: box.show(SERVICE, "ActiveState")["ActiveState"] == "inactive", "the end")
    assert box.show(SERVICE, "Result", "NRestarts") == {"Result": "success", "NRestarts": "0"}
    assert not box.path("/run/supervisord.pid").exists()
    assert not box.path("/run/supervisor").exists()
