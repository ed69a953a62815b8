"""What our supervisorctl does while it runs: followed logs, fg, the shell on a terminal, JSON."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from oracle.world import World

PROGRAMS = r"""
[program:cat]
command=/bin/cat
startsecs=0

[program:rude]
command=/bin/sh -c 'printf "\\033]0;owned\\007plain\\n"; exec sleep 1000'
startsecs=0

[program:brief]
command=/bin/sh -c 'read line'
startsecs=0
autorestart=false

[program:resting]
command=/bin/sleep 1000
autostart=false
"""

WAIT_SECONDS_MAX = 20


@pytest.fixture
def world(reference):
    world = World(reference, "world")
    try:
        world.configure(PROGRAMS, ctl="history_file=%(here)s/history\nprompt=here")
        world.start()
        yield world
    finally:
        world.close()


class Running:
    """A supervisorctl that has not ended yet, on pipes or on a terminal."""

    def __init__(self, world, ctl: Path, *arguments, terminal=False, **environment):
        command = [ctl, "-c", world.conf, *arguments]
        environment = world.env() | {"TERM": "xterm"} | environment
        if terminal:
            self.reads, slave = pty.openpty()
            self.writes = self.reads
            streams = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
        else:
            streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=world.dir, env=environment, **streams)
        if terminal:
            os.close(slave)
        else:
            self.reads, self.writes = self.process.stdout.fileno(), self.process.stdin.fileno()
        self.said = b""

    def until(self, text: str) -> str:
        """Reads until `text` was said; returns what was said since the last time, up to there."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while text.encode() not in self.said:
            ready, _, _ = select.select([self.reads], [], [], deadline - time.monotonic())
            assert ready, f"waited in vain for {text!r} after {self.said!r}"
            piece = self.read()
            assert piece, f"ended without {text!r} after {self.said!r}"
            self.said += piece
        before, text, self.said = self.said.partition(text.encode())
        return (before + text).decode()

    def read(self) -> bytes:
        try:
            return os.read(self.reads, 65536)
        except OSError:  # what a terminal says when its other end is closed
            return b""

    def type(self, text: str) -> None:
        os.write(self.writes, text.encode())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def rest(self) -> tuple[int, str]:
        """Its exit code, and what it said to the end."""
        while piece := self.read():
            self.said += piece
        return self.process.wait(WAIT_SECONDS_MAX), self.said.decode()


def test_a_followed_log_is_left_by_ctrl_c_as_in_the_reference(world, reference, ours):
    world.call("supervisor.sendProcessStdin", "cat", "first\n")
    world.until(lambda: world.call("supervisor.readProcessStdoutLog", "cat", 0, 0), "cat's log")
    ends = []
    for programs in (reference, ours):
        ctl = Running(world, programs.supervisorctl, "tail", "-f", "cat")
        begun = ctl.until("first\n")
        world.call("supervisor.sendProcessStdin", "cat", "second é\n")
        followed = ctl.until("second é\n")
        ctl.interrupt()
        ends.append((begun, followed, *ctl.rest()))
        world.call("supervisor.clearProcessLogs", "cat")
        world.call("supervisor.sendProcessStdin", "cat", "first\n")
        world.until(lambda: world.call("supervisor.readProcessStdoutLog", "cat", 0, 0), "cat's log")
    assert ends[0] == ends[1]
    assert ends[1] == ("==> Press Ctrl-C to exit <==\nfirst\n", "second é\n", 0, "\n")


def test_a_followed_log_ends_with_the_daemon(world, ours):
    ctl = Running(world, ours.supervisorctl, "maintail", "-f")
    ctl.until("spawned: 'cat'")
    world.call("supervisor.shutdown")
    assert ctl.rest()[0] == 0


def test_fg_carries_lines_both_ways(world, ours):
    ctl = Running(world, ours.supervisorctl, "fg", "cat")
    assert ctl.until("<==\n") == "==> Press Ctrl-C to exit <==\n"
    ctl.type("to the cat\n")
    assert ctl.until("cat\n") == "to the cat\n"
    ctl.interrupt()
    assert ctl.rest() == (0, "Exiting foreground\n")
    assert world.state("cat") == "RUNNING"


def test_fg_ends_with_its_input(world, ours):
    ctl = Running(world, ours.supervisorctl, "fg", "cat")
    ctl.type("last words without a line feed")
    ctl.process.stdin.close()
    code, said = ctl.rest()
    assert code == 0 and said.endswith("Exiting foreground\n")
    world.until(lambda: "last words" in world.text(log_of(world, "cat")), "the last words")


def test_fg_notices_that_the_process_is_gone(world, ours):
    ctl = Running(world, ours.supervisorctl, "fg", "brief")
    ctl.until("<==\n")
    world.call("supervisor.stopProcess", "brief")
    ctl.type("hello?\n")
    assert ctl.rest() == (0, "Process got killed\nExiting foreground\n")


def test_ctrl_c_ends_a_command_that_waits(world, ours):
    ctl = Running(world, ours.supervisorctl, "start", "resting")
    world.until(lambda: world.state("resting") == "STARTING", "resting to start")
    ctl.interrupt()
    assert ctl.rest() == (130, "")


