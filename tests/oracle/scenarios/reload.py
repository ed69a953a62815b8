"""reread, update, add and remove, with every kind of change."""

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import (
    call, calls, configure, ctl, do, field, file, remove, running, silently, wait, write,
)

CAT = program("cat", "/bin/cat", startsecs=0)
DOG = program("dog", "/bin/cat", startsecs=0)
OFF = dict(autostart="false")


def each_change(*changes: tuple[str, dict, dict], **parts) -> list:
    """Programs named by what changes of them, before and after, and the answer of a reread."""
    after = "".join(program(name, **{"command": "/bin/cat", **OFF, **new}) for name, _, new in changes)
    return [configure(after, **parts), call("reloadConfig")]


def before(*changes: tuple[str, dict, dict]) -> str:
    return "".join(program(name, **{"command": "/bin/cat", **OFF, **old}) for name, old, _ in changes)


COUNTED = [
    ("command", {}, dict(command="/bin/true")),
    ("priority", {}, dict(priority=5)),
    ("environment", dict(environment="A=1"), dict(environment="A=2")),
    ("autostart", {}, dict(autostart="true")),
    ("autorestart", {}, dict(autorestart="true")),
    ("startsecs", {}, dict(startsecs=9)),
    ("startretries", {}, dict(startretries=9)),
    ("exitcodes", {}, dict(exitcodes="0,9")),
    ("stopsignal", {}, dict(stopsignal="INT")),
    ("stopwaitsecs", {}, dict(stopwaitsecs=9)),
    ("stopasgroup", {}, dict(stopasgroup="true")),
    ("killasgroup", {}, dict(killasgroup="true")),
    ("numprocs", dict(process_name="p%(process_num)d"), dict(process_name="p%(process_num)d", numprocs=2)),
    ("processname", dict(process_name="one"), dict(process_name="two")),
    ("directory", {}, dict(directory="/tmp")),
    ("umask", {}, dict(umask="077")),
    ("serverurl", {}, dict(serverurl="http://127.0.0.1:1")),
    ("redirect", {}, dict(redirect_stderr="true")),
    ("logfile", dict(stdout_logfile="@DIR@/a.log"), dict(stdout_logfile="@DIR@/b.log")),
    ("logbytes", {}, dict(stdout_logfile_maxbytes="1KB")),
    ("backups", {}, dict(stderr_logfile_backups=3)),
    ("lognone", dict(stdout_logfile="@DIR@/c.log"), dict(stdout_logfile="NONE")),
    ("same", dict(environment='A="1",B="2"'), dict(environment="B=2,A=1")),
    ("samecommand", dict(startsecs=1), {}),
]

TO_AUTO = [
    ("fromauto", {}, dict(stdout_logfile="@DIR@/d.log")),
    ("toauto", dict(stdout_logfile="@DIR@/e.log"), {}),
]

SAYS_MORE = Differs(
    "every error of the file, each with its place, instead of the first",
    lambda reference, ours: reference["code"] == ours["code"] == 92
    and ours["string"].startswith("CANT_REREAD: ") and "supervisord.conf:" in ours["string"],
)

