"""What the configuration file may say, and what makes the daemon refuse it."""

from oracle.scenario import Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import call, do, file, refused, running, wait_file, write

CAT = program("cat", "/bin/cat", startsecs=0)

BASE = "[supervisord]\nlogfile=@DIR@/main.log\npidfile=@DIR@/daemon.pid\nchildlogdir=@DIR@/logs\n"

BAD_FILES = {
    "no supervisord section": "[program:cat]\ncommand=/bin/cat\n",
    "a line before any section": "command=/bin/cat\n" + BASE,
    "a line without a delimiter": BASE + CAT + "this is no key\n",
    "loglevel": BASE + "loglevel=loud\n",
    "nodaemon": BASE + "nodaemon=perhaps\n",
    "minfds": BASE + "minfds=many\n",
    "minfds that no machine has": BASE + "minfds=999999999999\n",
    "umask": BASE + "umask=9z\n",
    "logfile_maxbytes": BASE + "logfile_maxbytes=10XB\n",
    "logfile_backups": BASE + "logfile_backups=some\n",
    "logfile in no directory": "[supervisord]\nlogfile=@DIR@/none/main.log\n",
    "childlogdir": BASE + "childlogdir=@DIR@/none\n",
    "directory": BASE + "directory=@DIR@/none\n",
    "user": BASE + "user=nobody-of-this-name\n",
    "environment": BASE + "environment=A=1 B=2\n",
    "an expansion of [supervisord]": BASE + "identifier=%(nope)s\n",
    "a variable that is not set": BASE + "identifier=%(ENV_NO_SUCH_VARIABLE)s\n",
    "no command": BASE + "[program:cat]\n",
    "startsecs": BASE + program("cat", "/bin/cat", startsecs="soon"),
    "startretries": BASE + program("cat", "/bin/cat", startretries="often"),
    "priority": BASE + program("cat", "/bin/cat", priority="high"),
    "autostart": BASE + program("cat", "/bin/cat", autostart="maybe"),
    "autorestart": BASE + program("cat", "/bin/cat", autorestart="sometimes"),
    "exitcodes": BASE + program("cat", "/bin/cat", exitcodes="0,one"),
    "exitcodes out of range": BASE + program("cat", "/bin/cat", exitcodes="0,256"),
    "stopsignal": BASE + program("cat", "/bin/cat", stopsignal="STOPIT"),
    "stopwaitsecs": BASE + program("cat", "/bin/cat", stopwaitsecs="x"),
    "stopasgroup without killasgroup": BASE + program("cat", "/bin/cat", stopasgroup="true", killasgroup="false"),
    "numprocs": BASE + program("cat", "/bin/cat", numprocs="two"),
    "numprocs without process_num": BASE + program("cat", "/bin/cat", numprocs=2),
    "numprocs_start": BASE + program("cat", "/bin/cat", numprocs_start="x"),
    "a name with a colon": BASE + program("a:b", "/bin/cat"),
    "a name with a space": BASE + program("a b", "/bin/cat"),
    "a process_name with a slash": BASE + program("cat", "/bin/cat", process_name="a/b"),
    "program user": BASE + program("cat", "/bin/cat", user="nobody-of-this-name"),
    "program umask": BASE + program("cat", "/bin/cat", umask="9"),
    "program environment": BASE + program("cat", "/bin/cat", environment="A=1 B=2"),
    "program environment without a value": BASE + program("cat", "/bin/cat", environment="A"),
    "an expansion of a command": BASE + program("cat", "/bin/cat %(nope)s"),
    "a percent sign alone": BASE + program("cat", "/bin/date +%H"),
    "stdout_logfile in no directory": BASE + program("cat", "/bin/cat", stdout_logfile="@DIR@/none/x.log"),
    "stdout_logfile_maxbytes": BASE + program("cat", "/bin/cat", stdout_logfile_maxbytes="1TB"),
    "stderr_logfile_backups": BASE + program("cat", "/bin/cat", stderr_logfile_backups="x"),
    "redirect_stderr": BASE + program("cat", "/bin/cat", redirect_stderr="x"),
    "a group of no program": BASE + CAT + "[group:pets]\nprograms=cat,dog\n",
    "group priority": BASE + CAT + "[group:pets]\nprograms=cat\npriority=x\n",
    "include without files": BASE + "[include]\n",
    "unix server without a file": BASE + "[unix_http_server]\n",
    "unix server chmod": BASE + "[unix_http_server]\nfile=@DIR@/s.sock\nchmod=rwx\n",
    "unix server chown": BASE + "[unix_http_server]\nfile=@DIR@/s.sock\nchown=nobody-of-this-name\n",
    "username without a password": BASE + "[unix_http_server]\nfile=@DIR@/s.sock\nusername=me\n",
    "password without a username": BASE + "[inet_http_server]\nport=@PORT@\npassword=x\n",
    "inet server without a port": BASE + "[inet_http_server]\n",
    "inet server's bad port": BASE + "[inet_http_server]\nport=http\n",
    "listener without events": BASE + "[eventlistener:ear]\ncommand=/bin/cat\n",
    "listener of no event": BASE + "[eventlistener:ear]\ncommand=/bin/cat\nevents=NOPE\n",
    "listener's buffer": BASE + "[eventlistener:ear]\ncommand=/bin/cat\nevents=TICK_5\nbuffer_size=0\n",
    "listener that redirects": BASE + "[eventlistener:ear]\ncommand=/bin/cat\nevents=TICK_5\nredirect_stderr=true\n",
    "fcgi without a socket": BASE + "[fcgi-program:web]\ncommand=/bin/cat\n",
    "fcgi with a bad socket": BASE + "[fcgi-program:web]\ncommand=/bin/cat\nsocket=tcp://nowhere\n",
    "fcgi with a relative socket": BASE + "[fcgi-program:web]\ncommand=/bin/cat\nsocket=unix://web.sock\n",
    "fcgi socket_mode": BASE + "[fcgi-program:web]\ncommand=/bin/cat\nsocket=unix:///tmp/x.sock\nsocket_mode=rwx\n",
}

