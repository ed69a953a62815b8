"""What programs print: capture, rotation, windows, clearing, reopening."""

import signal as signals
from xml.parsers.expat import ExpatError

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import (
    call, calls, ctl, daemon_signal, do, file, files, mode, output, remove, rename, running,
    silently, wait, wait_file, wait_log, write,
)

ECHO = program("echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log")

TEN = "0123456789" * 10  # a hundred bytes


def says(text: str, **keys) -> str:
    """A program that prints and then stays."""
    return program("says", f"/bin/sh -c '{text}; echo end; exec cat'",
                   **{"startsecs": 0, "stdout_logfile": "@DIR@/out.log", "stderr_logfile": "@DIR@/err.log", **keys})


def send(name: str, text: str, into: str, total: int) -> list:
    """One write by the program, and the wait until its bytes are in the file."""
    return [
        silently("sendProcessStdin", name, text),
        do(f"{total} bytes in {into}", lambda w: w.until(
            lambda: w.path(into).exists() and w.path(into).stat().st_size == total, f"{total} bytes in {into}")),
    ]


def readable(method: str, *arguments):
    """A call whose answer may be no XML at all."""

    def act(world):
        try:
            return world.call(f"supervisor.{method}", *arguments)
        except ExpatError:
            return "no XML"

    return do(f"{method}{arguments}", act)


