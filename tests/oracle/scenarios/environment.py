"""What a program finds when it starts: environment, directory, user, descriptors, expansions."""

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import call, do, field, file, running, wait, wait_file, write


def reports(command: str, **keys) -> str:
    """A program that writes what a command says into the file `said` and stays."""
    return program("says", f"/bin/sh -c '({command}) > @DIR@/saying; mv @DIR@/saying @DIR@/said; exec cat'",
                   **{"startsecs": 0, **keys})


SAID = [wait_file("said"), file("said")]


def variables(name="said"):
    """The environment a program printed, sorted, without what a shell sets for itself."""
    return do("environment", lambda w: sorted(
        line for line in w.text(name).splitlines() if line.split("=")[0] not in ("_", "OLDPWD", "SHLVL", "PWD")))


SCENARIOS = [
    Scenario("the environment of a program", config=reports("env", environment='A="1",HOME="/elsewhere",SUPERVISOR_GROUP_NAME="mine"'),
             environment={"FROM_OUTSIDE": "yes"}, steps=[wait_file("said"), variables()]),
    Scenario("the environment of [supervisord]", config=reports("env", environment='B="program\'s"'),
             daemon='environment=A="daemon\'s",B="daemon\'s"\n', steps=[wait_file("said"), variables()]),
    Scenario("the environment of a group's member", config=reports("env", process_name="%(program_name)s_%(process_num)d")
             + "[group:pets]\nprograms=says\n", steps=[wait_file("said"), variables()]),
    Scenario("the server's address in the environment", config="[inet_http_server]\nport=127.0.0.1:@PORT@\n" + reports("env"),
             steps=[wait_file("said"), variables()]),
    Scenario("serverurl", config=reports("env", serverurl="http://example:1"), steps=[wait_file("said"), variables()]),
    Scenario("PATH of environment finds the command", config=program("mine", "tool", environment='PATH="@DIR@/tools:/bin"', startsecs=0,
             autostart="false"), steps=[
        write("tools/tool", "#!/bin/sh\nexec /bin/cat\n", 0o755), call("startProcess", "mine"), field("mine", "statename"),
    ]),
    Scenario("a relative command", config=program("here", "./tools/tool", startsecs=0, autostart="false")
             + program("there", "./tool", directory="@DIR@/tools", startsecs=0, autostart="false"), steps=[
        write("tools/tool", "#!/bin/sh\nexec /bin/cat\n", 0o755), call("startProcess", "here"), call("startProcess", "there"),
        wait("here", "RUNNING"),
    ]),
    Scenario("directory", config=reports("pwd", directory="/usr"), steps=SAID),
    Scenario("directory of [supervisord] does not count in the foreground", config=reports("pwd"), daemon="directory=/usr\n", steps=SAID),
    Scenario("umask", config=reports("umask", umask="027"), steps=SAID),
    Scenario("umask of [supervisord] does not count in the foreground", config=reports("umask"), daemon="umask=077\n", steps=SAID),
    Scenario("descriptors of a program", config=reports("ls /proc/$$/fd"), steps=[
        wait_file("said"), do("descriptors", lambda w: sorted(set(w.text("said").split()) - {"3", "255"})),
    ]),
    Scenario("process group and session", config=program("cat", "/bin/cat", startsecs=0), steps=[
        running("cat"), do("leads a group of the daemon's session", lambda w: stat_of(w)),
    ]),
    Scenario("user by name", config=reports("id -u; id -g; id -G", user="nobody"), root_only=True, start=False, steps=[
        do("open the directory", lambda w: w.dir.chmod(0o777)), do("start", lambda w: w.start()), wait_file("said"), file("said"),
    ], environment={}),
    Scenario("user by number", config=reports("id -u; id -g", user="65534"), root_only=True, start=False, steps=[
        do("open the directory", lambda w: w.dir.chmod(0o777)), do("start", lambda w: w.start()), wait_file("said"), file("said"),
    ]),
    Scenario("environment of another user", config=reports("env", user="nobody"), root_only=True, start=False, steps=[
        do("open the directory", lambda w: w.dir.chmod(0o777)), do("start", lambda w: w.start()), wait_file("said"), variables(),
    ], differs={"environment": Differs(
        "HOME, USER and LOGNAME follow user=",
        lambda reference, ours: [line for line in ours if not line.startswith(("HOME=", "USER=", "LOGNAME="))]
        == [line for line in reference if not line.startswith(("HOME=", "USER=", "LOGNAME="))]
        and "USER=nobody" in ours and "LOGNAME=nobody" in ours)}),
    Scenario("expansions", config="""
[program:many]
command=/bin/sh -c "echo %(program_name)s %(process_num)02d %(group_name)s %(here)s %(ENV_COLOUR)s %(numprocs)d %(host_node_name)s $VAR > %(here)s/said-%(process_num)d; exec cat"
process_name=%(program_name)s-%(group_name)s-%(process_num)03d
numprocs=2
numprocs_start=7
startsecs=0
directory=%(here)s/logs
stdout_logfile=%(here)s/%(program_name)s-%(process_num)d.log
environment=VAR="%(process_num)d of %(program_name)s at %(here)s %(ENV_COLOUR)s"
[group:pets]
programs=many
""", environment={"COLOUR": "blue"}, steps=[
        wait_file("said-7", "\n"), wait_file("said-8", "\n"), file("said-7"), file("said-8"), call("getAllConfigInfo"),
    ]),
    Scenario("variables of [supervisord] expand in programs", config=reports("echo %(ENV_WORD)s"), daemon="environment=WORD=given\n", steps=SAID),
    Scenario("a percent sign", config=reports("date +%%Y | wc -c"), steps=SAID),
    Scenario("quoting of a command", config=program(
        "says", """/bin/sh -c 'for a in "$@"; do echo "[$a]"; done > said; exec cat' name one "two words" 'three '\\''quoted' a\\ b "c\\"d" e"f"g ''""",
        startsecs=0, directory="@DIR@"), steps=[wait_file("said", "[]"), file("said")]),
    Scenario("no shell reads a command", config=program("echo", "/bin/echo $HOME *.conf `id` > file", startsecs=0, autorestart="false",
             stdout_logfile="@DIR@/echo.log", exitcodes="0"), steps=[wait("echo", "EXITED"), file("echo.log")]),
    Scenario("standard input is a pipe", config=reports("readlink /proc/$$/fd/0 | cut -d: -f1"), steps=SAID),
]


def stat_of(world) -> dict:
    """Who leads the process group and the session of the program."""
    pid = world.info("cat")["pid"]
    fields = lambda of: (world.path(f"/proc/{of}/stat").read_text().rpartition(")")[2].split())
    _, parent, group, session, *_ = fields(pid)
    return {"own group": int(group) == pid, "own session": int(session) == pid, "child": int(parent) == world.pid(),
            "daemon's session": session == fields(world.pid())[3]}