def test_a_log_does_nothing_to_a_terminal_unless_asked(world, ours):
    world.until(lambda: world.text(log_of(world, "rude")), "rude's log")
    ctl = Running(world, ours.supervisorctl, "tail", "-f", "rude", terminal=True)
    assert "\\x1b]0;owned\\x07plain" in ctl.until("plain")
    ctl.interrupt()
    ctl.rest()
    ctl = Running(world, ours.supervisorctl, "tail", "-f", "rude", "--raw", terminal=True)
    assert "\x1b]0;owned\x07plain" in ctl.until("plain")
    ctl.interrupt()
    ctl.rest()
    ctl = Running(world, ours.supervisorctl, "tail", "-f", "rude")
    assert "\x1b]0;owned\x07plain\n" in ctl.until("plain\n")
    ctl.interrupt()
    ctl.rest()


def test_colour_is_for_terminals_that_want_it(world, ours):
    def status(**how):
        return Running(world, ours.supervisorctl, "status", "cat", **how).rest()[1]

    assert "\x1b[32mRUNNING" in status(terminal=True)
    assert "\x1b" not in status(terminal=True, NO_COLOR="1")
    assert "\x1b" not in status(terminal=True, TERM="dumb")
    assert "\x1b" not in status()


def test_the_shell_completes_and_remembers(world, ours):
    ctl = Running(world, ours.supervisorctl, terminal=True)
    ctl.until("here> ")
    ctl.type("vers\t\r")
    ctl.until("4.3.0")
    ctl.until("here> ")
    ctl.type("status ca\t\r")
    assert re.search(r"cat +\S*RUNNING", ctl.until("uptime"))
    ctl.until("here> ")
    ctl.type("add res\t\r")
    ctl.until("already active")
    ctl.until("here> ")
    ctl.type("\x04")
    assert ctl.rest()[0] == 0
    kept = world.text("history")
    assert "version" in kept and "status cat" in kept


def test_the_shell_is_left_by_ctrl_c(world, ours):
    ctl = Running(world, ours.supervisorctl, terminal=True)
    ctl.until("here> ")
    ctl.type("status\x03")
    assert ctl.rest()[0] == 0


def test_the_shell_asks_for_a_password_without_showing_it(reference, ours):
    world = World(reference, "world")
    try:
        world.configure(PROGRAMS, unix="username=someone\npassword=secret")
        world.start()
        ctl = Running(world, ours.supervisorctl, terminal=True)
        ctl.until("Username:")
        ctl.type("someone\n")
        ctl.until("Password:")
        ctl.type("secret\n")
        assert "secret" not in ctl.until("rude")
        ctl.type("exit\n")
        assert ctl.rest()[0] == 0
    finally:
        world.close()


def test_json_answers_are_json_and_words_go_to_stderr(world, ours):
    def ask(*arguments):
        said = world.execute([ours.supervisorctl, "-c", world.conf, *arguments])
        return said.exit, json.loads(said.stdout), said.stderr

    code, processes, _ = ask("status", "--json", "cat", "resting")
    assert code == 3 and [p["name"] for p in processes] == ["cat", "resting"]
    assert processes[0]["pid"] == world.info("cat")["pid"]
    assert ask("--json", "status", "nope") == (4, [], "nope: ERROR (no such process)\n")
    assert ask("--json", "version") == (0, {"version": "4.3.0"}, "")
    assert ask("pid", "--json") == (0, {"pid": world.pid()}, "")
    code, pids, _ = ask("pid", "--json", "cat", "resting")
    assert code == 7 and pids[1] == {"name": "resting", "pid": 0}
    assert len(ask("pid", "--json", "all")[1]) == 4
    assert {c["name"] for c in ask("avail", "--json")[1]} == {"brief", "cat", "resting", "rude"}
    assert ask("reread", "--json") == (0, {"added": [], "changed": [], "removed": []}, "")
    refused = world.execute([ours.supervisorctl, "-c", world.conf, "--json", "stop", "cat"])
    assert (refused.exit, refused.stdout) == (2, "") and "has no --json" in refused.stderr


def test_arguments(world, ours):
    def ask(*arguments):
        return world.execute([ours.supervisorctl, *arguments])

    assert ask("version").stdout == "4.3.0\n", "a supervisord.conf here is found"
    assert ask("--serverurl", f"unix://{world.dir}/s.sock", "version").stdout == "4.3.0\n"
    assert ask("--configuration", str(world.conf), "version").stdout == "4.3.0\n"
    for arguments in (["-s", "foo", "status"], ["--nope"], ["-c", "/nonexistent", "status"]):
        said = ask(*arguments)
        assert said.exit == 2 and said.stdout == "" and said.stderr, arguments
    for arguments in (["-h"], ["--help"]):
        said = ask(*arguments)
        assert said.exit == 0 and "Usage: supervisorctl" in said.stdout and said.stderr == ""


def test_a_reader_that_leaves_is_no_error(world, ours):
    ctl = Running(world, ours.supervisorctl, "tail", "-f", "cat")
    ctl.until("<==\n")
    ctl.process.stdout.close()
    for _ in range(2):
        world.call("supervisor.sendProcessStdin", "cat", "more\n")
    assert ctl.process.wait(WAIT_SECONDS_MAX) == 1


def log_of(world, name: str) -> str:
    return world.info(name)["stdout_logfile"]
