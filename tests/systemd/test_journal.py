"""What arrives in the journal, and with which fields."""

from systemd.container import SERVICE, sleeper, until


def test_the_activity_log(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    pid = str(box.main_pid())
    program = box.info("one")["pid"]
    line = f"spawned: 'one' with pid {program}"
    entry = until(lambda: find(box, line, f"_PID={pid}"), "the line")
    assert entry["_SYSTEMD_UNIT"] == SERVICE
    assert entry["SYSLOG_IDENTIFIER"] == "supervisord"
    assert entry["_EXE"] == "/usr/bin/supervisord"
    assert line in box.text("/var/log/supervisor/supervisord.log"), "and in its file"


def test_the_output_of_a_program(box, programs):
    programs("""
[program:one]
command=/bin/sh -c 'echo out of one; exec sleep 1000'
startsecs=0
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
""")
    box.systemctl("start", SERVICE)
    entry = until(lambda: find(box, "out of one", f"_SYSTEMD_UNIT={SERVICE}"), "the output")
    assert entry["_PID"] == str(box.main_pid())


def find(box, text: str, *matches: str) -> dict | None:
    return next((e for e in box.journal(*matches) if text in str(e.get("MESSAGE", ""))), None)
