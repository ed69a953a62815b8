"""supervisor-logging: what programs print goes to it as events, and from it to a syslog server."""

import re
import socket

import pytest

LOGGING = """
[eventlistener:logging]
command=@BIN@/supervisor_logging
environment=SYSLOG_SERVER="127.0.0.1",SYSLOG_PORT="{port}",SYSLOG_PROTO="udp"
events=PROCESS_LOG
startsecs=0
[program:talker]
command=/bin/sh -c 'while read line; do echo "said $line"; echo "warned of $line" >&2; done'
startsecs=0
stdout_events_enabled=true
stderr_events_enabled=true
[program:quiet]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/quiet.log
"""

DATAGRAM_SECONDS_MAX = 30.0


@pytest.fixture
def syslog():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(DATAGRAM_SECONDS_MAX)
        yield server


def test_output_reaches_the_syslog_server(launch, syslog):
    world = launch(LOGGING.format(port=syslog.getsockname()[1]), "logging", "talker", "quiet")
    pid = world.info("talker")["pid"]
    # What did not ask for events sends none: its words come first and never arrive.
    world.call("supervisor.sendProcessStdin", "quiet", "unheard\n")
    world.until(lambda: world.text("quiet.log") == "unheard\n", "the quiet program's echo")
    heard = []
    for word in ("first", "h\u00e9llo \u4e16\u754c"):
        world.call("supervisor.sendProcessStdin", "talker", f"{word}\n")
        heard += sorted(syslog.recv(65536).decode() for _ in range(2))
    told = [re.fullmatch(r"<\d+>\S+ \S+ (\S+): (.*?)\s*\0?", line, re.S) for line in heard]
    assert [match and match.groups() for match in told] == [
        (f"talker[{pid}]", "said first"),
        (f"talker[{pid}]", "warned of first"),
        (f"talker[{pid}]", "said h\u00e9llo \u4e16\u754c"),
        (f"talker[{pid}]", "warned of h\u00e9llo \u4e16\u754c"),
    ]