SERVER = (
    "[unix_http_server]\nfile=@DIR@/s.sock\n"
    "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    "[supervisorctl]\nserverurl=unix://@DIR@/s.sock\n"
)


def accepted(name: str, text: str, *steps, **parts) -> Scenario:
    """A whole file that must be served."""
    return Scenario(f"accepted: {name}", config=text, steps=[*steps, call("getAllConfigInfo")], whole=True, **parts)


SAYS = '/bin/sh -c "echo $WORD >> %(here)s/said; exec cat"'

SCENARIOS = [
    *[Scenario(f"refused: {name}", config=text, whole=True, start=False, steps=[refused()])
      for name, text in BAD_FILES.items()],
    Scenario("refused: no such file", start=False, steps=[refused("-n", "-c", "@DIR@/none.conf")]),
    Scenario("refused: a directory as the file", start=False, steps=[refused("-n", "-c", "@DIR@")]),
    accepted("unknown keys and sections", BASE + SERVER + "[program:cat]\ncommand=/bin/cat\ncolour=red\nstartsecs=0\n"
             "[nonsense]\nkey=value\n[another:one]\n", running("cat")),
    accepted("comments", BASE + SERVER + "; one\n# two\n[program:cat] ; three\ncommand=/bin/cat ; four\n"
             "startsecs=0 ; five\npriority=7 # six\nexitcodes=0,2 ;seven\n", running("cat")),
    accepted("sections of one name merge", BASE + SERVER + "[program:cat]\ncommand=/bin/false\nstartsecs=0\n"
             "[program:cat]\ncommand=/bin/cat\npriority=3\n", running("cat")),
    accepted("colons, capitals and spaces", BASE + SERVER + "[program:cat]\nCommand : /bin/cat\nStartSecs:0\nPRIORITY  =  12\n", running("cat")),
    accepted("a value over several lines", BASE + SERVER + "[program:cat]\ncommand=/bin/sh -c\n  'true;\n   echo split > said;\n   exec cat'\n"
             "startsecs=0\ndirectory=@DIR@\n", wait_file("said", "split"), file("said")),
    # Not with an [rpcinterface:x], whose factory there chokes on what leaks into it.
    Scenario("[DEFAULT] leaks into every section", whole=True, start=False, config="[DEFAULT]\ndirectory=@DIR@/logs\n" + BASE
             + program("says", "/bin/sh -c 'pwd > @DIR@/said; exec cat'"), steps=[
                 do("start", lambda w: w.spawn()), wait_file("said", "\n"), file("said")], activity=None),
    accepted("a section header that is not closed", BASE + "[program:dog\n" + SERVER + CAT, running("cat")),
    accepted("a group without programs", BASE + SERVER + CAT + "[group:none]\n", running("cat")),
    accepted("an empty group", BASE + SERVER + CAT + "[group:none]\nprograms=\n", running("cat")),
    accepted("a trailing comma in environment", BASE + SERVER + program(
        "says", SAYS, startsecs=0, environment='WORD="two words",'), wait_file("said", "\n"), file("said")),
    accepted("quotes in environment", BASE + SERVER + program(
        "says", "/bin/sh -c 'env | grep ^Q > said; exec cat'", startsecs=0, directory="@DIR@",
        environment="""QA="a b",QB='c d',QC="'e'",QE="h,i",QF="%%j",QH="",QI=1"""),
        wait_file("said", "QI"), do("said", lambda w: sorted(w.text("said").splitlines()))),
    accepted("environment over several lines", BASE + SERVER + program(
        "says", "/bin/sh -c 'env | grep ^Q > said; exec cat'", startsecs=0, directory="@DIR@",
        environment="QA=1,\n  QB=2,\n  QC=3"), wait_file("said", "QC"), do("said", lambda w: sorted(w.text("said").splitlines()))),
    accepted("a comment sign inside quotes", BASE + SERVER + program("odd", '/bin/sh -c "echo a ; echo b"', autostart="false", startretries=0),
             call("startProcess", "odd")),
    *[Scenario(f"warned of: {name}", config=text, steps=[
        running("cat"), do("is warned of", lambda w: any(" WARN " in line for line in w.activity()))], activity=None)
      for name, text in (("an include of no file", CAT + "[include]\nfiles=@DIR@/none/*.conf\n"),
                         ("a log that redirect_stderr makes idle", CAT + "redirect_stderr=true\nstderr_logfile=@DIR@/e.log\n"))],
    accepted("includes", BASE + SERVER + "[include]\nfiles=%(here)s/conf.d/*.conf %(here)s/extra/none-*.conf\n" + CAT,
             running("cat")),
    Scenario("includes override, in order, with a here of their own", whole=True, start=False,
             config=BASE + SERVER + "[include]\nfiles=conf.d/*.conf more.ini\n[program:cat]\ncommand=/bin/false\nstartsecs=0\npriority=1\n",
             steps=[
                 write("conf.d/b.conf", "[program:cat]\npriority=20\ncommand=/bin/sh -c 'echo %(here)s > ../here-b; exec cat'\ndirectory=%(here)s\n"),
                 write("conf.d/a.conf", "[program:cat]\npriority=10\nstopwaitsecs=3\n[include]\nfiles=/no/such/file\n"),
                 write("more.ini", "[program:dog]\ncommand=/bin/cat\nstartsecs=0\n"),
                 do("start", lambda w: w.start()), running("cat", "dog"), wait_file("here-b", "\n"), file("here-b"),
                 call("getAllConfigInfo"),
             ]),
    Scenario("an include that is broken", whole=True, start=False, config=BASE + SERVER + "[include]\nfiles=conf.d/*.conf\n",
             steps=[write("conf.d/a.conf", "[program:cat]\n"), refused()]),
]
