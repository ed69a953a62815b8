"""What arrives in the journal, and with which fields."""

import pytest

from systemd.container import SERVICE, sleeper, until


@pytest.fixture
def pid(box, programs):
    """The process id of a daemon whose only program is `one`."""
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    return box.main_pid()


def test_the_activity_log(box, pid):
    line = f"spawned: 'one' with pid {box.info('one')['pid']}"
    entry = until(lambda: find(box, line, f"_PID={pid}"), "the line")
    fields = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_EXE", "_TRANSPORT")
    assert [entry.get(field) for field in fields] == [
        line, "6", "supervisord", SERVICE, "/usr/bin/supervisord", "stdout"]
    assert line in box.text("/var/log/supervisor/supervisord.log"), "and in its file"


def test_priorities(box, pid):
    box.systemctl("stop", SERVICE)
    line = "received SIGTERM indicating exit request"
    until(lambda: find(box, line, f"_PID={pid}", "PRIORITY=4"), "a warning")
    until(lambda: find(box, "authentication", f"_PID={pid}", "PRIORITY=2"), "a critical line")


def test_the_output_of_a_program(box, programs):
    programs("""
[program:one]
command=/bin/sh -c 'echo out of one; exec sleep 1000'
startsecs=0
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
""")
    box.systemctl("start", SERVICE)
    entry = until(lambda: find(box, "out of one", f"_PID={box.main_pid()}"), "the output")
    assert entry["_SYSTEMD_UNIT"] == SERVICE


def find(box, text: str, *matches: str) -> dict | None:
    return next((e for e in box.journal(*matches) if text in str(e.get("MESSAGE", ""))), None)
