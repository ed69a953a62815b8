"""Socket activation: who connects starts the daemon, and finds the same socket after it ended."""

import socket
import threading

import pytest

from systemd.conftest import REPOSITORY
from systemd.container import SERVICE, sleeper, until

UNIX = "supervisord.socket"
INET = "supervisord-inet.socket"
PATH = "/run/supervisor.sock"

INET_SECTION = """
[inet_http_server]
port=127.0.0.1:9001
"""


def over_inet(box, *arguments: str):
    return box.run("supervisorctl", "-s", "http://127.0.0.1:9001", *arguments)


def test_the_unix_socket(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", UNIX)
    assert box.run("systemctl", "is-active", SERVICE).stdout.strip() == "inactive"
    assert box.do("stat", "--format=%a %U %F", PATH) == "700 root socket"
    inode = box.path(PATH).stat().st_ino

    assert "RUNNING" in box.ctl("status", "one")
    assert box.systemctl("is-active", SERVICE) == "active"
    assert box.path(PATH).stat().st_ino == inode, "used as it is"
    assert listeners(box) == 1, "and nothing bound beside it"


def test_it_outlives_the_daemon(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", UNIX)
    first = box.rpc().supervisor.getPID()
    inode = box.path(PATH).stat().st_ino
    box.systemctl("stop", SERVICE)
    assert box.path(PATH).stat().st_ino == inode
    assert box.rpc().supervisor.getPID() != first


def test_it_goes_with_its_unit(box):
    box.systemctl("start", UNIX)
    box.systemctl("stop", UNIX)
    assert not box.path(PATH).exists()


def test_both_sockets(box, programs):
    programs(INET_SECTION + sleeper("one"))
    box.systemctl("start", UNIX, INET)
    assert over_inet(box, "status", "one").stdout.split()[:2] == ["one", "RUNNING"]
    assert "RUNNING" in box.ctl("status", "one")
    shown = box.show(SERVICE, "ActiveState", "TriggeredBy")
    assert shown["ActiveState"] == "active"
    assert sorted(shown["TriggeredBy"].split()) == [INET, UNIX]


def test_a_socket_that_nothing_serves(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nRestart=no\n")
    box.systemctl("start", INET)
    assert box.run("systemctl", "start", SERVICE).returncode != 0
    text = box.show(SERVICE, "StatusText")["StatusText"]
    assert "inet" in text and "127.0.0.1:9001" in text and "[inet_http_server]" in text


def test_nobody_is_refused_during_a_restart(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", UNIX, SERVICE)
    refused, connected, stop = [], [], threading.Event()

    def knock():
        while not stop.is_set():
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(str(box.path(PATH)))
                    connected.append(1)
                except OSError as error:
                    refused.append(error)
            stop.wait(0.002)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        before = box.main_pid()
        until(lambda: connected, "the first connection")
        for _ in range(3):
            box.systemctl("restart", SERVICE)
    finally:
        stop.set()
        knocking.join()
    assert box.main_pid() != before
    assert (refused, len(connected) > 10) == ([], True)


def test_a_configuration_without_the_socket_unit(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    assert box.do("stat", "--format=%a %U %F", PATH) == "700 root socket"
    box.systemctl("stop", SERVICE)
    assert not box.path(PATH).exists()


def test_a_configuration_that_names_another_place(box, programs):
    """Those of Supervisor's that are taken over with their socket units enabled."""
    text = box.text("/etc/supervisor/supervisord.conf")
    other = "/run/supervisor/other.sock"
    box.write("/etc/supervisor/supervisord.conf", text.replace(PATH, other))
    programs(sleeper("one"))
    box.systemctl("start", UNIX, SERVICE)
    for path in (PATH, other):
        assert "RUNNING" in box.ctl("-s", f"unix://{path}", "status", "one")


def test_a_configuration_without_a_unix_socket(box, programs):
    text = box.text("/etc/supervisor/supervisord.conf")
    section = "[unix_http_server]\nfile=/run/supervisor.sock\nchmod=0700\n"
    assert section in text
    box.write("/etc/supervisor/supervisord.conf", text.replace(section, INET_SECTION))
    programs(sleeper("one"))
    box.systemctl("start", UNIX, SERVICE)
    assert "RUNNING" in over_inet(box, "status", "one").stdout
    assert "RUNNING" in box.ctl("status", "one"), "root needs no section"


@pytest.fixture
def member(box):
    """An option of systemd-run that makes the ordinary user a member of the group."""
    box.do("systemd-sysusers")
    return ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--uid=ordinary",
            "--property=SupplementaryGroups=supervisor", "--"]


def test_the_group_of_the_example(box, programs, drop_in, member):
    programs(sleeper("one"))
    box.systemctl("start", UNIX)
    assert box.run(*member, "supervisorctl", "status").returncode != 0
    box.systemctl("stop", UNIX, SERVICE)
    drop_in(UNIX, (REPOSITORY / "systemd" / f"{UNIX}.d" / "group.conf.example").read_text())
    box.systemctl("start", UNIX)
    assert "RUNNING" in box.do(*member, "supervisorctl", "status")
    assert box.run_as("ordinary", "supervisorctl", "status").returncode != 0


def listeners(box) -> int:
    """How many unix sockets listen at the path."""
    lines = box.do("cat", "/proc/net/unix").splitlines()
    # Flags: __SO_ACCEPTCON, which a listening socket has.
    return sum(line.endswith(f" {PATH}") and line.split()[3] == "00010000" for line in lines)
