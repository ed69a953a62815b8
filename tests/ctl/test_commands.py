"""Our supervisorctl beside the reference's, each against a real reference daemon of its own."""

import re
import socket
from pathlib import Path

from oracle.compare import normalise
from oracle.world import Programs, World

PROGRAMS = """
[program:cat]
command=/bin/cat
startsecs=0
priority=5

[program:hello]
command=/bin/sh -c 'printf "one\\ntwo %s\\n" "h\\303\\251"; echo err >&2; exec sleep 1000'
startsecs=0

[program:idle]
command=/bin/sleep 1000
autostart=false
startsecs=0
stdout_logfile=NONE

[program:gone]
command=/nonexistent/program
autostart=false

[program:dir]
command=/tmp
autostart=false

[program:brief]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
startsecs=1

[program:many]
command=/bin/sleep 1000
process_name=many_%(process_num)s
numprocs=2
startsecs=0
autostart=false

[program:a-name-that-is-rather-longer-than-thirty-characters]
command=/bin/sleep 1000
autostart=false
startsecs=0

[program:x]
command=/bin/sleep 1000
startsecs=0
[program:y]
command=/bin/sleep 1000
autostart=false
startsecs=0
[group:g]
programs=x,y
priority=3
"""

# Python names the class, the file and the line of what broke; what broke is the message.
BROKE = re.compile(r"error: <class '[^']+'>, (.*): file: \S+ line: \S+")

# The reference asks again after it was told that it may not, and prints how that failed.
ASKED_AGAIN = re.compile(r"(?<=Server requires authentication\n)error: <ProtocolError .*>\n")

PID = re.compile(r"^[1-9]\d*$", re.M)

# Here the order is that of completion, which is a race.
RACE = re.compile(r"(start|stop|restart|signal) .*(all|:\*|:)")


def check(reference: Programs, ctl: Path, commands: list, configure) -> list:
    """What each command line answers, one after the other, on a daemon of its own."""
    world = World(reference, "world")
    answers = []
    try:
        configure(world)
        world.start()
        for command in commands:
            if callable(command):
                command(world)
                continue
            arguments, stdin = command if isinstance(command, tuple) else (command, "")
            conf = [] if "-s" in arguments else ["-c", world.conf]
            said = world.execute([ctl, *conf, *world.fill(arguments).split()], world.fill(stdin))
            answers.append((arguments, tidied(arguments, normalise(said, world))))
    finally:
        world.close()
    return answers


def tidied(arguments: str, said: dict) -> dict:
    out = BROKE.sub(r"error: \1", said["stdout"])
    out = PID.sub("<pid>", ASKED_AGAIN.sub("", out))
    if RACE.match(arguments):
        out = "".join(sorted(out.splitlines(keepends=True)))
    return said | {"stdout": out}


def compare(reference, ours, commands, configure=None):
    configure = configure or (lambda world: world.configure(PROGRAMS))
    expected = check(reference, reference.supervisorctl, commands, configure)
    actual = check(reference, ours.supervisorctl, commands, configure)
    for (command, theirs), (_, mine) in zip(expected, actual, strict=True):
        assert mine == theirs, f"supervisorctl {command}"


def written(world):
    world.until(lambda: "err" in (world.call("supervisor.readProcessStderrLog", "hello", 0, 0)),
                "hello to have written")


def test_status_and_pid(reference, ours):
    compare(reference, ours, [
        written,
        "status", "status all", "status cat", "status idle cat", "status g:*", "status g:",
        "status many:many_0", "status nope", "status nope:*", "status g:nope nope cat",
        "status x", "status cat cat", "status; cat", "pid", "pid all", "pid cat", "pid idle",
        "pid nope", "pid nope cat idle", "pid g:x", "pid g:*",
    ])


def test_start_stop_restart(reference, ours):
    compare(reference, ours, [
        "start", "stop", "restart", "start nope", "start nope:*", "start nope:x", "stop nope",
        "stop nope:*", "restart nope", "start cat", "start idle", "start idle", "stop idle",
        "stop idle", "restart idle", "restart idle cat", "start gone", "start dir", "start brief",
        lambda world: world.wait_state("brief", "FATAL"), "status brief", "start many:*", "start many:*", "stop many:many_1", "start many:",
        "restart many:*", "stop many:* nope cat", "start cat nope g:*", "stop all", "stop all",
        "status", "start idle all nope", "restart g:*", "stop g:x g:y",
    ])


def test_signal(reference, ours):
    compare(reference, ours, [
        "signal", "signal HUP", "signal CONT cat", "signal NOPE cat", "signal CONT nope",
        "signal CONT nope:*", "signal CONT idle", "signal CONT g:*", "signal CONT all",
        "signal NOPE all", "signal NOPE g:*", "signal 18 cat", "signal sigcont cat",
        "signal CONT cat idle nope",
    ])


