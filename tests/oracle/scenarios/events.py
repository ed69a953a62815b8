"""Event listeners: each event's text, the protocol and its errors, buffers, pools; capture; fcgi."""

import re
import signal as signals
import socket

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import exits, program
from oracle.steps import (
    activity, call, calls, configure, ctl, do, field, file, mode, quiet, running, signal, silently, wait,
    wait_file, wait_log,
)

BEGIN, END = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"


def listener(events: str, *behaviour: str, name="ear", **keys) -> str:
    """A listener that writes into NAME.heard. `behaviour` is what it does with each event."""
    words = " ".join(f'"{word}"' for word in behaviour)
    heard = keys.pop("heard", name)
    lines = [f"[eventlistener:{name}]", f"events={events}",
             f"command=@PYTHON@ @EAR@ @DIR@/{heard}.heard {words}"]
    keys = {"startsecs": 0, **keys}
    return "\n".join(lines + [f"{key}={value}" for key, value in keys.items()]) + "\n"


def parsed(text: str) -> list[tuple[dict, str]]:
    """Every event of a listener's file: its head and its text."""
    found = []
    for one in (text or "").split("\n--\n")[:-1]:
        head, _, payload = one.partition("\n")
        found.append((dict(word.split(":", 1) for word in head.split()), payload))
    return found


def heard(count: int, name="ear"):
    """Waits until a listener has heard so many events: their types and texts, in order for each
    process, without what two runs cannot share."""

    def act(world):
        fact = lambda: len(parsed(world.text(f"{name}.heard"))) >= count
        world.until(fact, f"{count} events in {name}.heard")
        told = {}
        for head, payload in parsed(world.text(f"{name}.heard")):
            who = payload.split(" ")[0] if payload.startswith("processname:") else ""
            told.setdefault(who, []).append([head["eventname"], without_chance(payload)])
        return dict(sorted(told.items()))

    return do(f"{count} heard by {name}", act)


def heads(count: int, name="ear", *keys: str):
    """Waits until a listener has heard so many events: parts of their heads."""

    def act(world):
        fact = lambda: len(parsed(world.text(f"{name}.heard"))) >= count
        world.until(fact, f"{count} events in {name}.heard")
        return [[head[key] for key in keys] for head, _ in parsed(world.text(f"{name}.heard"))]

    return do(f"{count} heads of {name}", act)


def kinds(count: int, name="ear"):
    """Waits until a listener has heard so many events: the type and first line of each."""

    def act(world):
        fact = lambda: len(parsed(world.text(f"{name}.heard"))) >= count
        world.until(fact, f"{count} events in {name}.heard")
        return [f"{head['eventname']} {payload.splitlines()[0] if payload else ''}"
                for head, payload in parsed(world.text(f"{name}.heard"))]

    return do(f"{count} kinds of {name}", act)


def without_chance(payload: str) -> str:
    words = payload.split(" ", 4)
    return " ".join("pid:<pid>" + word.removeprefix("pid:").lstrip("0123456789")
                    if word.startswith("pid:") and not word.startswith("pid:0") else word for word in words)


def send(*kinds: str):
    """Sends remote events."""
    return [silently("sendRemoteCommEvent", kind, "data") for kind in kinds]


def go(name="ear"):
    """Lets a listener that waits go on."""
    return quiet("go", lambda w: w.path(f"{name}.go").write_text(""))


def ready(count: int = 1, name="ear"):
    """Waits until listeners have said that they are ready, and the daemon has heard it."""
    return wait_log(f"{name}: ACKNOWLEDGED -> READY", count)


def remote(name: str, *steps, behaviour=("ok",), keys=None, **parts) -> Scenario:
    """A scenario of one listener for remote events, which is ready when the steps begin."""
    config = listener("REMOTE_COMMUNICATION", *behaviour, **(keys or {}))
    # Lines at debug are the only ones that tell of readiness; most others there are not compared.
    return Scenario(name, config=config, daemon="loglevel=debug\n", steps=[ready(), running("ear"), *steps],
                    activity=None, **parts)


