"""supervisorctl: every command, what it prints and how it exits."""

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import exits, program
from oracle.steps import call, ctl, daemon_signal, do, exit_status, running, shell, silently, wait, wait_file, write

CAT = program("cat", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/cat.log", stderr_logfile="@DIR@/cat.err")
OFF = program("off", "/bin/cat", startsecs=0, autostart="false")
PAIR = program("pair", "/bin/cat", startsecs=0, process_name="%(program_name)s_%(process_num)d", numprocs=2)
DIES = exits("dies", 1, autostart="false", startretries=0)
MISSING = program("missing", "/no/such/program", autostart="false")

ALL = [running("cat", "pair:pair_0", "pair:pair_1")]

COMMANDS = ("add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start "
            "status stop tail update version").split()

SCENARIOS = [
    Scenario("supervisorctl status", config=CAT + OFF + PAIR, steps=[
        *ALL, *[ctl(line) for line in ("status", "status cat", "status off", "status cat off", "status pair:*", "status pair:pair_1",
                                       "status nope", "status nope:*", "status cat nope", "status all", "status pair:nope", "status pair")],
    ]),
    Scenario("status when all run", config=CAT, steps=[running("cat"), ctl("status"), ctl("status cat:cat")]),
    Scenario("status of long names", config=program("a-name-of-more-than-thirty-characters", "/bin/cat", startsecs=0)
             + program("b", "/bin/cat", startsecs=0), steps=[running("a-name-of-more-than-thirty-characters", "b"), ctl("status")]),
    Scenario("status of every state", config=OFF + exits("dies", 1, startretries=0) + program("slow", "/bin/cat", startsecs=99)
             + exits("done", 0, startsecs=0, autorestart="false") + MISSING, steps=[
        wait("dies", "FATAL"), wait("done", "EXITED"), wait("slow", "STARTING"), ctl("status"),
    ]),
    Scenario("supervisorctl start", config=CAT + OFF + PAIR + DIES + MISSING, steps=[
        *ALL, *[ctl(line) for line in ("start", "start cat", "start off", "start nope", "start nope:*", "start missing", "start pair:*",
                                       "start off nope", "start pair:nope", "start pair")],
        silently("stopProcess", "pair:pair_0"), ctl("start pair:*"), ctl("start pair:pair_0"),
    ], activity=None),
    Scenario("start of what dies", config=DIES, steps=[ctl("start dies"), wait("dies", "FATAL"), ctl("status")]),
    Scenario("start all", config=CAT + OFF, steps=[running("cat"), ctl("start all"), ctl("start all"), ctl("status")]),
    Scenario("supervisorctl stop", config=CAT + OFF + PAIR, steps=[
        *ALL, *[ctl(line) for line in ("stop", "stop off", "stop nope", "stop nope:*", "stop cat", "stop cat", "stop pair:pair_1",
                                       "stop pair:*", "stop cat nope")],
    ], activity=None),
    Scenario("stop all", config=CAT + OFF, steps=[running("cat"), ctl("stop all"), ctl("stop all"), ctl("status")]),
    Scenario("supervisorctl restart", config=CAT + OFF + PAIR + MISSING, steps=[
        *ALL, *[ctl(line) for line in ("restart", "restart cat", "restart off", "restart nope", "restart nope:*", "restart pair:pair_0",
                                       "restart missing")],
    ], activity=None),
    Scenario("restart all", config=CAT, steps=[running("cat"), ctl("restart all")], activity=None),
    Scenario("restart a group", config=program("one", "/bin/cat", startsecs=0) + "[group:pets]\nprograms=one\n", steps=[
        running("pets:one"), ctl("restart pets:*"),
    ], activity=None),
    Scenario("supervisorctl signal", config=CAT + OFF + PAIR, steps=[
        *ALL, *[ctl(line) for line in ("signal", "signal CONT", "signal CONT cat", "signal NOPE cat", "signal CONT off", "signal CONT nope",
                                       "signal CONT nope:*", "signal CONT pair:pair_0", "signal 18 cat", "signal SIGCONT cat",
                                       "signal CONT cat nope")],
    ]),
    Scenario("signal of many", config=CAT + OFF, steps=[
        running("cat"), ctl("signal CONT all"), ctl("signal NOPE all"), ctl("signal CONT cat:*"), ctl("signal NOPE cat:*"),
    ]),
    Scenario("supervisorctl pid", config=CAT + OFF, steps=[
        running("cat"),
        do("pid", lambda w: w.ctl("pid").stdout == f"{w.pid()}\n"),
        do("pid cat", lambda w: w.ctl("pid", "cat").stdout == f"{w.info('cat')['pid']}\n"),
        do("pid all", lambda w: w.ctl("pid", "all").stdout == f"{w.info('cat')['pid']}\n0\n"),
        ctl("pid off"), ctl("pid nope"), do("pid nope's exit", lambda w: w.ctl("pid", "cat", "nope").exit),
    ]),
    Scenario("supervisorctl version", config=CAT, steps=[ctl("version"), ctl("version x")]),
    Scenario("supervisorctl avail", config=CAT + OFF + PAIR + "[group:grp]\nprograms=off\npriority=5\n", steps=[ctl("avail"), ctl("avail x")]),
    Scenario("reread, reload, shutdown and update with arguments", config=CAT, steps=[
        ctl("reread x"), ctl("reload x"), ctl("shutdown x"), ctl("update nope"), ctl("update cat"), ctl("update all"),
    ]),
    Scenario("supervisorctl tail", config=CAT + program("quiet", "/bin/cat", startsecs=0, stdout_logfile="NONE"), steps=[
        running("cat", "quiet"), silently("sendProcessStdin", "cat", "0123456789\n"), wait_file("cat.log", "9\n"),
        *[ctl(line) for line in ("tail", "tail cat", "tail -5 cat", "tail -5000 cat", "tail cat stdout", "tail cat stderr", "tail cat nope",
                                 "tail nope", "tail -x cat", "tail -5", "tail -5 cat stderr x", "tail -5 cat stderr", "tail quiet",
                                 "tail -0 cat", "tail cat:cat", "tail cat:*")],
    ]),
    Scenario("supervisorctl maintail", config=CAT, steps=[
        running("cat"), *[ctl(line) for line in ("maintail", "maintail -10", "maintail -x", "maintail x", "maintail -5 x")],
    ]),
    Scenario("supervisorctl clear", config=CAT + OFF, steps=[
        running("cat"), *[ctl(line) for line in ("clear", "clear cat", "clear nope", "clear off", "clear cat nope", "clear all", "clear cat:*")],
    ], differs={"ctl clear cat:*": Differs(
        "a group is called by its name, not None", lambda reference, ours: "cat:None" in reference["stdout"] and "cat:*" in ours["stdout"])}),
    Scenario("fg that cannot be", config=CAT + OFF, steps=[
        running("cat"), *[ctl(line) for line in ("fg", "fg nope", "fg off", "fg cat off", "fg cat:*")],
    ]),
    Scenario("supervisorctl open", config=CAT, steps=[
        running("cat"), ctl("open"), ctl("open ftp://nowhere"), ctl("open unix://@DIR@/s.sock"), ctl("open http://127.0.0.1:@PORT@"),
        ctl("open unix:///no/such/socket"),
    ]),
    Scenario("supervisorctl help", config=CAT, steps=[
        ctl("help"), *[shell(*[f"help {command}" for command in COMMANDS], "help nope", "help help", "help EOF")],
    ]),
    Scenario("unknown commands", config=CAT, steps=[
        running("cat"), ctl("nope"), ctl("status_x"), ctl("!ls"), ctl("?"), ctl("? status"), ctl("default"), ctl("exit"), ctl("quit"), ctl("EOF"),
    ]),
    Scenario("the shell", config=CAT, steps=[
        running("cat"), shell("status", "", "stop cat", "status cat", "nope", "start cat", "quit"), shell("pid nope", "exit"),
        shell("version"), shell(),
    ], activity=None),
    Scenario("the shell's reload and shutdown ask", config=CAT, steps=[
        running("cat"), shell("reload", "n", "shutdown", "n", "quit"), call("getState"), shell("shutdown", "y"), exit_status(),
    ]),
    Scenario("no daemon", start=False, config=CAT, steps=[
        *[ctl(line) for line in ("status", "start cat", "stop cat", "pid", "version", "tail cat", "clear cat", "signal HUP cat",
                                 "restart cat", "fg cat", "maintail", "shutdown", "reload", "avail", "reread", "update", "add cat", "remove cat")],
    ]),
    Scenario("a port that nobody listens on", start=False, config=CAT, steps=[
        ctl("-s http://127.0.0.1:@PORT@ status"), ctl("-s http://127.0.0.1:@PORT@ start cat"), ctl("-s http://127.0.0.1:@PORT@ shutdown"),
    ]),
    Scenario("a bad command line of supervisorctl", start=False, config=CAT, steps=[
        do("--nope", lambda w: w.ctl("--nope").exit), do("no file", lambda w: w.execute([w.programs.supervisorctl, "-c", "/no/such.conf", "status"]).exit),
        do("bad url", lambda w: w.ctl("-s", "ftp://nowhere", "status").exit), do("--help", lambda w: w.ctl("--help").exit),
        do("-h", lambda w: w.ctl("-h").exit),
    ]),
    Scenario("no supervisorctl section", start=False, whole=True, config="[supervisord]\n", steps=[do("status", lambda w: w.ctl("status").exit)]),
    Scenario("several commands in one line", config=CAT, steps=[
        running("cat"), do("quoted", lambda w: w.ctl("status cat")), do("interactive flag", lambda w: w.ctl("-i", stdin="pid nope\n")),
    ]),
]
