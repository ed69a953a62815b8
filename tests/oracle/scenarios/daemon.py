"""The daemon itself: its command line, its signals, its end and its new beginning."""

import os
import re
import signal as signals

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import (
    activity, call, calls, configure, ctl, daemon_signal, do, exit_status, field, file, mode, output, refused, running,
    silently, wait, wait_file, wait_gone, wait_log, write,
)

CAT = program("cat", "/bin/cat", startsecs=0)
DOG = program("dog", "/bin/cat", startsecs=0)

CONF = "@DIR@/supervisord.conf"

# Does not mind being stopped until the file `go` is there.
SLOW = program("slow", "/bin/sh -c 'trap \"\" TERM; echo ready; while [ ! -e @DIR@/go ]; do sleep 0.1; done'",
               startsecs=0, stopwaitsecs=60, autorestart="false", stdout_logfile="@DIR@/slow.log")


def is_version(reference: dict, ours: dict) -> bool:
    """Whether ours answers as the reference does, with a version of its own."""
    return ours | {"stdout": ""} == reference | {"stdout": ""} and re.fullmatch(r"\d+\.\d+\.\d+\n", ours["stdout"]) is not None


def status(key: str, *arguments: str):
    """supervisord with arguments that make it end: only its exit status is compared."""
    return do(key, lambda w: w.run(*arguments).exit)


def started(*arguments: str):
    """Starts the daemon with these arguments before -n -c."""
    return do("start", lambda w: w.start(*arguments, "-n", "-c", CONF))


def background(*arguments: str):
    """Daemonizes: the exit status of what was started; afterwards the daemon answers."""

    def act(world):
        done = world.run("-c", CONF, *arguments)
        world.until(world.answers, "the daemon to answer")
        world.settle()
        return {"exit": done.exit, "stdout": done.stdout, "stderr": done.stderr}

    return do("daemonize", act)


def proc(key: str, look):
    """Something about the daemon that /proc tells."""
    return do(key, lambda w: look(w, lambda name: f"/proc/{w.pid()}/{name}"))


