"""What `supervisord migrate` says that Supervisor does with a line is what Supervisor does with it."""

import json
import os
import subprocess

import pytest
from supervisor.options import Dummy, ServerOptions

PROGRAM = "[program:x]\ncommand=/bin/cat\n"
RPC = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"


def process(settings):
    return settings.process_group_configs[0].process_configs[0]


# The line's section and key, the rest of the configuration (`@` is its directory), the kind that is
# said of it, and what has to be true of what Supervisor makes of it.
CLAIMS = [
    ("supervisord", "logfile", "logfile=NONE\n", "differs", lambda read: read.logfile == "NONE"),
    ("supervisord", "logfile", "logfile=syslog\n", "differs", lambda read: read.logfile == "syslog"),
    ("supervisord", "logfile", "logfile=@/a,b\n", "differs", lambda read: read.logfile.endswith("/a,b")),
    ("supervisord", "logfile", "logfile=journal\n", "differs", lambda read: read.logfile == "journal"),
    (
        "supervisord",
        "environment",
        'environment=A="5%%%%"\n',
        "note",
        lambda read: read.environment == {"A": "5%"},
    ),
    (
        "program:x",
        "stdout_logfile",
        PROGRAM + "stdout_logfile=@/a,b\n",
        "differs",
        lambda read: process(read).stdout_logfile.endswith("/a,b"),
    ),
    (
        "program:x",
        "stdout_logfile",
        PROGRAM + "stdout_logfile=@/a%%%%b\n",
        "note",
        lambda read: process(read).stdout_logfile.endswith("/a%b"),
    ),
    (
        "program:x",
        "stdout_logfile",
        PROGRAM + "stdout_logfile=syslog\n",
        "differs",
        lambda read: (process(read).stdout_logfile, process(read).stdout_syslog) == (None, True),
    ),
    (
        "program:x",
        "stdout_logfile",
        PROGRAM + "stdout_logfile=journal\n",
        "differs",
        lambda read: process(read).stdout_logfile == "journal",
    ),
    (
        "program:x",
        "directory",
        PROGRAM + "directory=~/x\n",
        "differs",
        lambda read: process(read).directory == "~/x",
    ),
    (
        "program:x",
        "startsecs",
        PROGRAM + "startsecs=-3\n",
        "differs",
        lambda read: process(read).startsecs == -3,
    ),
    (
        "program:x",
        "notify",
        PROGRAM + "notify=true\n",
        "differs",
        lambda read: not hasattr(process(read), "notify"),
    ),
    (
        "program-default",
        None,
        "[program-default]\nstartsecs=7\n" + PROGRAM,
        "differs",
        lambda read: process(read).startsecs == 1,
    ),
    (
        "group:g",
        "programs",
        "[fcgi-program:f]\ncommand=/bin/cat\nsocket=unix://@/f.sock\n[group:g]\nprograms=f\n",
        "differs",
        lambda read: type(process(read)).__name__ == "ProcessConfig",
    ),
    (
        "unix_http_server",
        None,
        "[unix_http_server]\nfile=@/s\n",
        "differs",
        lambda read: read.rpcinterface_factories == [],
    ),
    (
        "unix_http_server",
        "password",
        "[unix_http_server]\nfile=@/s\nusername=a\npassword=$argon2id$v=19$m=19456,t=2,p=1$"
        "c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI\n" + RPC,
        "differs",
        lambda read: read.server_configs[0]["password"].startswith("$argon2id$"),
    ),
    (
        "inet_http_server",
        "port",
        "[inet_http_server]\nport=9001\n" + RPC,
        "error",
        lambda read: read.server_configs[0]["username"] is None,
    ),
    (
        "inet_http_server",
        "username",
        "[inet_http_server]\nport=9001\nusername=\npassword=\n" + RPC,
        "error",
        lambda read: read.server_configs[0]["username"] == "",
    ),
    (
        "inet_http_server:b",
        None,
        "[inet_http_server:a]\nport=127.0.0.1:9001\n[inet_http_server:b]\nport=127.0.0.1:9002\n" + RPC,
        "not served",
        lambda read: len(read.server_configs) == 2,
    ),
    (
        "program:x",
        "command",
        "[program:x]\ncommand=/bin/echo %s\n",
        "error",
        lambda read: "ENV_PATH" in process(read).command,
    ),
    ("program:x", "umask", PROGRAM + "umask=77777\n", "error", lambda read: process(read).umask == 0o77777),
    (
        "program:x",
        "stopsignal",
        PROGRAM + "stopsignal=0\n",
        "error",
        lambda read: process(read).stopsignal == 0,
    ),
]


def read_by_supervisor(path):
    options = ServerOptions()
    options.configfile = str(path)
    options.here = str(path.parent)
    options.configroot.supervisord = getattr(options.configroot, "supervisord", None) or Dummy()
    options.process_config(do_usage=False)
    return options.configroot.supervisord


def told(ours, path):
    command = [str(ours.supervisord), "migrate", "--json", "--from=supervisor", str(path)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, timeout=60).stdout)["problems"]


@pytest.mark.parametrize(
    ("section", "key", "text", "kind", "holds"), CLAIMS, ids=[f"{at} {key}" for at, key, *_ in CLAIMS]
)
def test_what_is_said_of_supervisor_is_true(section, key, text, kind, holds, ours, tmp_path):
    path = tmp_path / "supervisord.conf"
    path.write_text(f"[supervisord]\n{text}".replace("@", str(tmp_path)))
    assert holds(read_by_supervisor(path)), "Supervisor does not what is said of it"
    kinds = {one["kind"] for one in told(ours, path) if (one["section"], one["key"]) == (section, key)}
    assert kind in kinds


def test_here_in_default_is_that_of_the_included_file(ours, tmp_path):
    path = tmp_path / "supervisord.conf"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.conf").write_text(PROGRAM)
    path.write_text("[DEFAULT]\nserverurl=%(here)s\n[supervisord]\n[include]\nfiles=d/*.conf\n")
    assert process(read_by_supervisor(path)).serverurl == os.path.join(tmp_path, "d")
    assert [one["kind"] for one in told(ours, path) if one["key"] == "serverurl"] == ["differs"]
