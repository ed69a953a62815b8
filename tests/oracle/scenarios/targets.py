"""The system log: each daemon in a /dev of its own, whose /dev/log is the scenario's."""

import re
import shutil
import socket
import subprocess

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import call, do, file, quiet, silently, wait_file
from oracle.world import WAIT_SECONDS_MAX, Programs

OWN_DEVICES = """\
#!/bin/sh
exec unshare --mount sh -ec '
cd @DIR@/dev
for name in null zero full random urandom; do : >$name; mount --bind /dev/$name $name; done
ln -s /proc/self/fd fd; ln -s /proc/self/fd/1 stdout; ln -s /proc/self/fd/2 stderr
mount --rbind . /dev
cd @DIR@
exec "$@"' sh {supervisord} "$@"
"""

ECHO = program("echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log", stdout_syslog="true",
               stderr_logfile="NONE")
OLD_FORM = program("echo", "/bin/cat", startsecs=0, stdout_logfile="syslog", stderr_logfile="NONE")


def can_unshare() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run(
        ["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def start(world) -> None:
    """The daemon, with a system log that keeps what it gets."""
    (world.dir / "dev").mkdir()
    world.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    world.syslog.bind(str(world.dir / "dev/log"))
    world.syslog.settimeout(WAIT_SECONDS_MAX)
    wrapper = world.dir / "supervisord"
    wrapper.write_text(world.fill(OWN_DEVICES).replace("{supervisord}", str(world.programs.supervisord)))
    wrapper.chmod(0o755)
    world.programs = Programs(wrapper, world.programs.supervisorctl)
    world.start()


def received(world, last: str) -> list[str]:
    """Every message until the one that ends so: priority, tag and text."""
    messages = []
    while not messages or not messages[-1].endswith(last):
        text = world.syslog.recv(65536).rstrip(b"\0\n").decode("utf-8", "backslashreplace")
        messages.append(re.sub(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d", "<time>", text, count=1))
    return messages


def said(key: str, last: str):
    return do(key, lambda world: received(world, last))


def texts(messages: list[str]) -> list[str]:
    """What is said of a start, whatever stands before it."""
    return [re.sub(r".*?(?=spawned|success)", "", message) for message in messages]


SCENARIOS = [
    Scenario("output to a file and the system log", config=ECHO, start=False, steps=[
        quiet("start", start),
        silently("sendProcessStdin", "echo", "one\ntwo\n\nthree\n"), said("in the system log", "three"),
        wait_file("echo.log", "three"), file("echo.log"),
        call("getAllConfigInfo"), call("getProcessInfo", "echo"),
    ], root_only=True),
    Scenario("output to the system log alone", config=OLD_FORM, start=False, steps=[
        quiet("start", start),
        silently("sendProcessStdin", "echo", "one\ntwo\n"), said("in the system log", "two"),
        call("getAllConfigInfo"), call("getProcessInfo", "echo"), call("readProcessStdoutLog", "echo", 0, 0),
        # clearProcessLogs is an error 500 of the reference's there, and a success here.
        call("tailProcessStdoutLog", "echo", 0, 10),
        do("files", lambda world: sorted(path.name for path in world.dir.glob("*log*"))),
    ], root_only=True, differs={
        "in the system log": Differs(
            "the target has the facility local0 and the program's tag; the reference writes as for stdout_syslog",
            lambda reference, ours: [m.split(": ")[-1] for m in reference] == ["echo one", "echo two"]
            and [re.sub(r"\d+\]", "<pid>]", m) for m in ours] == [
                f"<133><time> echo[<pid>]: {text}" for text in ("one", "two")]),
    }),
    Scenario("the activity log to the system log", config=program("echo", "/bin/cat", startsecs=0),
             daemon="logfile=syslog\n", start=False, activity=None, steps=[
        quiet("start", start),
        said("in the system log", "(startsecs)"),
    ], root_only=True, differs={
        "in the system log": Differs(
            "each line has its own priority, and neither date nor level; the reference's are all <14> and have both",
            lambda reference, ours: texts(ours)[-2:] == texts(reference)[-2:]
            and all("<time> supervisord: <time> INFO " in m for m in reference[-2:])),
    }),
]

for scenario in SCENARIOS if not can_unshare() else []:
    print(f"skipped: {scenario.name}: unshare --mount does not work here")
if not can_unshare():
    SCENARIOS = []