def warnings():
    """What the log warns of, without the warnings that every start has."""
    level = re.compile(r"^[-\d]+ [:,\d]+ ((?:WARN|ERRO|CRIT) .*ear.*)")

    def act(world):
        found = [found.group(1) for line in world.activity() if (found := level.match(line))]
        return [line for line in found if ".conf:" not in line and "stopped: " not in line]

    return do("warnings", act)


def connects(address: str):
    """Connects to a socket: what it says, or that nobody is there."""

    def act(world):
        where = world.fill(address)
        kind, target = (socket.AF_UNIX, where) if where.startswith("/") else (
            socket.AF_INET, ("127.0.0.1", int(where)))
        with socket.socket(kind) as client:
            client.settimeout(20)
            try:
                client.connect(target)
            except OSError:
                return "nobody"
            return client.recv(100).decode()

    return do(f"connect to {address}", act)


def fcgi(name: str, url: str, **keys) -> str:
    lines = [f"[fcgi-program:{name}]", f"socket={url}", f"command=@PYTHON@ @FCGI@ {keys.pop('says', name)}"]
    return "\n".join(lines + [f"{key}={value}" for key, value in {"startsecs": 0, **keys}.items()]) + "\n"


def prints(*words: str, **keys) -> str:
    """A program that says words, each by a write of its own, and stays."""
    text = " ".join(f'"{word}"' for word in words)
    files = dict(stdout_logfile="@DIR@/out.log", stderr_logfile="@DIR@/err.log")
    keys = {"startsecs": 0, "autostart": "false", **files, **keys}
    return program("says", f"@PYTHON@ @SAYS@ {text}", **keys)


CAT = program("cat", "/bin/cat", startsecs=0, autostart="false")
SLOW = program("slow", "/bin/sh -c 'trap \"sleep 1; exit 0\" TERM; echo up; while :; do sleep 0.1; done'", startsecs=0,
               stdout_logfile="@DIR@/slow.log")
CLOSES = Differs("a socket goes with the last that uses it, and is not made before the first")


def says(name: str, events: str, count: int, words: tuple, *steps, differs=None, **keys) -> Scenario:
    """A program prints, and a listener hears of it."""
    return Scenario(name, config=listener(events, buffer_size=100) + prints(*words, **keys), steps=[
        running("ear"), silently("startProcess", "says"), heard(count), *steps], differs=differs or {})


