"""XML-RPC: every method, its results, its faults."""

from oracle.scenario import Differs, Scenario
from oracle.steps import call, calls, do, field, http, running, silently, wait, wait_file, write

CAT = """
[program:cat]
command=/bin/cat
startsecs=0
"""

OFF = """
[program:off]
command=/bin/cat
autostart=false
startsecs=0
"""

TWO = """
[program:pair]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
"""

BAD_TYPE = Differs(
    "a wrong type is HTTP 500 there, fault 2 here",
    lambda reference, ours: reference == "HTTP 500" and ours.get("code") == 2,
)


def strictly(method: str, *arguments):
    """A call whose answer may be an HTTP error."""
    import xmlrpc.client

    def act(world):
        try:
            return world.call(f"supervisor.{method}", *arguments)
        except xmlrpc.client.ProtocolError as error:
            return f"HTTP {error.errcode}"

    return do(f"{method}{arguments}", act)


SCENARIOS = [
    Scenario("identity", steps=calls(
        ("getAPIVersion",), ("getVersion",), ("getSupervisorVersion",), ("getIdentification",),
        ("getState",),
    )),
    Scenario("getPID", steps=[
        do("getPID is the daemon's pid", lambda w: w.call("supervisor.getPID") == w.pid()),
    ]),
    Scenario("system.listMethods", steps=[call("system.listMethods")], differs={
        "system.listMethods()": Differs(
            "ours adds methods",
            lambda reference, ours: set(reference) < set(ours) and ours == sorted(ours),
        ),
    }),
    Scenario("system.methodSignature", steps=[
        do("signatures", lambda w: {
            name: w.call("system.methodSignature", name) for name in METHODS
        }),
        call("system.methodSignature", "supervisor.nope"),
    ]),
    Scenario("system.methodHelp", steps=[
        do("every method has help", lambda w: [
            name for name in METHODS if not w.call("system.methodHelp", name).strip()
        ]),
        call("system.methodHelp", "supervisor.nope"),
    ]),
    Scenario("unknown methods", steps=calls(
        ("supervisor.nope",), ("nope.getState",), ("getState.nope",), ("system.nope",),
        ("supervisor._update", "x"), ("supervisor.supervisord.options",), ("supervisor",),
        ("supervisor.getState.im_func",),
    )),
    Scenario("wrong argument counts", config=CAT, steps=calls(
        ("getState", 1), ("getProcessInfo",), ("startProcess",), ("startProcess", "cat", True, 3),
        ("readLog", 1), ("system.methodHelp",), ("sendProcessStdin", "cat"), ("addProcessGroup",),
        ("shutdown", 1), ("system.multicall",),
    )),
    Scenario("arguments of a wrong type that pass", config=CAT, steps=[
        running("cat"),
        *calls(
            ("addProcessGroup", 5), ("readLog", "0", "10"), ("readLog", 0.0, 10.0),
            ("removeProcessGroup", 5), ("startProcessGroup", 5), ("stopProcessGroup", 5),
        ),
    ]),
    Scenario("arguments of a wrong type that fail", config=CAT, steps=[
        running("cat"),
        strictly("getProcessInfo", 5), strictly("startProcess", 5), strictly("stopProcess", [1]),
        strictly("readLog", "x", 1), strictly("signalProcess", 5, "TERM"),
        strictly("tailProcessStdoutLog", "cat", "x", 1),
    ], differs={
        "readLog('x', 1)": BAD_TYPE, "getProcessInfo(5,)": BAD_TYPE, "startProcess(5,)": BAD_TYPE,
        "stopProcess([1],)": BAD_TYPE, "signalProcess(5, 'TERM')": BAD_TYPE,
        "tailProcessStdoutLog('cat', 'x', 1)": BAD_TYPE,
    }, activity=None),
    Scenario("sendProcessStdin of a wrong type", config=CAT, steps=[
        running("cat"), call("sendProcessStdin", "cat", 5), call("sendProcessStdin", "cat", [1]),
    ], differs={"sendProcessStdin('cat', [1])": Differs(
        "the fault says what was expected", lambda reference, ours: reference["code"] == ours["code"] == 2)}),
    Scenario("multicall", config=CAT + OFF, steps=[
        running("cat"),
        call("system.multicall", [
            {"methodName": "supervisor.getState", "params": []},
            {"methodName": "supervisor.getIdentification"},
            {"methodName": "supervisor.nope", "params": []},
            {"methodName": "supervisor.getProcessInfo", "params": ["nope"]},
            {"methodName": "supervisor.stopProcess", "params": ["cat"]},
            {"methodName": "supervisor.startProcess", "params": ["off"]},
            {"methodName": "supervisor.getProcessInfo", "params": ["off"]},
            {"methodName": "system.multicall", "params": [[]]},
            {"params": []},
        ]),
        call("system.multicall", []),
    ]),
    Scenario("getProcessInfo of a running process", config=CAT, steps=[
        running("cat"), call("getProcessInfo", "cat"), call("getProcessInfo", "cat:cat"),
    ]),
    Scenario("getProcessInfo of a stopped process", config=OFF + CAT, steps=[
        call("getProcessInfo", "off"), running("cat"), silently("stopProcess", "cat"),
        call("getProcessInfo", "cat"),
    ]),
    Scenario("getProcessInfo of no process", config=TWO, steps=calls(
        ("getProcessInfo", "nope"), ("getProcessInfo", "pair"), ("getProcessInfo", "pair:"),
        ("getProcessInfo", "pair:*"), ("getProcessInfo", "pair:nope"), ("getProcessInfo", ""),
        ("getProcessInfo", ":"), ("getProcessInfo", "pair_0"), ("getProcessInfo", "a:b:c"),
    )),
    Scenario("getAllProcessInfo is sorted", config=CAT + """
[program:zebra]
command=/bin/cat
startsecs=0
priority=1
[program:ant]
command=/bin/cat
startsecs=0
autostart=false
priority=2000
""" + TWO + """
[group:beta]
programs=zebra,ant
""", steps=[
        running("cat", "beta:zebra", "pair:pair_0", "pair:pair_1"), call("getAllProcessInfo"),
    ]),
    Scenario("getAllConfigInfo", config="""
[program:plain]
command=/bin/cat
autostart=false
[program:full]
command=/bin/sh -c "exit 3"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
numprocs_start=5
priority=5
autostart=false
autorestart=true
startsecs=3
startretries=7
exitcodes=0,3,9
stopsignal=USR1
stopwaitsecs=4
stopasgroup=true
user=root
redirect_stderr=true
stdout_logfile=@DIR@/full.log
stdout_logfile_maxbytes=2KB
stdout_logfile_backups=3
stdout_capture_maxbytes=0
stdout_events_enabled=true
stderr_logfile=NONE
environment=B="2",A="1"
directory=/tmp
umask=027
serverurl=http://localhost:1
[program:member]
command=/bin/cat
priority=77
autostart=false
stdout_logfile=NONE
[group:together]
programs=member
priority=3
""", steps=[call("getAllConfigInfo")], root_only=True),
    Scenario("startProcess and stopProcess", config=OFF, steps=[
        *calls(("startProcess", "off"), ("startProcess", "off"), ("stopProcess", "off"),
               ("stopProcess", "off"), ("startProcess", "off:off", False),
               ("stopProcess", "off:off", False)),
        wait("off", "STOPPED"),
    ]),
    Scenario("startProcess of nothing", config=OFF, steps=calls(
        ("startProcess", "nope"), ("startProcess", "off:nope"), ("startProcess", "nope:*"),
        ("stopProcess", "nope"), ("stopProcess", "nope:*"), ("startProcessGroup", "nope"),
        ("stopProcessGroup", "nope"), ("startProcessGroup", "off:*"),
    )),
    Scenario("a group by its name and a star", config=TWO, steps=[
        running("pair:pair_0", "pair:pair_1"),
        *calls(("stopProcess", "pair:*"), ("stopProcess", "pair:*"), ("startProcess", "pair:*"),
               ("startProcess", "pair:"), ("stopProcess", "pair:pair_1"),
               ("startProcess", "pair:"), ("stopProcessGroup", "pair"),
               ("startProcessGroup", "pair", False)),
        running("pair:pair_0", "pair:pair_1"),
    ]),
    Scenario("all processes", config=CAT + OFF, steps=[
        running("cat"),
        *calls(("startAllProcesses",), ("startAllProcesses",), ("stopAllProcesses",),
               ("stopAllProcesses",), ("startAllProcesses", False), ("stopAllProcesses", False)),
        wait("cat", "STOPPED"), wait("off", "STOPPED"),
    ], activity=None),
    Scenario("startAllProcesses with some that cannot", config=CAT + """
[program:dies]
command=/bin/sh -c "exit 1"
autostart=false
startretries=0
startsecs=5
[program:missing]
command=/no/such/program
autostart=false
""", steps=[
        running("cat"), silently("stopProcess", "cat"),
        do("startAllProcesses, sorted", lambda w: sorted(
            w.call("supervisor.startAllProcesses"), key=lambda result: result["name"])),
    ], activity=None),
    Scenario("what cannot be started", config="""
[program:missing]
command=/no/such/program
autostart=false
[program:unfound]
command=nosuchprogramatall
autostart=false
[program:directory]
command=/tmp
autostart=false
[program:plainfile]
command=@DIR@/plain
autostart=false
[program:quote]
command=/bin/sh -c "unbalanced
autostart=false
[program:relative]
command=./here.sh
autostart=false
""", steps=[
        write("plain", "text"),
        *[call("startProcess", name)
          for name in ("missing", "unfound", "directory", "plainfile", "quote", "relative")],
        *[call("getProcessInfo", name) for name in ("missing", "directory", "quote")],
    ]),
    Scenario("signalProcess", config="""
[program:trap]
command=/bin/sh -c 'trap "echo usr1" USR1; trap "echo usr2" USR2; echo ready; while :; do read x; done'
startsecs=0
stdout_logfile=@DIR@/trap.log
""" + OFF, steps=[
        wait_file("trap.log", "ready"),
        call("signalProcess", "trap", "USR1"), wait_file("trap.log", "usr1"),
        call("signalProcess", "trap", "SIGUSR2"), wait_file("trap.log", "usr2"),
        call("signalProcess", "trap", "10"), wait_file("trap.log", "usr1", 2),
        *calls(("signalProcess", "trap", "usr1"), ("signalProcess", "trap", "NOPE"),
               ("signalProcess", "trap", ""), ("signalProcess", "trap", "999"),
               ("signalProcess", "trap", "0"), ("signalProcess", "nope", "TERM"),
               ("signalProcess", "off", "TERM"), ("signalProcess", "off", "NOPE"),
               ("signalProcess", "trap", 12)),
        wait_file("trap.log", "usr1", 3),
        field("trap", "statename"),
    ]),
    Scenario("signalProcessGroup and signalAllProcesses", config=TWO + OFF, steps=[
        running("pair:pair_0", "pair:pair_1"),
        *calls(("signalProcessGroup", "pair", "CONT"), ("signalProcessGroup", "nope", "CONT"),
               ("signalProcessGroup", "pair", "NOPE"), ("signalProcessGroup", "off", "CONT"),
               ("signalProcess", "pair:*", "CONT"),
               ("signalAllProcesses", "CONT"), ("signalAllProcesses", "NOPE")),
    ]),
    Scenario("sendProcessStdin", config="""
[program:cat]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/cat.log
[program:deaf]
command=/bin/sh -c 'exec 0<&-; echo closed; exec sleep 1000'
startsecs=0
stdout_logfile=@DIR@/deaf.log
""" + OFF, steps=[
        running("cat", "deaf"),
        *calls(("sendProcessStdin", "cat", "hello\n"), ("sendProcessStdin", "cat", "h\u00e9 \u4e16\n"),
               ("sendProcessStdin", "cat", "")),
        wait_file("cat.log", "\u4e16\n"),
        *calls(("readProcessStdoutLog", "cat", 0, 0), ("sendProcessStdin", "nope", "x"),
               ("sendProcessStdin", "off", "x"), ("sendProcessStdin", "cat:*", "x")),
        wait_file("deaf.log", "closed"), call("sendProcessStdin", "deaf", "x"),
    ]),
    Scenario("sendRemoteCommEvent", steps=calls(
        ("sendRemoteCommEvent", "type", "data"), ("sendRemoteCommEvent", "t\u00e9", "d\u00e4ta"),
        ("sendRemoteCommEvent", "only one"),
    )),
    Scenario("faults of a single method over raw XML", config=CAT, steps=[
        running("cat"),
        http("POST", "/RPC2", "<methodCall><methodName>supervisor.getState</methodName></methodCall>"),
        http("POST", "/RPC2", "<methodCall><methodName>supervisor.getState</methodName><params/></methodCall>",
             Content_Type="text/xml"),
        http("POST", "/RPC2/more", "<methodCall><methodName>supervisor.getState</methodName></methodCall>",
             Content_Type="text/xml"),
        http("POST", "/RPC2", "<methodCall><methodName>supervisor.nope</methodName></methodCall>",
             Content_Type="text/xml"),
        http("POST", "/RPC2", "this is not XML", Content_Type="text/xml"),
        http("POST", "/RPC2", "<methodCall></methodCall>", Content_Type="text/xml"),
        http("POST", "/RPC2", "<methodCall><methodName>supervisor.getProcessInfo</methodName><params>"
             "<param><value>cat:nope</value></param></params></methodCall>", Content_Type="text/xml"),
    ]),
]

METHODS = [f"supervisor.{name}" for name in (
    "addProcessGroup clearAllProcessLogs clearLog clearProcessLog clearProcessLogs getAPIVersion "
    "getAllConfigInfo getAllProcessInfo getIdentification getPID getProcessInfo getState "
    "getSupervisorVersion getVersion readLog readMainLog readProcessLog readProcessStderrLog "
    "readProcessStdoutLog reloadConfig removeProcessGroup restart sendProcessStdin "
    "sendRemoteCommEvent shutdown signalAllProcesses signalProcess signalProcessGroup "
    "startAllProcesses startProcess startProcessGroup stopAllProcesses stopProcess "
    "stopProcessGroup tailProcessLog tailProcessStderrLog tailProcessStdoutLog"
).split()] + [f"system.{name}" for name in "listMethods methodHelp methodSignature multicall".split()]