SCENARIOS = [
    Scenario("reread of what did not change", config=CAT, steps=[
        *calls(("reloadConfig",), ("reloadConfig",)), ctl("reread"), ctl("update"),
    ]),
    Scenario("reread names every change", config=before(*COUNTED), steps=each_change(*COUNTED)),
    Scenario("reread of a change to or from AUTO", config=before(*TO_AUTO), steps=each_change(*TO_AUTO),
             differs={"reloadConfig()": Differs(
                 "a change to AUTO counts as one from it does",
                 lambda reference, ours: reference == [[[], ["fromauto"], []]]
                 and ours == [[[], ["fromauto", "toauto"], []]])}),
    Scenario("reread of added and removed programs", config=CAT + DOG, steps=[
        configure(DOG + program("eel", "/bin/cat", startsecs=0) + program("ant", "/bin/cat", **OFF)),
        call("reloadConfig"), ctl("reread"), ctl("avail"), ctl("status"),
    ]),
    Scenario("reread is in priority order", config="", steps=[
        configure(program("z", "/bin/cat", priority=1, **OFF) + program("a", "/bin/cat", priority=9, **OFF)
                  + program("m", "/bin/cat", **OFF)),
        call("reloadConfig"), call("getAllConfigInfo"),
    ]),
    Scenario("addProcessGroup and removeProcessGroup", config=CAT, steps=[
        running("cat"),
        *calls(("addProcessGroup", "dog"), ("addProcessGroup", "cat"), ("removeProcessGroup", "dog"),
               ("removeProcessGroup", "cat")),
        configure(CAT + DOG), call("addProcessGroup", "dog"), call("reloadConfig"),
        call("addProcessGroup", "dog"), running("dog"), call("addProcessGroup", "dog"),
        silently("stopProcess", "dog"), call("removeProcessGroup", "dog"),
        call("getProcessInfo", "dog"), call("removeProcessGroup", "dog"),
    ]),
    Scenario("supervisorctl add and remove", config=CAT, steps=[
        running("cat"), ctl("add cat"), ctl("add nope"), ctl("remove cat"), ctl("remove nope"),
        configure(CAT + DOG), ctl("reread"), ctl("add dog cat"), running("dog"),
        ctl("stop dog cat"), ctl("remove dog cat"), ctl("status"), ctl("add"), ctl("remove"),
    ]),
    Scenario("supervisorctl update", config=CAT + DOG, steps=[
        running("cat", "dog"),
        configure(program("dog", "/bin/cat", startsecs=0, priority=7) + program("eel", "/bin/cat", startsecs=0)),
        ctl("update"), running("dog", "eel"), ctl("status"), ctl("update"),
    ]),
    Scenario("supervisorctl update of some groups", config=CAT + DOG, steps=[
        running("cat", "dog"),
        configure(program("cat", "/bin/cat", startsecs=0, priority=7)
                  + program("dog", "/bin/cat", startsecs=0, priority=8)
                  + program("eel", "/bin/cat", startsecs=0)),
        ctl("update nope"), ctl("update dog"), running("dog"), ctl("update eel nope"), running("eel"),
        ctl("update all"), running("cat"), ctl("reread"),
    ]),
    Scenario("update leaves alone what did not change", config=CAT + DOG, steps=[
        running("cat", "dog"), silently("stopProcess", "dog"),
        do("the cat's pid", lambda w: setattr(w, "cat", w.info("cat")["pid"])),
        configure(CAT + DOG + program("eel", "/bin/cat", startsecs=0)), ctl("update"), running("eel"),
        field("dog", "statename"), do("the same cat", lambda w: w.cat == w.info("cat")["pid"]),
    ]),
    Scenario("update of a stopped program starts it", config=CAT, steps=[
        running("cat"), silently("stopProcess", "cat"),
        configure(program("cat", "/bin/cat", startsecs=0, priority=3)), ctl("update"), running("cat"),
    ]),
    Scenario("a program moves into a group", config=CAT + DOG, steps=[
        running("cat", "dog"), configure(CAT + DOG + "[group:pets]\nprograms=cat,dog\n"),
        call("reloadConfig"), ctl("update"), running("pets:cat", "pets:dog"), ctl("status"),
    ]),
    Scenario("a group changes its members and priority", config=CAT + DOG
             + program("eel", "/bin/cat", startsecs=0) + "[group:pets]\nprograms=cat,dog\n", steps=[
        running("pets:cat", "pets:dog", "eel"),
        configure(CAT + DOG + program("eel", "/bin/cat", startsecs=0) + "[group:pets]\nprograms=cat,dog\npriority=4\n"),
        call("reloadConfig"),
        configure(CAT + DOG + program("eel", "/bin/cat", startsecs=0) + "[group:pets]\nprograms=eel,cat,dog\n"),
        call("reloadConfig"), ctl("update"), running("pets:eel", "pets:cat", "pets:dog"), ctl("status pets:*"),
    ]),
    Scenario("reread of a bad file", config=CAT, steps=[
        running("cat"), configure(CAT + program("bad", "/bin/cat", startsecs="soon")),
        call("reloadConfig"), field("cat", "statename"), configure(CAT), call("reloadConfig"),
    ], differs={"reloadConfig()": SAYS_MORE}),
    Scenario("supervisorctl and a bad file", config=CAT, steps=[
        running("cat"), configure(CAT + "[program:bad]\n"), do("ctl reread", lambda w: heads(w.ctl("reread"))),
        do("ctl update", lambda w: heads(w.ctl("update"))), field("cat", "statename"),
    ]),
    Scenario("reread of a file that is gone", config=CAT, steps=[
        running("cat"), remove("supervisord.conf"),
        do("reloadConfig", lambda w: w.call("supervisor.reloadConfig").code), field("cat", "statename"),
    ]),
    Scenario("reread of includes", config=CAT + "[include]\nfiles=%(here)s/conf.d/*.conf\n", steps=[
        running("cat"), write("conf.d/one.conf", DOG), call("reloadConfig"), ctl("update"), running("dog"),
        write("conf.d/two.conf", "[program:eel]\ncommand=/bin/cat\nstartsecs=0\n"), remove("conf.d/one.conf"),
        call("reloadConfig"), ctl("update"), running("eel"), ctl("status"),
    ]),
    Scenario("changes of [supervisord] do not count", config=CAT, steps=[
        running("cat"), configure(CAT, daemon="loglevel=debug\nidentifier=other\n"), call("reloadConfig"),
        call("getIdentification"),
    ], differs={"getIdentification()": Differs(
        "nothing of [supervisord] changes by a reread", lambda reference, ours: (reference, ours) == ("other", "supervisor"))}),
    Scenario("update restarts with the new values", config=program(
        "says", "/bin/sh -c 'echo $WORD >> said; exec cat'", startsecs=0, environment="WORD=old", directory="@DIR@"), steps=[
        running("says"),
        configure(program("says", "/bin/sh -c 'echo $WORD >> said; exec cat'", startsecs=0,
                          environment="WORD=new", directory="@DIR@")),
        ctl("update"), running("says"),
        do("both ran", lambda w: w.until(lambda: w.text("said") == "old\nnew\n", "both words")), file("said"),
    ]),
    Scenario("a removed program's stop is waited for", config=CAT + program(
        "slow", "/bin/sh -c 'trap \"sleep 1; exit 0\" TERM; echo ready; while :; do read x; done'", startsecs=0,
        stdout_logfile="@DIR@/slow.log"), steps=[
        running("slow"), do("ready", lambda w: w.until(lambda: w.text("slow.log"), "slow to be ready")),
        configure(CAT), ctl("update"), ctl("status"),
    ]),
    Scenario("removing while it stops", config=program(
        "stubborn", "/bin/sh -c 'trap \"\" TERM; echo ready; exec sleep 1000'", startsecs=0, stopwaitsecs=2,
        stdout_logfile="@DIR@/stubborn.log"), steps=[
        running("stubborn"), do("ready", lambda w: w.until(lambda: w.text("stubborn.log"), "ready")),
        silently("stopProcess", "stubborn", False), call("removeProcessGroup", "stubborn"),
        wait("stubborn", "STOPPED"), call("removeProcessGroup", "stubborn"), call("addProcessGroup", "stubborn"),
        running("stubborn"),
    ]),
]


def heads(output) -> dict:
    """An error's first word and the exit status; what it says in full differs, and says more."""
    return {"exit": output.exit, "first word": (output.stdout.split() or [""])[0].lower()}