SCENARIOS = [
    Scenario("stdout and stderr to files", config=says("echo out; echo err >&2"), steps=[
        wait_file("out.log", "end"), wait_file("err.log", "err"), file("out.log"), file("err.log"), mode("out.log"),
    ]),
    Scenario("redirect_stderr keeps the order", config=says(
        "echo 1; echo 2 >&2; echo 3; echo 4 >&2", redirect_stderr="true"), steps=[
            wait_file("out.log", "end"), file("out.log"), file("err.log"), call("readProcessStderrLog", "says", 0, 0),
            call("getProcessInfo", "says"), call("tailProcessStderrLog", "says", 0, 10),
        ]),
    Scenario("automatic logs", config=program("auto", "/bin/sh -c 'echo here; exec cat'", startsecs=0)
             + program("off", "/bin/cat", autostart="false"), steps=[
        do("captured", lambda w: w.until(
            lambda: any(p.read_text() == "here\n" for p in w.dir.glob("logs/auto-stdout*")), "here in the log")),
        do("files", lambda w: sorted(f"{p.name[:-13]}.log {p.stat().st_size}" for p in w.dir.glob("logs/*"))),
        do("modes", lambda w: sorted({oct(p.stat().st_mode & 0o777) for p in w.dir.glob("logs/*")})),
        call("readProcessStdoutLog", "auto", 0, 0), call("readProcessStdoutLog", "off", 0, 0),
        call("getProcessInfo", "off"),
    ], differs={"files": Differs(
        "an automatic log is created when it is first written or read",
        lambda reference, ours: ours == [name for name in reference if not name.endswith(" 0")])}),
    Scenario("logs to NONE", config=says("echo out", stdout_logfile="NONE", stderr_logfile="NONE"), steps=[
        running("says"),
        *calls(("getProcessInfo", "says"), ("readProcessStdoutLog", "says", 0, 0), ("readProcessStderrLog", "says", 0, 0),
               ("tailProcessStdoutLog", "says", 0, 10), ("clearProcessLogs", "says")),
        ctl("tail says"), ctl("tail says stderr"), ctl("clear says"), files("*.log"),
    ]),
    Scenario("logs to the daemon's own output", config=says(
        "echo out; echo err >&2", stdout_logfile="/dev/stdout", stdout_logfile_maxbytes=0,
        stderr_logfile="/dev/stderr", stderr_logfile_maxbytes=0), steps=[
            wait_file("daemon.out", "end"), wait_file("daemon.out", "err"),
            do("both", lambda w: sorted(set(w.text("daemon.out").split()) & {"out", "err", "end"})),
        ]),
    Scenario("a program that ends loses no output", config=program(
        "last", "/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; printf tail'", startsecs=0,
        autorestart="false", stdout_logfile="@DIR@/last.log"), steps=[wait("last", "EXITED"), file("last.log")]),
    Scenario("a log is appended to", config=says("echo again"), steps=[
        wait_file("out.log", "end"), silently("stopProcess", "says"), silently("startProcess", "says"),
        wait_file("out.log", "end", 2), file("out.log"),
    ]),
    Scenario("much output", config=program(
        "much", "/bin/sh -c 'seq 1 200000'", startsecs=0, autorestart="false", stdout_logfile="@DIR@/much.log",
        stdout_logfile_maxbytes=0), steps=[
            wait("much", "EXITED"),
            do("all of it", lambda w: w.text("much.log") == "".join(f"{i}\n" for i in range(1, 200001))),
        ]),
    Scenario("windows of a log", config=says("printf abcdefghij"), steps=[
        wait_file("out.log", "end"),
        *calls(*[("readProcessStdoutLog", "says", offset, length) for offset, length in (
            (0, 0), (0, 3), (3, 4), (10, 100), (14, 0), (14, 5), (100, 1), (100, 0), (-4, 0), (-100, 0), (-4, 2),
            (0, -1), (-1, -1), (5, -2))]),
        *calls(*[("tailProcessStdoutLog", "says", offset, length) for offset, length in (
            (0, 0), (0, 3), (0, 14), (0, 100), (3, 4), (10, 4), (10, 2), (14, 10), (100, 10), (13, 1), (0, 13))]),
        *calls(("readProcessLog", "says", 0, 3), ("tailProcessLog", "says", 0, 3), ("readProcessStderrLog", "says", 0, 5),
               ("tailProcessStderrLog", "says", 0, 5)),
    ]),
    Scenario("odd windows of tail", config=says("printf abcdefghij"), steps=[
        wait_file("out.log", "end"),
        *[readable("tailProcessStdoutLog", "says", offset, length) for offset, length in ((-5, 3), (5, -3), (-1, -1), (0, -1))],
    ]),
    Scenario("logs of no process", config=says("echo out"), steps=[
        running("says"),
        *calls(*[(method, name, 0, 10) for name in ("nope", "says:*", "says:nope") for method in (
            "readProcessStdoutLog", "readProcessStderrLog", "tailProcessStdoutLog", "tailProcessStderrLog")]),
        *calls(("clearProcessLogs", "nope"), ("clearProcessLogs", "says:*"), ("clearProcessLog", "says")),
    ]),
    Scenario("a log that is gone", config=says("echo out"), steps=[
        wait_file("out.log", "end"), remove("out.log"),
        *calls(("readProcessStdoutLog", "says", 0, 0), ("tailProcessStdoutLog", "says", 0, 10)), ctl("tail says"),
    ]),
    Scenario("UTF-8 in a log", config=says("echo h\u00e9llo \u4e16\u754c \U0001f600"), steps=[
        wait_file("out.log", "end"), call("readProcessStdoutLog", "says", 0, 0), ctl("tail says"),
    ]),
    Scenario("markup in a log", config=says("echo \"<b>&amp; ]]> </value>\""), steps=[
        wait_file("out.log", "end"), call("readProcessStdoutLog", "says", 0, 0), call("tailProcessStdoutLog", "says", 0, 99),
    ]),
    Scenario("control bytes in a log", config=says("printf \"a\\\\001b\\\\033c\\\\n\""), steps=[
        wait_file("out.log", "end"), readable("readProcessStdoutLog", "says", 0, 0),
    ], differs={"readProcessStdoutLog('says', 0, 0)": Differs(
        "a log that holds control bytes can be read",
        lambda reference, ours: reference == "no XML" and ours.startswith("a") and ours.endswith("end\n"))}),
    Scenario("clearing logs", config=says("echo out; echo err >&2") + ECHO, steps=[
        wait_file("out.log", "end"), wait_file("err.log", "err"), running("echo"),
        call("clearProcessLogs", "says"), file("out.log"), file("err.log"), call("readProcessStdoutLog", "says", 0, 0),
        *send("echo", "one\n", "echo.log", 4), call("clearProcessLogs", "echo:echo"), *send("echo", "two\n", "echo.log", 4),
        file("echo.log"), call("clearAllProcessLogs"), file("echo.log"),
    ]),
    Scenario("clearing the logs of a stopped program", config=says("echo out", autorestart="false"), steps=[
        wait_file("out.log", "end"), silently("stopProcess", "says"), call("clearProcessLogs", "says"),
        call("clearAllProcessLogs"), file("out.log"),
    ], differs={"file out.log": Differs(
        "what is answered as cleared is cleared", lambda reference, ours: (reference, ours) == ("out\nend\n", ""))}),
    Scenario("rotation by size", config=program(
        "echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log", stdout_logfile_maxbytes=250,
        stdout_logfile_backups=2), steps=[
            running("echo"), *send("echo", f"1{TEN}\n", "echo.log", 102), *send("echo", f"2{TEN}\n", "echo.log", 204),
            *send("echo", f"3{TEN}\n", "echo.log", 0), *send("echo", f"4{TEN}\n", "echo.log", 102),
            *send("echo", f"5{TEN}\n", "echo.log", 204), *send("echo", f"6{TEN}\n", "echo.log", 0),
            *send("echo", f"7{TEN}{TEN}{TEN}\n", "echo.log", 0),
            wait_file("echo.log.1", f"7{TEN}{TEN}{TEN}"), *send("echo", "8\n", "echo.log", 2),
            files("echo.log*"), *[file(f"echo.log{suffix}") for suffix in ("", ".1", ".2", ".3")],
            call("clearProcessLogs", "echo"), files("echo.log*"),
        ]),
    Scenario("rotation at exactly the limit", config=program(
        "echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log", stdout_logfile_maxbytes=200), steps=[
            running("echo"), *send("echo", TEN, "echo.log", 100), *send("echo", TEN, "echo.log", 0),
            files("echo.log*"),
        ]),
    Scenario("rotation without backups", config=program(
        "echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log", stdout_logfile_maxbytes=150,
        stdout_logfile_backups=0), steps=[
            running("echo"), *send("echo", TEN, "echo.log", 100), *send("echo", TEN, "echo.log", 0),
            *send("echo", "after", "echo.log", 5), files("echo.log*"), file("echo.log"),
        ]),
    Scenario("no rotation", config=program(
        "echo", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/echo.log", stdout_logfile_maxbytes=0), steps=[
            running("echo"), *send("echo", TEN * 10, "echo.log", 1000), files("echo.log*"),
        ]),
    Scenario("SIGUSR2 reopens the logs", config=ECHO, steps=[
        running("echo"), *send("echo", "one\n", "echo.log", 4), rename("echo.log", "old.log"), rename("main.log", "oldmain.log"),
        daemon_signal(signals.SIGUSR2), wait_file("echo.log"), wait_file("main.log"),
        *send("echo", "three\n", "echo.log", 6), file("echo.log"), file("old.log"),
    ], activity="ordered"),
    Scenario("a log that was moved away", config=ECHO, steps=[
        running("echo"), *send("echo", "one\n", "echo.log", 4), rename("echo.log", "old.log"),
        silently("sendProcessStdin", "echo", "two\n"),
        do("both lines are kept", lambda w: w.until(
            lambda: (w.text("old.log") or "") + (w.text("echo.log") or "") == "one\ntwo\n", "both lines")),
    ]),
    Scenario("the activity log's lines for a reopening", config=ECHO, steps=[
        running("echo"), daemon_signal(signals.SIGUSR2), wait_log("supervisord logreopen"),
    ], activity="ordered"),
    Scenario("the activity log is rotated", config=ECHO, daemon="logfile_maxbytes=400\nlogfile_backups=2\n", steps=[
        running("echo"), *[call("stopProcess", "echo"), call("startProcess", "echo")] * 8,
        do("files", lambda w: sorted(p.name for p in w.dir.glob("main.log*"))),
    ], activity=None),
    Scenario("reading the activity log", config=ECHO, steps=[
        running("echo"), *calls(("readLog", 0, 0), ("readMainLog", 0, 4), ("readLog", -1, 1), ("readLog", 0, -1)),
        do("the last bytes", lambda w: w.call("supervisor.readLog", -10, 0)), ctl("maintail"), ctl("maintail -20"),
    ]),
    Scenario("clearing the activity log", config=ECHO, steps=[
        running("echo"), call("clearLog"), do("what it says then", lambda w: w.activity()),
        # A removed log is begun anew by ours at its next line, whenever that is: not compared.
    ], activity=None),
    Scenario("the activity log to /dev/null", config=ECHO, daemon="logfile=/dev/null\nlogfile_maxbytes=0\n", steps=[
        running("echo"), call("readLog", 0, 0), ctl("maintail"), output(),
    ], activity=None),
    Scenario("strip_ansi", config=says("printf \"\\\\033[31mred\\\\033[0m plain\\\\n\""), daemon="strip_ansi=true\n", steps=[
        wait_file("out.log", "end"), file("out.log"),
    ]),
    Scenario("without strip_ansi", config=says("printf \"\\\\033[31mred\\\\033[0m plain\\\\n\""), steps=[
        wait_file("out.log", "end"), file("out.log"),
    ]),
    Scenario("old automatic logs are wiped", start=False, config=ECHO, steps=[
        write("logs/gone-stdout---supervisor-abcdefgh.log", "old"), write("logs/gone-stderr---supervisor-12345678.log.3", "old"),
        write("logs/other-stdout---another-abcdefgh.log", "old"), write("logs/plain.log", "old"),
        do("start", lambda w: w.start()), do("left", lambda w: sorted(
            p.name for p in w.dir.glob("logs/*") if not p.name.startswith("echo-"))),
    ]),
    Scenario("nocleanup keeps them", start=False, config=ECHO, daemon="nocleanup=true\n", steps=[
        write("logs/gone-stdout---supervisor-abcdefgh.log", "old"), do("start", lambda w: w.start()),
        do("left", lambda w: sorted(p.name for p in w.dir.glob("logs/gone*"))),
    ]),
    Scenario("several processes into one log", config=program(
        "many", "/bin/sh -c 'echo from %(process_num)d; exec cat'", process_name="%(program_name)s_%(process_num)d", numprocs=3,
        startsecs=0, stdout_logfile="@DIR@/%(program_name)s-%(process_num)d.log"), steps=[
            *[wait_file(f"many-{n}.log", f"from {n}\n") for n in range(3)], *[file(f"many-{n}.log") for n in range(3)],
        ]),
    Scenario("what the daemon prints", config=ECHO, steps=[
        running("echo"), silently("stopProcess", "echo"), output(),
    ]),
    Scenario("silent", config=ECHO, daemon="silent=true\n", steps=[running("echo"), output()]),
]