def test_tail_and_clear(reference, ours):
    compare(reference, ours, [
        written,
        "tail", "tail hello", "tail hello stdout", "tail hello stderr", "tail hello STDERR",
        "tail -5 hello", "tail -0 hello", "tail --4 hello", "tail -x hello", "tail -f",
        "tail -5", "tail nope", "tail hello nope", "tail -5 hello nope", "tail a b c d",
        "tail hello b stderr", "tail idle", "tail cat", "tail g:*", "tail g:x", "tail many:many_0",
        "tail it's odd", "tail -f nope", "tail -f idle", "tail -f hello nope", "tail -f a b c",
        "maintail -x", "maintail x", "maintail 1 2", "maintail -0x",
        "clear", "clear nope", "clear hello", "tail hello", "clear hello nope cat", "clear g:x",
        "clear all", "clear nope:x",
    ])


def test_maintail(reference, ours):
    def truncated(world):
        assert world.call("supervisor.clearLog") is True

    compare(reference, ours, ["maintail", "maintail -20", truncated, "maintail"])


CHANGED = PROGRAMS.replace("/bin/cat", "/bin/cat -u") + """
[program:new]
command=/bin/sleep 1000
startsecs=0
"""


def test_configuration_changes(reference, ours):
    def change(world):
        world.configure(CHANGED.replace("[program:idle]", "[program:lazy]"))

    def change_again(world):
        world.configure(PROGRAMS)

    def spoil(world):
        world.configure(PROGRAMS + "[program:bad]\nnothing=1\n")

    compare(reference, ours, [
        "avail", "avail x", "reread", "reread x", "update", "update nope", "add", "add nope",
        "add cat", "remove", "remove nope", "remove cat", "stop cat", "remove cat", "add cat cat",
        change, "reread", "avail", "update new", "status", "update all", "status", "update",
        change_again, "update new cat", "update", "status",
        spoil, "reread", "update", "update all",
    ])


def test_help(reference, ours):
    names = ("add avail clear exit fg help maintail open pid quit reload remove reread restart "
             "shutdown signal start status stop tail update version").split()
    compare(reference, ours, ["help", *(f"help {name}" for name in names), "help nope", "help EOF",
                              "help start stop", "?", "?start", "? start"])


def test_odd_lines(reference, ours):
    compare(reference, ours, [
        "nope", "nope a b", "!ls", "@x y", "EOF", "quit", "exit", "exit now", "start-x",
        "STATUS", "version", "version x", "open", "open foo", "open ftp://x/",
        "open unix://@DIR@/s.sock", "open http://127.0.0.1:1", "fg", "fg a b", "fg nope", "fg idle",
        "fg g:*", "reload x", "shutdown x",
    ])


def test_ends(reference, ours):
    def wait_down(world):
        world.process.wait(20)

    compare(reference, ours, ["shutdown", wait_down, "shutdown", "status", "start cat", "version",
                              "pid", "clear all"])


def test_nobody_there(reference, ours):
    def leave_socket(world):
        world.process.terminate()
        world.process.wait(20)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f"{world.dir}/s.sock")

    lines = ["status", "status x", "start x", "pid", "version", "restart x", "tail x", "fg x",
             "shutdown", "maintail", "clear x", "signal HUP x", "stop x"]
    compare(reference, ours, [leave_socket, *lines,
                              "-s unix://@DIR@/none status", "-s unix://@DIR@/none start x",
                              "-s unix://@DIR@/none shutdown",
                              "-s http://127.0.0.1:1 status", "-s http://127.0.0.1:1 stop x",
                              "-s https://x status"])


def test_the_shell(reference, ours):
    compare(reference, ours, [
        written,
        ("", "version\n\nstatus cat\nnope\nhelp\nstop idle\nquit\nversion\n"),
        ("", "version"),
        ("", ""),
        ("", "shutdown\nn\nreload\n\nstart idle\nopen foo\nopen unix://@DIR@/none\nversion\n"),
        ("-i version", ""),
        ("-i shutdown", "no\n"),
        ("-i", "exit\n"),
        ("", "?start\n!x\n  status   cat  \nEOF\nversion\n"),
        ("", "shutdown\ny\n"),
    ])


AUTH = "username=someone\npassword=se:cret"


def test_credentials(reference, ours):
    def configure(world):
        world.configure(PROGRAMS, unix=AUTH)

    compare(reference, ours, [
        "status", "start cat", "avail", "tail hello",
        "-u someone -p se:cret version", "-u someone -p wrong version", "-u someone version",
    ], configure)