def field_of(status: str, name: str) -> str:
    return next(line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:"))


def ended():
    """Waits until a daemon in the background is gone and compares what is left of it."""

    def act(world):
        pid = world.pid_before
        world.until(lambda: not world.alive(pid), "the daemon to end")
        return sorted(p.name for p in world.dir.iterdir() if p.name in ("s.sock", "daemon.pid"))

    return do("left behind", act)


REMEMBER = do("remember its pid", lambda w: setattr(w, "pid_before", w.pid()))

AGAIN = wait_log("supervisord started", 2)

SAME = do("the same process", lambda w: w.pid_before == w.call("supervisor.getPID"))

SCENARIOS = [
    Scenario("--version", start=False, steps=[
        do("--version", lambda w: w.run("--version")), do("-v", lambda w: w.run("-v"))],
        differs={flag: Differs("its own version", is_version) for flag in ("--version", "-v")}),
    Scenario("--help", start=False, steps=[
        status("-h", "-h"), status("--help", "--help"),
        do("it says how", lambda w: "onfiguration" in w.run("--help").stdout)]),
    Scenario("a bad command line", start=False, config=CAT, steps=[
        refused("--nope"), refused("-n", "-c", CONF, "cat"), refused("-n", "-c", CONF, "-e", "loud"),
        refused("-n", "-c", CONF, "-u", "nobody-of-this-name"), refused("-n", "-c", CONF, "-m", "9"),
        refused("-n", "-c", CONF, "-y", "lots"), refused("-n", "-c", CONF, "-z", "x"), refused("-n", "-c"),
        refused("-n", "-c", CONF, "-a", "x"), refused("-n", "-c", CONF, "-q", "@DIR@/none"),
        refused("-n", "-c", CONF, "-d", "@DIR@/none"), refused("-n", "-c", CONF, "-l", "@DIR@/none/x.log")]),
    Scenario("the command line overrides the file", start=False, config=CAT, steps=[
        started("-l", "@DIR@/other.log", "-e", "warn", "-j", "@DIR@/other.pid", "-i", "named", "-q", "@DIR@", "-t"),
        running("cat"), call("getIdentification"), call("readProcessStdoutLog", "cat", 0, 0),
        call("readProcessStderrLog", "cat", 0, 0), do("files", lambda w: sorted(
            p.name.partition("---")[0] for p in w.dir.iterdir() if p.name != "s.sock")),
        do("the pid file", lambda w: w.text("other.pid") == f"{w.pid()}\n"), do("the log", lambda w: len(w.text("other.log").splitlines())),
    ], activity=None),
    Scenario("long options", start=False, config=CAT, steps=[
        do("start", lambda w: w.start("--nodaemon", f"--configuration={w.conf}", "--identifier", "named", "--loglevel=warn",
                                      "--logfile_maxbytes", "1MB", "--logfile_backups=2", "--nocleanup", "--strip_ansi", "--minfds=100",
                                      "--minprocs", "10", "--umask=077", "--silent")),
        running("cat"), call("getIdentification"), output(),
    ]),
    Scenario("nodaemon in the file", start=False, config=CAT, daemon="nodaemon=true\n", steps=[
        do("start", lambda w: w.start("-c", CONF)), running("cat"), do("the pid file", lambda w: w.text("daemon.pid") == f"{w.pid()}\n"),
        mode("daemon.pid"),
    ]),
    Scenario("the file is found in the working directory", start=False, config=CAT, steps=[
        do("start", lambda w: w.start("-n")), running("cat"), do("status", lambda w: w.ctl("status", conf=False)),
    ], differs={}),
    Scenario("the file is found in etc", start=False, config="", steps=[
        do("move", lambda w: (w.path("etc").mkdir(), w.path("etc/supervisord.conf").write_text(
            w.conf.read_text().replace("%(here)s", str(w.dir)) + CAT), w.conf.unlink())),
        do("start", lambda w: w.start("-n")), running("cat"), do("status", lambda w: w.ctl("status", conf=False)),
    ]),
    Scenario("loglevel debug", config=CAT, daemon="loglevel=debug\n", steps=[
        running("cat"), silently("stopProcess", "cat"), activity("killing"), activity("sending"), call("signalProcess", "cat", "CONT"),
    ], activity=None),
    Scenario("loglevel warn", config=CAT, daemon="loglevel=warn\n", steps=[running("cat")]),
    Scenario("loglevel critical", config=CAT, daemon="loglevel=critical\n", steps=[running("cat")]),
    *[Scenario(f"loglevel {level}", config=CAT, daemon=f"loglevel={level}\n", steps=[running("cat")], activity=None)
      for level in ("trace", "blather", "error")],
    Scenario("identifier", config=program("auto", "/bin/cat", startsecs=0), daemon="identifier=mine\n", steps=[
        running("auto"), call("getIdentification"), field("auto", "stdout_logfile"),
    ]),
    Scenario("daemonized", start=False, config=CAT, steps=[
        background(), REMEMBER, running("cat"),
        proc("leads a session", lambda w, at: open(at("stat")).read().rpartition(")")[2].split()[3] == str(w.pid())),
        proc("where its output goes", lambda w, at: [os.readlink(at(f"fd/{n}")) for n in (0, 1, 2)]),
        proc("its umask", lambda w, at: field_of(open(at("status")).read(), "Umask")),
        proc("its directory", lambda w, at: os.readlink(at("cwd"))),
        ctl("status"), silently("shutdown"), ended(), activity(),
    ], differs={"leads a session": Differs(
        "it forks twice, so that it can never come by a terminal", lambda reference, ours: (reference, ours) == (True, False))}),
    Scenario("daemonized with umask and directory", start=False, config=CAT, steps=[
        background("-d", "/usr", "-m", "027"), REMEMBER,
        proc("its umask", lambda w, at: field_of(open(at("status")).read(), "Umask")),
        proc("its directory", lambda w, at: os.readlink(at("cwd"))),
        daemon_signal(signals.SIGTERM), ended(),
    ]),
    Scenario("daemonized with a bad file", start=False, config=program("cat", "/bin/cat", startsecs="x"), steps=[
        refused("-c", CONF), do("no pid file", lambda w: w.path("daemon.pid").exists()),
    ]),
    Scenario("the pid file", config=CAT, steps=[
        do("holds the pid", lambda w: w.text("daemon.pid") == f"{w.pid()}\n"), mode("daemon.pid"),
        silently("shutdown"), exit_status(), do("is gone", lambda w: w.path("daemon.pid").exists()),
    ]),
    Scenario("a pid file that cannot be written", config=CAT, daemon="pidfile=@DIR@/logs\n", steps=[
        running("cat"), do("is said", lambda w: any("CRIT" in line and "pidfile" in line for line in w.activity())),
    ], activity=None),
    Scenario("a stale socket", start=False, config=CAT, steps=[
        do("leave a socket", lambda w: leave_socket(w)), do("start", lambda w: w.start()), running("cat"), mode("s.sock"),
    ]),
    Scenario("a second daemon is refused", config=CAT, steps=[
        running("cat"), do("the second's status", lambda w: w.run("-n", "-c", CONF).exit),
        field("cat", "statename"), do("socket and pid file stay", lambda w: sorted(
            name for name in ("s.sock", "daemon.pid") if w.path(name).exists())),
    ], activity=None),
    Scenario("socket permissions", config=CAT, unix="chmod=0770\n", steps=[mode("s.sock")]),
    Scenario("socket owner", config=CAT, unix="chown=nobody:nogroup\n", root_only=True, steps=[
        do("owner", lambda w: (w.path("s.sock").owner(), w.path("s.sock").group())), mode("s.sock"),
    ]),
    Scenario("the daemon as another user", start=False, config=program("id", "/bin/sh -c 'id -un > @DIR@/said; exec cat'", startsecs=0),
             daemon="user=nobody\n", root_only=True, steps=[
                 do("open the directory", lambda w: (w.dir.chmod(0o777), w.path("logs").chmod(0o777))), do("start", lambda w: w.start()),
                 wait_file("said", "\n"), file("said"), proc("its user", lambda w, at: field_of(open(at("status")).read(), "Uid")),
             ]),
    *[Scenario(f"{number.name} ends it", config=CAT, steps=[running("cat"), daemon_signal(number), exit_status()], activity="ordered")
      for number in (signals.SIGINT, signals.SIGQUIT)],
    Scenario("shutdown", config=CAT + DOG, steps=[running("cat", "dog"), call("shutdown"), exit_status()]),
    Scenario("supervisorctl shutdown", config=CAT, steps=[
        running("cat"), ctl("shutdown"), exit_status(), ctl("status"), ctl("shutdown"), ctl("stop cat"),
    ]),
    Scenario("calls during the shutdown", config=SLOW + CAT, steps=[
        wait_file("slow.log", "ready"), running("cat"), call("shutdown"), wait_log("waiting for"),
        *calls(("getState",), ("getProcessInfo", "nope"), ("startProcess", "cat"), ("shutdown",), ("restart",),
               ("getAPIVersion",), ("sendRemoteCommEvent", "a", "b"), ("reloadConfig",), ("readLog", 0, 0)),
        do("system.listMethods works", lambda w: "supervisor.getState" in w.call("system.listMethods")),
        ctl("reload"), ctl("shutdown"), ctl("avail"), ctl("reread"), ctl("add cat"), write("go", ""), exit_status(),
    ], activity=None),
    Scenario("SIGHUP during the shutdown is ignored", config=SLOW, steps=[
        wait_file("slow.log", "ready"), call("shutdown"), wait_log("waiting for"), daemon_signal(signals.SIGHUP),
        wait_log("ignored SIGHUP"), write("go", ""), exit_status(),
    ]),
    Scenario("a second SIGTERM during the shutdown", config=SLOW, steps=[
        wait_file("slow.log", "ready"), daemon_signal(signals.SIGTERM), wait_log("waiting for"), daemon_signal(signals.SIGTERM),
        wait_log("received SIGTERM", 2), write("go", ""), exit_status(),
    ]),
    Scenario("nothing is started during the shutdown", config=program(
        "again", "/bin/sh -c 'echo run >> @DIR@/runs; exec cat'", startsecs=0, autorestart="true", priority=1) + SLOW, steps=[
            running("again"), wait_file("slow.log", "ready"), call("shutdown"), wait_log("waiting for"),
            write("go", ""), exit_status(), file("runs"),
        ]),
    Scenario("restart", config=CAT, steps=[
        running("cat"), REMEMBER, configure(CAT + DOG), call("restart"), AGAIN, do("answers", lambda w: w.until(w.answers, "an answer")),
        running("cat", "dog"), SAME, call("getState"),
    ]),
    Scenario("supervisorctl reload", config=CAT, steps=[
        running("cat"), REMEMBER, ctl("reload"), AGAIN, do("answers", lambda w: w.until(w.answers, "an answer")), running("cat"), SAME,
    ]),
    Scenario("SIGHUP", config=CAT + DOG, steps=[
        running("cat", "dog"), REMEMBER, silently("stopProcess", "dog"), configure(DOG), daemon_signal(signals.SIGHUP), AGAIN,
        do("answers", lambda w: w.until(w.answers, "an answer")), running("dog"), SAME, ctl("status"),
    ]),
    Scenario("calls while restarting", config=SLOW, steps=[
        wait_file("slow.log", "ready"), call("restart"), wait_log("waiting for"), *calls(("getState",), ("getPID",)),
        write("go", ""), AGAIN,
    ], activity=None),
    Scenario("SIGHUP with a bad file", config=CAT, steps=[
        running("cat"), configure(CAT + program("bad", "/bin/cat", startsecs="x")), daemon_signal(signals.SIGHUP),
        do("what becomes of it", lambda w: becomes(w)),
    ], differs={
        "what becomes of it": Differs("the error is logged and everything runs on",
                                      lambda reference, ours: reference == "ended with 2" and ours == "runs on"),
        "exit status": Differs("it ended", lambda reference, ours: (reference, ours) == (2, 0)),
    }, activity=None),
    Scenario("priorities at the shutdown, group after group", config="".join(
        program(name, "/bin/cat", startsecs=0, priority=priority) for name, priority in (("a", 30), ("b", 10), ("c", 20)))
        + "[group:late]\nprograms=b\npriority=500\n", steps=[
            running("a", "late:b", "c"), silently("shutdown"), exit_status(), activity("stopped:"),
        ], activity=None),
    Scenario("minfds raises the limit", start=False, config=CAT, daemon="minfds=2048\n", steps=[
        do("start", lambda w: w.start()), proc("soft limit holds it", lambda w, at: int(next(
            line.split()[3] for line in open(at("limits")) if line.startswith("Max open files"))) >= 2048),
    ]),
]


def leave_socket(world):
    """A socket file that nobody listens on."""
    import socket
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(world.path("s.sock")))


def becomes(world) -> str:
    """How the daemon takes it: it ends, or it says so and goes on."""
    def told():
        return world.process.poll() is not None or any(
            "ERRO" in line or "CRIT" in line and "startsecs" in line for line in world.activity())
    world.until(told, "the daemon to end or to log an error")
    return "runs on" if world.process.poll() is None and world.state("cat") == "RUNNING" else f"ended with {world.process.poll()}"
