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


def test_a_program_with_the_journal_as_its_target(box, programs):
    programs("""
[program:one]
command=/bin/sh -c 'echo out of one; printf "err \\377 of one\\n" >&2; exec sleep 1000'
startsecs=0
stdout_logfile=journal
stderr_logfile=journal, /var/log/supervisor/one.err
""")
    box.systemctl("start", SERVICE)
    out = until(lambda: find(box, "out of one", "SUPERVISOR_PROGRAM=one"), "the output")
    pid = str(box.info("one")["pid"])
    fields = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SUPERVISOR_GROUP",
              "SUPERVISOR_PROCESS", "SUPERVISOR_STREAM", "SUPERVISOR_PID", "_PID", "_SYSTEMD_UNIT",
              "_TRANSPORT")
    assert [out.get(field) for field in fields] == [
        "out of one", "6", "one", pid, "one", "one", "stdout", pid, str(box.main_pid()), SERVICE,
        "journal"]
    err = until(lambda: find(box, "of one", "SUPERVISOR_STREAM=stderr"), "the errors")
    assert (err["MESSAGE"], err["PRIORITY"]) == ("err \ufffd of one", "5")
    until(lambda: box.text("/var/log/supervisor/one.err") == "err \\xff of one\n", "the same, raw")


def test_lines_of_any_length_and_the_system_log(box, programs):
    programs("""
[program:one]
command=/bin/sh -c 'head -c 40000 /dev/zero | tr "\\0" x; echo; exec sleep 1000'
startsecs=0
stdout_logfile=journal, syslog
syslog_tag=tagged
syslog_facility=local4
syslog_stdout_priority=warning
""")
    box.systemctl("start", SERVICE)
    long = until(lambda: find(box, "x" * 40_000, "SUPERVISOR_PROGRAM=one"), "the long line")
    assert (long["PRIORITY"], long["SYSLOG_FACILITY"]) == ("4", "20")
    through_syslog = until(
        lambda: find(box, "xxx", "_TRANSPORT=syslog", "SYSLOG_IDENTIFIER=tagged"), "the other way")
    assert (through_syslog["PRIORITY"], through_syslog["SYSLOG_FACILITY"]) == ("4", "20")
    assert through_syslog["SYSLOG_PID"] == str(box.info("one")["pid"])


def find(box, text: str, *matches: str) -> dict | None:
    return next((e for e in box.journal(*matches) if text in str(e.get("MESSAGE", ""))), None)
