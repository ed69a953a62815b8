"""The drop-in that goes further: a fleet as it is meant for lives in it, and it holds."""

import re

import pytest

from systemd.conftest import REPOSITORY
from systemd.container import SERVICE, until

EXAMPLE = REPOSITORY / "systemd" / f"{SERVICE}.d" / "hardening.conf.example"

PROBE = """
[program:{name}]
command=/bin/sh -c '{command}; echo "ended $?"; exec sleep 1000'
startsecs=0
redirect_stderr=true
stdout_logfile=/var/log/supervisor/{name}.log
"""


@pytest.fixture
def hardened(box, drop_in):
    drop_in(SERVICE, EXAMPLE.read_text())
    return box


def outcome(box, name: str) -> int:
    """How the command of a probe ended."""
    log = f"/var/log/supervisor/{name}.log"
    found = until(lambda: re.search(r"ended (\d+)\n", box.text(log)), f"the end of {name}")
    return int(found[1])


def test_a_fleet_lives_in_it(hardened, programs):
    programs(
        PROBE.format(name="worker", command="test $(id -u) = 1000 && echo x >/var/tmp/worker")
        + "user=ordinary\n"
        + PROBE.format(name="limits", command="test $(ulimit -Hn) = 600000")
        + "nice=-5\n"
    )
    hardened.systemctl("start", SERVICE)
    assert outcome(hardened, "worker") == 0
    pid = hardened.info("worker")["pid"]
    hardened.systemctl("reload", SERVICE)
    assert hardened.info("worker")["pid"] == pid
    hardened.ctl("restart", "worker")
    hardened.systemctl("stop", SERVICE)
    assert hardened.show(SERVICE, "Result")["Result"] == "success"


@pytest.mark.parametrize("command", [
    "touch /etc/x", "touch /usr/x", "cat /root/secret", "mount -t tmpfs none /mnt", "date -s @0",
    "unshare --mount true", "hostname x", "cat /dev/kmsg",
])
def test_it_holds(hardened, programs, command):
    hardened.write("/root/secret", "secret")
    programs(PROBE.format(name="probe", command=command))
    hardened.systemctl("start", SERVICE)
    assert outcome(hardened, "probe") != 0