SCENARIOS = [
    # --- what each event says
    Scenario("events of a start and a stop", config=listener("PROCESS_STATE", buffer_size=50) + CAT, steps=[
        running("ear"), silently("startProcess", "cat"), running("cat"), silently("stopProcess", "cat"), heard(6),
    ]),
    Scenario("events of an expected exit", config=listener("PROCESS_STATE_EXITED") + exits(
        "quick", 0, startsecs=0, autorestart="false"), steps=[heard(1)]),
    Scenario("events of an unexpected exit", config=listener("PROCESS_STATE_EXITED") + exits(
        "quick", 3, startsecs=0, autorestart="false"), steps=[heard(1)]),
    Scenario("events of a death by signal", config=listener("PROCESS_STATE_EXITED") + program(
        "cat", "/bin/cat", startsecs=0, autorestart="false"), steps=[
            running("ear", "cat"), signal("cat", signals.SIGKILL), heard(1)]),
    Scenario("events of tries and giving up", config=listener(
        "PROCESS_STATE_STARTING,PROCESS_STATE_BACKOFF,PROCESS_STATE_FATAL", buffer_size=50) + exits(
            "dies", 1, startretries=1, autostart="false"), steps=[
                running("ear"), silently("startProcess", "dies", False), wait("dies", "FATAL"), heard(6)]),
    Scenario("events of a program that is not there", config=listener(
        "PROCESS_STATE_STARTING,PROCESS_STATE_BACKOFF,PROCESS_STATE_FATAL", buffer_size=50) + program(
            "gone", "/no/such/program", startretries=0), steps=[heard(4)]),
    Scenario("a start that is refused is no event", config=listener("PROCESS_STATE,REMOTE_COMMUNICATION", buffer_size=50)
             + program("gone", "/no/such/program", autostart="false"), steps=[
                 running("ear"), call("startProcess", "gone"), *send("after"), heard(3)]),
    Scenario("events of a stop in backoff", config=listener("PROCESS_STATE_BACKOFF,PROCESS_STATE_STOPPED") + exits(
        "dies", 1, startretries=20, autostart="false"), steps=[
            running("ear"), silently("startProcess", "dies", False), wait("dies", "BACKOFF"),
            silently("stopProcess", "dies"), heard(2)]),
    Scenario("events of an automatic restart", config=listener("PROCESS_STATE_EXITED,PROCESS_STATE_STARTING", buffer_size=50)
             + program("cat", "/bin/cat", startsecs=0, autorestart="true"), steps=[
                 running("ear", "cat"), signal("cat", signals.SIGKILL), heard(4), running("cat")]),
    remote("a remote event", call("sendRemoteCommEvent", "kind", "some data"), heard(1)),
    remote("a remote event of several lines", call("sendRemoteCommEvent", "kind", "one\ntwo\n\n"), heard(1)),
    remote("a remote event's length counts characters", call("sendRemoteCommEvent", "k\u00efnd", "h\u00e9llo \u4e16\u754c \U0001f600"),
           heard(1), heads(1, "ear", "len", "eventname", "ver", "server", "pool")),
    remote("a remote event of nothing", call("sendRemoteCommEvent", "", ""), heard(1)),
    Scenario("a remote event without listeners", config=CAT, steps=[call("sendRemoteCommEvent", "kind", "data")]),
    Scenario("events of groups", config=listener("PROCESS_GROUP", buffer_size=50) + CAT, steps=[
        running("ear"), heard(2), configure(listener("PROCESS_GROUP", buffer_size=50) + CAT + program("dog", "/bin/cat", startsecs=0)),
        ctl("update"), heard(3), configure(listener("PROCESS_GROUP", buffer_size=50) + CAT), ctl("update"), heard(4)]),
    Scenario("a group that is added", config=listener("PROCESS_GROUP_ADDED") + CAT, steps=[running("ear"), heard(2)]),
    Scenario("a group that is removed", config=listener("PROCESS_GROUP_REMOVED") + CAT, steps=[
        running("ear"), call("removeProcessGroup", "cat"), heard(1), call("addProcessGroup", "cat")]),
    Scenario("the supervisor runs", config=listener("SUPERVISOR_STATE_CHANGE_RUNNING"), steps=[
        heard(1), heads(1, "ear", "serial", "poolserial", "len")]),
    Scenario("the supervisor stops", daemon="loglevel=debug\n", activity=None, config=listener("SUPERVISOR_STATE_CHANGE") + SLOW, steps=[
        heard(1), ready(2), wait_file("slow.log", "up"), call("shutdown"), heard(2), do("the end", lambda w: w.exit_status())]),
    Scenario("a tick", config=listener("TICK_5"), steps=[
        running("ear"), do("a tick", lambda w: w.until(lambda: parsed(w.text("ear.heard")), "a tick")),
        do("its text", lambda w: [(head["eventname"], payload[:5], int(payload[5:]) % 5)
                                  for head, payload in parsed(w.text("ear.heard"))[:1]])]),
    Scenario("ticks by their parent", config=listener("TICK"), steps=[
        running("ear"), do("a tick", lambda w: w.until(lambda: parsed(w.text("ear.heard")), "a tick")),
        do("its type", lambda w: parsed(w.text("ear.heard"))[0][0]["eventname"])]),
    Scenario("an event while everything stops", daemon="loglevel=debug\n", activity=None, config=listener(
        "REMOTE_COMMUNICATION") + SLOW, steps=[
            ready(), running("ear", "slow"), wait_file("slow.log", "up"), call("shutdown"), wait_log("killing slow"),
            call("sendRemoteCommEvent", "late", "data"), call("getState"), do("the end", lambda w: w.exit_status()), heard(1)]),
    # --- output
    says("stdout as events", "PROCESS_LOG_STDOUT", 2, ("1one\\n", "1two\\n"), wait_file("out.log", "two"), file("out.log"),
         stdout_events_enabled="true"),
    says("stderr as events", "PROCESS_LOG", 1, ("2one\\n",), wait_file("err.log", "one"), file("err.log"), stderr_events_enabled="true"),
    says("stdout and stderr as events", "PROCESS_LOG", 3, ("1one\\n", "2two\\n", "1three"),
         stdout_events_enabled="true", stderr_events_enabled="true"),
    says("stderr that goes where stdout goes", "PROCESS_LOG", 2, ("1one\\n", "2two\\n"),
         stdout_events_enabled="true", redirect_stderr="true"),
    says("output that is no UTF-8", "PROCESS_LOG", 1, ("1a\\xff'b\\n",), stdout_events_enabled="true"),
    says("output that was stripped", "PROCESS_LOG", 1, ("1a\\x1b[31mred\\x1b[0m\\n",), stdout_events_enabled="true"),
    Scenario("output without events", config=listener("PROCESS_LOG,REMOTE_COMMUNICATION") + prints("1one\\n"), steps=[
        running("ear"), silently("startProcess", "says"), wait_file("out.log", "one"), *send("after"), heard(1)]),
    # --- capture
    says("a communication", "PROCESS_COMMUNICATION", 1, (f"1before{BEGIN}told{END}after and something more of it\\n",),
         wait_file("out.log", "more of it"), file("out.log"), stdout_capture_maxbytes=1000),
    says("a communication over several writes", "PROCESS_COMMUNICATION_STDOUT", 1, (
        f"1before{BEGIN[:7]}", f"1{BEGIN[7:]}to", "1ld", f"1 all{END[:9]}", f"1{END[9:]}and what comes after it, at length\\n"),
        wait_file("out.log", "at length"), file("out.log"), stdout_capture_maxbytes=1000),
    says("a communication on stderr", "PROCESS_COMMUNICATION_STDERR", 1, (f"2{BEGIN}told{END}and some more text, at length\\n",),
         wait_file("err.log", "at length"), file("err.log"), stderr_capture_maxbytes=1000),
    says("communications on both", "PROCESS_COMMUNICATION", 2, (
        f"1{BEGIN}out", f"2{BEGIN}err", f"1{END} and some more text, at length", f"2{END} and some more text, at length"),
        stdout_capture_maxbytes=1000, stderr_capture_maxbytes=1000),
    says("two communications in a write", "PROCESS_COMMUNICATION", 2, (
        f"1a{BEGIN}one{END}b{BEGIN}two{END} and some more text, at length",), wait_file("out.log", "at length"), file("out.log"),
        stdout_capture_maxbytes=1000),
    says("a communication beyond its cap", "PROCESS_COMMUNICATION", 1, (
        f"1{BEGIN}0123456789", "1abcde", "1fghij", f"1{END} and some more text, at length"), stdout_capture_maxbytes=15,
        differs={"1 heard by ear": Differs("no more than the cap is kept of a communication", lambda reference, ours: (
            "56789abcdefghij" in str(ours) and "456789" not in str(ours)))}),
    says("a communication that is no UTF-8", "PROCESS_COMMUNICATION", 1, (
        f"1{BEGIN}a\\xff{END} and some more text, at length",), stdout_capture_maxbytes=1000),
    says("a communication is output, too", "PROCESS_LOG,PROCESS_COMMUNICATION", 4, (
        "1some text at first, of some length\\n", f"1{BEGIN}", "1this is told and of some length", f"1{END}", "1and text in the end, of some length\\n"),
        stdout_capture_maxbytes=1000, stdout_events_enabled="true"),
    Scenario("a few bytes of a program with capture", config=program(
        "says", "/bin/sh -c 'echo hi'", startsecs=0, autorestart="false", stdout_logfile="@DIR@/out.log", stdout_capture_maxbytes=100),
        steps=[wait("says", "EXITED"), file("out.log")], differs={"file out.log": Differs(
            "what might have been the beginning of a marker is not lost", lambda reference, ours: (reference or "", ours) == ("", "hi\n"))}),
    Scenario("a communication that is never closed", config=listener("PROCESS_COMMUNICATION,REMOTE_COMMUNICATION") + program(
        "says", f"/bin/sh -c 'echo before; echo \"{BEGIN} and this is some text of some length\"'", startsecs=0, autorestart="false",
        stdout_logfile="@DIR@/out.log", stdout_capture_maxbytes=100), steps=[
            running("ear"), wait("says", "EXITED"), *send("after"), heard(1), file("out.log")], differs={"file out.log": Differs(
                "what stands after a marker that is never closed goes into the log", lambda reference, ours: (reference, ours) == (
                    "before\n", "before\n and this is some text of some length\n"))}),
    says("markers without capture", "PROCESS_LOG", 1, (f"1a{BEGIN}b{END}c\\n",), wait_file("out.log", "c"), file("out.log"),
         stdout_events_enabled="true"),
    # --- the protocol
    remote("one event after the other", *send("one", "two", "three"), heard(3), heads(3, "ear", "serial", "poolserial")),
    remote("an answer in one write", *send("one", "two"), heard(2), behaviour=("atonce",)),
    remote("an answer letter by letter", *send("one", "two"), heard(2), behaviour=("slow",)),
    remote("spaces in a result", *send("one", "two"), heard(2), behaviour=("spaces",)),
    remote("another word for a result", *send("one", "two"), heard(2), behaviour=("word",)),
    remote("a refused event comes again", *send("one", "two"), heads(3, "ear", "serial", "poolserial"), heard(3), warnings(),
           behaviour=("fail", "ok")),
    remote("neither OK nor FAIL", *send("one", "two"), heads(3, "ear", "serial"), warnings(), behaviour=("other", "ok")),
    remote("OK with a line feed", *send("one", "two"), heads(3, "ear", "serial"), warnings(), behaviour=("newline", "ok")),
    remote("an answer of nothing", *send("one", "two"), heads(3, "ear", "serial"), warnings(), behaviour=("none", "ok")),
    *[remote(f"an answer that is none: {what}", *send("one"), wait_log("has entered the UNKNOWN state"), heard(1), warnings(),
             activity("rebuffering"), *send("two"), silently("stopProcess", "ear"), silently("startProcess", "ear"), wait("ear", "RUNNING"),
             heads(2, "ear", "serial", "poolserial"), behaviour=(what,)) for what in ("nonsense", "words", "bytes")],
    remote("READY twice", *send("one"), wait_log("has entered the UNKNOWN state"), warnings(), *send("two"),
           silently("stopProcess", "ear"), silently("startProcess", "ear"), heads(2, "ear", "serial"), behaviour=("early",)),
    remote("ready in small letters", *send("one"), wait_log("has entered the UNKNOWN state"), warnings(), *send("two"),
           silently("stopProcess", "ear"), silently("startProcess", "ear"), heads(2, "ear", "serial"), behaviour=("late",)),
    Scenario("a listener that never keeps to the protocol", config=listener("REMOTE_COMMUNICATION", "first=hello, world"), steps=[
        wait_log("has entered the UNKNOWN state"), warnings(), field("ear", "statename")]),
    Scenario("a few letters decide nothing", config=listener("REMOTE_COMMUNICATION", "first=REA"), steps=[
        running("ear"), wait_file("/".join(["ear.heard"])), *send("one"), warnings(), field("ear", "statename")]),
    remote("a listener that dies with an event", *send("one", "two"), heads(3, "ear", "serial", "poolserial"),
           behaviour=("dieonce",), keys=dict(autorestart="true")),
    remote("the last word of a listener counts", *send("one"), wait("ear", "EXITED"), *send("two"),
           silently("startProcess", "ear"), heads(2, "ear", "serial"), behaviour=("lastword",), keys=dict(autorestart="false")),
    remote("a listener that closes its input", *send("one"), heard(1), ready(2), *send("two", "three"),
           silently("stopProcess", "ear"), silently("startProcess", "ear"), heads(2, "ear", "serial"), behaviour=("deaf",)),
    remote("a listener's logs", *send("one"), heard(1), ready(2), wait_file("out.log", "READY", 2), file("out.log"), file("err.log"),
           call("readProcessStdoutLog", "ear", 0, 0), call("clearProcessLogs", "ear"), file("out.log"),
           keys=dict(stdout_logfile="@DIR@/out.log", stderr_logfile="@DIR@/err.log")),
    # --- waiting
    remote("what does not fit is dropped, the oldest first", *send("held"), heard(1), *send(*"abcdefghijklm"), warnings(), go(),
           heads(11, "ear", "serial", "poolserial"), kinds(11), behaviour=("wait",)),
    remote("a buffer of one", *send("held"), heard(1), *send(*"abc"), warnings(), go(), heads(2, "ear", "serial"),
           behaviour=("wait",), keys=dict(buffer_size=1)),
    remote("a refused event and a full buffer", *send("held"), heard(1), *send(*"abc"), warnings(),
           behaviour=("wait", "ok"), keys=dict(buffer_size=2)),
    Scenario("events wait for a listener that starts", config=listener("REMOTE_COMMUNICATION", autostart="false"), steps=[
        *send("one", "two"), silently("startProcess", "ear"), heads(2, "ear", "serial", "poolserial")]),
    Scenario("who is not RUNNING is sent nothing", config=listener("REMOTE_COMMUNICATION,PROCESS_STATE_RUNNING", startsecs=2), steps=[
        wait_file("ear.heard"), *send("one"), do("nothing yet", lambda w: (w.state("ear"), w.text("ear.heard"))),
        running("ear"), heads(2, "ear", "eventname")]),
    # --- pools
    Scenario("a pool of several", daemon="loglevel=debug\n", config=listener(
        "REMOTE_COMMUNICATION", "wait", numprocs=3, process_name="ear%(process_num)d", heard="ear%(process_num)d"), activity=None, steps=[
            *[ready(1, f"ear{n}") for n in range(3)], running("ear:ear0", "ear:ear1", "ear:ear2"), *send("one", "two", "three", "four"),
            *[heard(1, f"ear{n}") for n in range(3)], *[heads(1, f"ear{n}", "serial", "poolserial", "pool") for n in range(3)], go("ear1"),
            heads(2, "ear1", "serial")]),
    Scenario("another takes what one has refused", daemon="loglevel=debug\n", activity=None, config=listener(
        "REMOTE_COMMUNICATION", "nonsense", numprocs=2, process_name="ear%(process_num)d", heard="ear%(process_num)d"), steps=[
            ready(1, "ear0"), ready(1, "ear1"), running("ear:ear0", "ear:ear1"), *send("one"), heads(1, "ear0", "serial"),
            heads(1, "ear1", "serial"), wait_log("has entered the UNKNOWN state", 2), warnings()]),
    Scenario("another takes what one died with", daemon="loglevel=debug\n", activity=None, config=listener(
        "REMOTE_COMMUNICATION", "die", numprocs=2, process_name="ear%(process_num)d", heard="ear%(process_num)d", autorestart="false"), steps=[
            ready(1, "ear0"), ready(1, "ear1"), running("ear:ear0", "ear:ear1"), *send("one"), heads(1, "ear0", "serial"),
            heads(1, "ear1", "serial")]),
    Scenario("two pools hear the same", config=listener("REMOTE_COMMUNICATION") + listener(
        "REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE", name="nose"), steps=[
            running("ear", "nose"), *send("one", "two"), heads(2, "ear", "serial", "poolserial", "pool"),
            heads(3, "nose", "serial", "poolserial", "pool", "eventname")]),
    Scenario("two subscriptions to one event", config=listener("EVENT,REMOTE_COMMUNICATION", buffer_size=50), steps=[
        running("ear"), *send("one"), do("it comes", lambda w: w.until(lambda: [
            head for head, _ in parsed(w.text("ear.heard")) if head["eventname"] == "REMOTE_COMMUNICATION"][1:], "two")),
        do("twice with one serial", lambda w: len({(head["serial"], head["poolserial"]) for head, _ in parsed(
            w.text("ear.heard")) if head["eventname"] == "REMOTE_COMMUNICATION"}))]),
    Scenario("names of events in any case", config=listener("remote_communication,Tick_3600"), steps=[
        running("ear"), *send("one"), heard(1)]),
    Scenario("a subscription to everything", config=listener("EVENT", buffer_size=100) + CAT, steps=[
        running("ear"), silently("startProcess", "cat"), running("cat"), *send("one"), silently("stopProcess", "cat"),
        do("types", lambda w: w.until(lambda: len([1 for h, _ in parsed(w.text("ear.heard")) if not h["eventname"].startswith("TICK")]) >= 10, "all")),
        do("sorted", lambda w: sorted({head["eventname"] for head, _ in parsed(w.text("ear.heard"))} - {"TICK_5", "TICK_60", "TICK_3600"}))]),
    # --- the life of listeners
    Scenario("listeners start first and stop last", daemon="loglevel=debug\n", activity=None, config=SLOW + listener(
        "PROCESS_STATE_STOPPING"), steps=[
            running("ear", "slow"), ready(), wait_file("slow.log", "up"), call("shutdown"), do("the end", lambda w: w.exit_status()), heard(1),
            do("order", lambda w: [found.group(0) for line in w.activity() if (found := re.search(r"(spawned|stopped): '?\w+", line))])]),
    Scenario("a pool of a late priority", daemon="loglevel=debug\n", activity=None, config=SLOW + listener(
        "PROCESS_STATE_STOPPED", priority=1000), steps=[
            running("ear", "slow"), wait_file("slow.log", "up"), call("shutdown"), do("the end", lambda w: w.exit_status()),
            do("order", lambda w: [found.group(0) for line in w.activity() if (found := re.search(r"(spawned|stopped): '?\w+", line))])]),
    Scenario("what a listener is to others", config=listener("TICK_3600", stdout_logfile="NONE", stderr_logfile="NONE"), steps=[
        running("ear"), call("getAllConfigInfo"), field("ear", "name", "group", "statename", "logfile"), ctl("status"), ctl("avail")]),
    Scenario("changes of a pool are changes", config=listener("TICK_3600"), steps=[
        running("ear"), configure(listener("TICK_60")), call("reloadConfig"), configure(listener("TICK_3600", buffer_size=20)),
        call("reloadConfig"), configure(listener("TICK_3600", priority=5)), call("reloadConfig"), configure(listener("tick_3600")),
        call("reloadConfig")]),
    Scenario("a pool that is added and removed", config=CAT, steps=[
        configure(CAT + listener("REMOTE_COMMUNICATION")), ctl("update"), running("ear"), *send("one"), heard(1),
        configure(CAT), ctl("update"), *send("two"), call("getAllProcessInfo")]),
    Scenario("a pool that hears something else from now on", config=listener("TICK_3600"), steps=[
        running("ear"), configure(listener("REMOTE_COMMUNICATION")), ctl("update"), running("ear"), *send("one"), heard(1)]),
    # --- fcgi
    Scenario("an fcgi-program on a unix socket", config=fcgi("web", "unix://@DIR@/web.sock"), steps=[
        running("web"), connects("@DIR@/web.sock"), connects("@DIR@/web.sock"), mode("web.sock"), call("sendProcessStdin", "web", "x"),
        call("stopProcess", "web"), connects("@DIR@/web.sock"), call("startProcess", "web"), connects("@DIR@/web.sock"),
    ], differs={"activity": CLOSES}),
    Scenario("a socket's mode", config=fcgi("web", "unix://@DIR@/web.sock", socket_mode="0640", socket_backlog=5), steps=[
        running("web"), mode("web.sock"), connects("@DIR@/web.sock")], differs={"activity": CLOSES}),
    Scenario("a socket's owner", root_only=True, config=fcgi("web", "unix://@DIR@/web.sock", socket_owner="nobody:nogroup"), steps=[
        running("web"), do("owner", lambda w: (w.path("web.sock").stat().st_uid, w.path("web.sock").stat().st_gid))],
        differs={"activity": CLOSES}),
    Scenario("a socket belongs to the program's user", root_only=True, config=fcgi(
        "web", "unix://@DIR@/web.sock", user="nobody").replace("@PYTHON@ @FCGI@ web", "/bin/sleep 3600"), steps=[
        running("web"), do("owner", lambda w: (w.path("web.sock").stat().st_uid, w.path("web.sock").stat().st_gid))],
        differs={"activity": CLOSES}),
    Scenario("an fcgi-program on a TCP socket", config=fcgi("web", "tcp://localhost:@PORT@"), steps=[
        running("web"), connects("@PORT@"), call("stopProcess", "web"), connects("@PORT@"), call("startProcess", "web"),
        connects("@PORT@")], differs={"activity": CLOSES}),
    Scenario("several fcgi-programs share a socket", config=fcgi(
        "web", "unix://@DIR@/%(program_name)s.sock", numprocs=3, process_name="web%(process_num)d"), steps=[
            running("web:web0", "web:web1", "web:web2"), connects("@DIR@/web.sock"), call("stopProcess", "web:web1"),
            connects("@DIR@/web.sock"), call("stopProcess", "web:web0"), connects("@DIR@/web.sock"), call("stopProcess", "web:web2"),
            connects("@DIR@/web.sock"), call("startProcess", "web:web0"), connects("@DIR@/web.sock"),
        ], differs={"activity": CLOSES}),
    Scenario("an old socket is replaced", config=fcgi("web", "unix://@DIR@/web.sock", autostart="false"), steps=[
        quiet("an old socket", lambda w: w.path("web.sock").exists() or socket.socket(socket.AF_UNIX).bind(str(w.path("web.sock")))),
        call("startProcess", "web"), connects("@DIR@/web.sock")], differs={"activity": CLOSES}),
    Scenario("an fcgi-program that ends by itself", config=fcgi("web", "unix://@DIR@/web.sock", autorestart="false"), steps=[
        running("web"), signal("web", signals.SIGKILL), wait("web", "EXITED"), connects("@DIR@/web.sock"),
        call("startProcess", "web"), connects("@DIR@/web.sock")], differs={"activity": CLOSES}),
    Scenario("an fcgi-program in a group", config=fcgi("web", "unix://@DIR@/web.sock") + "[group:sites]\nprograms=web\n", steps=[
        do("settled", lambda w: w.until(lambda: w.state("sites:web") not in ("STARTING",), "a state")), connects("@DIR@/web.sock")],
        differs={"connect to @DIR@/web.sock": Differs("one in a group has its socket, too", lambda reference, ours: (
            reference, ours) == ("nobody", "web"))}, activity=None),
    Scenario("changes of an fcgi-program", config=fcgi("web", "unix://@DIR@/web.sock"), steps=[
        running("web"), configure(fcgi("web", "unix://@DIR@/other.sock")), call("reloadConfig"), ctl("update"), running("web"),
        connects("@DIR@/other.sock")], differs={"activity": CLOSES}),
]
