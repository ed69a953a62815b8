"""The life of a process: starts, exits, backoff, restarts, stops."""

import os
import signal as signals

from oracle.scenario import Differs, Scenario
from oracle.steps import (
    activity, call, ctl, daemon_signal, do, exit_status, field, file, running, signal, silently,
    wait, wait_file, wait_log, write,
)


def program(name: str, command: str, **keys) -> str:
    lines = [f"[program:{name}]", f"command={command}"]
    return "\n".join(lines + [f"{key}={value}" for key, value in keys.items()]) + "\n"


def exits(name: str, code: int, **keys) -> str:
    """A program that ends at once. Its startsecs is long, for the reference may see an exit a
    second late and would have called the program running by then."""
    return program(name, f'/bin/sh -c "exit {code}"', **{"startsecs": 5, **keys})


ONCE = dict(autorestart="false")

SCENARIOS = [
    Scenario("startsecs makes it running", config=program("one", "/bin/cat", startsecs=1), steps=[
        field("one", "statename", "spawnerr"), running("one"), field("one", "statename"),
    ], activity="ordered"),
    Scenario("startsecs of two lines in the log", config=program("two", "/bin/cat", startsecs=2), steps=[
        call("startProcess", "two"), running("two"),
    ]),
    Scenario("startsecs=0 and an instant exit", config=exits("quick", 0, startsecs=0, **ONCE), steps=[
        wait("quick", "EXITED"), call("getProcessInfo", "quick"),
    ]),
    Scenario("startsecs=0 and a bad exit", config=exits("quick", 7, startsecs=0, **ONCE), steps=[
        wait("quick", "EXITED"), call("getProcessInfo", "quick"),
    ]),
    Scenario("exit too quickly, backoff, fatal", config=exits("dies", 1, startretries=1), steps=[
        wait("dies", "FATAL"), call("getProcessInfo", "dies"), call("stopProcess", "dies"),
        call("signalProcess", "dies", "TERM"),
    ], activity="ordered"),
    Scenario("an expected exit code is too quick as well",
             config=exits("dies", 0, startretries=0), steps=[
                 wait("dies", "FATAL"), call("getProcessInfo", "dies"),
             ], activity="ordered"),
    Scenario("in backoff", config=exits("dies", 1, startretries=20), steps=[
        wait_log("exited: dies", 3), wait("dies", "BACKOFF"), call("getProcessInfo", "dies"),
        call("startProcess", "dies"), call("signalProcess", "dies", "TERM"),
        call("sendProcessStdin", "dies", "x"), call("stopProcess", "dies"),
        call("getProcessInfo", "dies"),
    ], activity=None),
    Scenario("startProcess of what dies", config=exits("dies", 1, startretries=0, autostart="false"), steps=[
        call("startProcess", "dies"), wait("dies", "FATAL"), call("startProcess", "dies"),
        wait("dies", "FATAL"), call("getProcessInfo", "dies"),
    ]),
    Scenario("startProcess again after fatal", config=program(
        "fixed", "/bin/sh -c 'test -e fixed || exit 1; exec cat'", startretries=0, startsecs=3,
        directory="@DIR@"), steps=[
            wait("fixed", "FATAL"), write("fixed", ""), call("startProcess", "fixed"),
            call("getProcessInfo", "fixed"),
        ], activity="ordered"),
    Scenario("stop cuts a start off", config=program("slow", "/bin/cat", startsecs=30), steps=[
        wait("slow", "STARTING"), call("stopProcess", "slow"), call("getProcessInfo", "slow"),
    ], activity="ordered"),
    Scenario("missing at start", config=program("missing", "/no/such/program", startretries=1), steps=[
        wait("missing", "FATAL"), call("getProcessInfo", "missing"),
    ], activity="ordered"),
    Scenario("not executable at start", config=program("plain", "@DIR@/supervisord.conf", startretries=0)
             + program("dir", "@DIR@", startretries=0), steps=[
        wait("plain", "FATAL"), wait("dir", "FATAL"), call("getProcessInfo", "plain"),
        call("getProcessInfo", "dir"),
    ]),
    Scenario("bad quoting at start", config=program("quote", "/bin/echo 'open", startretries=0), steps=[
        wait("quote", "FATAL"), call("getProcessInfo", "quote"),
    ]),
    Scenario("a bad interpreter", config=program("script", "@DIR@/script", startretries=0, startsecs=5, autostart="false"), steps=[
        write("script", "#!/no/such/interpreter\n", 0o755), call("startProcess", "script"),
        wait("script", "FATAL"), call("getProcessInfo", "script"),
    ]),
    Scenario("a script without a first line", config=program("script", "@DIR@/script", startretries=0, startsecs=5, autostart="false"), steps=[
        write("script", "exit 0\n", 0o755), call("startProcess", "script"),
        wait("script", "FATAL"), call("getProcessInfo", "script"),
    ]),
    Scenario("a directory that is not there", config=program("lost", "/bin/cat", directory="@DIR@/none", startretries=0, startsecs=5), steps=[
        wait("lost", "FATAL"), call("getProcessInfo", "lost"),
        call("readProcessStderrLog", "lost", 0, 0),
    ]),
    Scenario("autorestart=true", config=program(
        "again", "/bin/sh -c 'echo x >> runs; exit 0'", startsecs=0, autorestart="true", directory="@DIR@"), steps=[
            wait_file("runs", "x\n", 3), wait_log("exited: again", 3), wait_log("exit status 0; expected", 3),
            do("keeps its counters", lambda w: w.info("again")["exitstatus"]),
        ], activity=None),
    Scenario("autorestart=false", config=exits("never", 5, startsecs=0, **ONCE), steps=[
        wait("never", "EXITED"), call("getProcessInfo", "never"), call("startProcess", "never"),
        wait("never", "EXITED"),
    ]),
    Scenario("autorestart=unexpected and an expected exit",
             config=exits("calm", 3, startsecs=0, exitcodes="0,3"), steps=[
                 wait("calm", "EXITED"), call("getProcessInfo", "calm"),
             ], activity="ordered"),
    Scenario("autorestart=unexpected and an unexpected exit", config=program(
        "odd", "/bin/sh -c 'test -e second && exec cat; > second; exit 4'", startsecs=0, directory="@DIR@"), steps=[
            wait_log("spawned", 2), running("odd"), call("getProcessInfo", "odd"),
        ]),
    Scenario("empty exitcodes", config=program(
        "odd", "/bin/sh -c 'test -e second && exec cat; > second; exit 0'", startsecs=0, directory="@DIR@", exitcodes=""), steps=[
            wait_log("spawned", 2), running("odd"),
        ]),
    Scenario("death by a signal", config=program("victim", "/bin/cat", startsecs=0, **ONCE), steps=[
        running("victim"), signal("victim", signals.SIGKILL), wait("victim", "EXITED"),
        call("getProcessInfo", "victim"),
    ]),
    Scenario("death by a signal and restart", config=program("victim", "/bin/cat", startsecs=0), steps=[
        running("victim"), signal("victim", signals.SIGTERM), wait_log("spawned", 2), running("victim"),
        call("getProcessInfo", "victim"),
    ]),
    Scenario("death by a real-time signal", config=program("victim", "/bin/cat", startsecs=0, **ONCE), steps=[
        running("victim"), do("signal 40", lambda w: os.kill(w.info("victim")["pid"], 40)), wait("victim", "EXITED"),
    ]),
    Scenario("death with a core", config=program("victim", "/bin/cat", startsecs=0, **ONCE), steps=[
        running("victim"), signal("victim", signals.SIGSEGV), wait("victim", "EXITED"),
        do("exit in the log", lambda w: [
            line.replace(" (core dumped)", "") for line in w.activity() if "exited" in line]),
    ], activity=None),
    Scenario("stopsignal", config=program(
        "ints", "/bin/sh -c 'trap \"echo got INT; exit 9\" INT; echo ready; while :; do read x; done'",
        startsecs=0, stopsignal="INT", stdout_logfile="@DIR@/ints.log"), steps=[
            wait_file("ints.log", "ready"), call("stopProcess", "ints"), file("ints.log"),
            call("getProcessInfo", "ints"),
        ]),
    Scenario("stop with an expected exit code", config=program(
        "good", "/bin/sh -c 'trap \"exit 0\" TERM; echo ready; while :; do read x; done'",
        startsecs=0, stdout_logfile="@DIR@/good.log"), steps=[
            wait_file("good.log", "ready"), call("stopProcess", "good"), call("getProcessInfo", "good"),
        ]),
    Scenario("stopwaitsecs then SIGKILL", config=program(
        "stubborn", "/bin/sh -c 'trap \"\" TERM; echo ready; exec sleep 1000'",
        startsecs=0, stopwaitsecs=1, stdout_logfile="@DIR@/stubborn.log"), steps=[
            wait_file("stubborn.log", "ready"), call("stopProcess", "stubborn"),
            call("getProcessInfo", "stubborn"),
        ]),
    Scenario("a long stop is reported to the one who waits", config=program(
        "stubborn", "/bin/sh -c 'trap \"\" TERM; echo ready; exec sleep 1000'",
        startsecs=0, stopwaitsecs=3, stdout_logfile="@DIR@/stubborn.log"), steps=[
            wait_file("stubborn.log", "ready"), call("stopProcess", "stubborn"),
        ], activity="every line"),
    Scenario("stopping is a state of its own", config=program(
        "slow", "/bin/sh -c 'trap \"test -e go && exit 0\" TERM; echo ready; while :; do read x; done'",
        startsecs=0, stopwaitsecs=30, stdout_logfile="@DIR@/slow.log", directory="@DIR@"), steps=[
            wait_file("slow.log", "ready"), call("stopProcess", "slow", False), wait("slow", "STOPPING"),
            call("getProcessInfo", "slow"), call("stopProcess", "slow", False),
            call("sendProcessStdin", "slow", "x"), call("removeProcessGroup", "slow"),
            write("go", ""), call("signalProcess", "slow", "TERM"), wait("slow", "STOPPED"),
        ]),
    Scenario("startProcess of what is stopping", config=program(
        "slow", "/bin/sh -c 'trap \"test -e go && exit 0\" TERM; echo ready; while :; do read x; done'",
        startsecs=0, stopwaitsecs=30, stdout_logfile="@DIR@/slow.log", directory="@DIR@"), steps=[
            wait_file("slow.log", "ready"), silently("stopProcess", "slow", False), wait("slow", "STOPPING"),
            call("startProcess", "slow", False), field("slow", "statename"), write("go", ""),
            call("signalProcess", "slow", "TERM"), wait_log("stopped: slow"), call("stopProcess", "slow"),
            wait("slow", "STOPPED"),
        ], activity=None, differs={"stopProcess('slow')": Differs(
            "a start while it stops is kept: it starts again, where the reference answers true and forgets it",
            lambda reference, ours: isinstance(reference, dict) and reference["code"] == 70 and ours is True)}),
    Scenario("stopasgroup", config=program(
        "family", "/bin/sh -c 'sh -c \"trap \\\"echo child; exit\\\" TERM; echo ready; while :; do read x; done\" & "
        "trap \"echo parent; wait; exit 0\" TERM; wait'", startsecs=0, stopasgroup="true",
        stdout_logfile="@DIR@/family.log"), steps=[
            wait_file("family.log", "ready"), call("stopProcess", "family"),
            do("said", lambda w: sorted(w.text("family.log").split())),
        ]),
    Scenario("killasgroup", config=program(
        "family", "/bin/sh -c 'trap \"\" TERM; sleep 1000 & echo $! > child; echo ready; wait'",
        startsecs=0, killasgroup="true", stopwaitsecs=1, directory="@DIR@", stdout_logfile="@DIR@/family.log"), steps=[
            wait_file("family.log", "ready"), call("stopProcess", "family"),
            do("the grandchild is gone", lambda w: w.until(
                lambda: not w.alive(int(w.text("child"))), "the grandchild to go")),
        ]),
    Scenario("a grandchild that holds the pipe", config=program(
        "parent", "/bin/sh -c 'sleep 1000 & echo out; exit 0'", startsecs=0, **ONCE,
        stdout_logfile="@DIR@/parent.log"), steps=[
            wait("parent", "EXITED"), file("parent.log"),
        ]),
    Scenario("autostart=false", config=program("off", "/bin/cat", autostart="false"), steps=[
        call("getProcessInfo", "off"), ctl("status"),
    ]),
    Scenario("priority orders the start", config="".join(
        program(name, "/bin/cat", startsecs=0, priority=priority)
        for name, priority in (("third", 30), ("first", 1), ("second", 20), ("last", 999))), steps=[
            running("first", "second", "third", "last"), activity("spawned"),
        ], activity=None),
    Scenario("priority orders startAllProcesses", config="".join(
        program(name, "/bin/cat", startsecs=0, priority=priority, autostart="false")
        for name, priority in (("third", 30), ("first", 1), ("second", 20))), steps=[
            silently("startAllProcesses"), activity("spawned"),
        ], activity=None),
    Scenario("priority orders the shutdown", config="".join(
        program(name, "/bin/cat", startsecs=0, priority=priority)
        for name, priority in (("third", 30), ("first", 1), ("second", 20))), steps=[
            running("first", "second", "third"), daemon_signal(signals.SIGTERM), exit_status(),
            activity("stopped"),
        ], activity=None),
    Scenario("a person's stop survives", config=program("down", "/bin/cat", startsecs=0, autorestart="true"), steps=[
        running("down"), silently("stopProcess", "down"), field("down", "statename", "exitstatus"),
        ctl("status down"),
    ]),
]
