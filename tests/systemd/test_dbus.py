"""The system bus: activation, signals to a subscriber, and whom polkit lets do what."""

import pytest
from jeepney import DBusAddress, MatchRule, message_bus, new_method_call
from jeepney.io.blocking import Proxy, open_dbus_connection

from systemd.container import SERVICE, WAIT_SECONDS_MAX, sleeper, until

NAME = "org.supervisord.Supervisor1"
ROOT = "/org/supervisord/Supervisor1"
MANAGER = f"{NAME}.Manager"
ONE = f"{ROOT}/process/one/one"


@pytest.fixture
def running(box, programs):
    """The container with a program that runs, and the daemon on the bus."""
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    until(lambda: box.run("busctl", "status", NAME).returncode == 0, "the daemon on the bus")
    return box


@pytest.fixture
def bus(container):
    """A connection to the container's bus, as root."""
    with open_dbus_connection(f"unix:path={container.path('/run/dbus/system_bus_socket')}") as made:
        yield made


def call(member: str, *arguments: str) -> list[str]:
    return ["busctl", "call", NAME, ROOT, MANAGER, member, *arguments]


@pytest.fixture
def enabled(box):
    box.systemctl("enable", SERVICE)
    yield
    box.systemctl("disable", SERVICE)


def test_activation(box, enabled, programs):
    programs(sleeper("one"))
    assert box.main_pid() == 0
    listed = box.do("busctl", "--json=short", *call("ListProcesses")[1:])
    assert '"one"' in listed
    assert box.systemctl("is-active", SERVICE) == "active"
    pid = box.do("busctl", "get-property", NAME, ROOT, MANAGER, "PID")
    assert pid == f"u {box.main_pid()}", "the service, and no other process"


def test_a_disabled_service_is_started_by_nobody(box):
    assert box.run("systemctl", "is-enabled", SERVICE).stdout.strip() == "disabled"
    for refused in (box.run(*call("ListProcesses")), box.run_as("ordinary", *call("ListProcesses"))):
        assert refused.returncode != 0 and refused.stderr
    assert box.main_pid() == 0


def test_a_subscriber_sees_properties_change(running, bus):
    changed = MatchRule(type="signal", interface="org.freedesktop.DBus.Properties",
                        member="PropertiesChanged", path=ONE)
    Proxy(message_bus, bus, timeout=WAIT_SECONDS_MAX).AddMatch(changed)
    with bus.filter(changed, bufsize=16) as signals:
        stop = new_method_call(DBusAddress(ROOT, NAME, MANAGER), "StopProcess", "sb", ("one", True))
        assert bus.send_and_get_reply(stop, timeout=WAIT_SECONDS_MAX).body == (True,)
        seen = {}
        while seen.get("StateName") != ("s", "STOPPED"):
            interface, properties, _ = bus.recv_until_filtered(
                signals, timeout=WAIT_SECONDS_MAX).body
            assert interface == f"{NAME}.Process"
            seen |= properties
        assert seen["PID"] == ("u", 0)


def test_an_ordinary_user_may_look(running):
    done = running.run_as("ordinary", *call("ListProcesses"))
    assert (done.returncode, '"one"' in done.stdout) == (0, True), done
    done = running.run_as("ordinary", "busctl", "get-property", NAME, ONE, f"{NAME}.Process",
                          "StateName")
    assert done.stdout.strip() == 's "RUNNING"', done


@pytest.mark.parametrize("member,arguments", [
    ("StopProcess", ["sb", "one", "true"]),
    ("Shutdown", []),
    ("Update", []),
    ("ReadProcessLog", ["ssxx", "one", "stdout", "0", "0"]),
])
def test_polkit_denies_an_ordinary_user(running, member, arguments):
    before = running.info("one")["pid"]
    done = running.run_as("ordinary", *call(member, *arguments))
    assert done.returncode != 0
    assert done.stderr.strip() == "Call failed: Access denied", done
    assert running.info("one")["pid"] == before
    assert running.systemctl("is-active", SERVICE) == "active"


RULE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.supervisord.Supervisor1.manage-processes" && subject.user == "ordinary")
        return polkit.Result.YES;
});
"""


def test_polkit_allows_what_a_rule_says(running):
    rule = "/etc/polkit-1/rules.d/10-test.rules"
    running.write(rule, RULE)
    running.systemctl("restart", "polkit.service")
    try:
        done = running.run_as("ordinary", *call("StopProcess", "sb", "one", "true"))
        assert (done.returncode, done.stdout.strip()) == (0, "b true"), done
        assert running.info("one")["statename"] == "STOPPED"
        assert running.run_as("ordinary", *call("Shutdown")).returncode != 0, "another action"
    finally:
        running.path(rule).unlink()
        running.systemctl("restart", "polkit.service")


def test_root_needs_no_polkit(running):
    assert running.do(*call("StopProcess", "sb", "one", "true")) == "b true"


def test_an_ordinary_user_cannot_have_the_name(box):
    bus = "org.freedesktop.DBus"
    done = box.run_as("ordinary", "busctl", "call", bus, "/org/freedesktop/DBus", bus,
                      "RequestName", "su", NAME, "0")
    assert done.stderr.strip() == "Call failed: Access denied", done


def test_the_log_level(running):
    assert running.systemctl("service-log-level", SERVICE) == "info"
    running.systemctl("service-log-level", SERVICE, "debug")
    assert running.systemctl("service-log-level", SERVICE) == "debug"
    assert running.show(SERVICE, "NRestarts")["NRestarts"] == "0"
