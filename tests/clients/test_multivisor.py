"""multivisor: its listener and its web server run as programs of ours; the dashboard shows what
happens as it happens, and its buttons work."""

import http.client
import json
import select
import socket
import urllib.parse
import urllib.request

import pytest

from oracle.world import free_port

CONFIG = """
[eventlistener:multivisor-rpc]
command=@BIN@/multivisor-rpc --bind 127.0.0.1:@FREE@
events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE
startsecs=0
stderr_logfile=@DIR@/rpc.err
[program:dashboard]
command=@BIN@/multivisor -c @DIR@/multivisor.conf --bind 127.0.0.1:{port}
startsecs=0
autostart=false
stderr_logfile=@DIR@/dashboard.err
[program:cat]
command=/bin/sh -c "echo here I am; exec cat"
startsecs=0
[program:off]
command=/bin/cat
startsecs=0
autostart=false
"""

ANSWER_SECONDS_MAX = 60.0

CAT, OFF = "here:cat:cat", "here:off:off"


class Dashboard:
    """The web server's own API, as its page uses it."""

    def __init__(self, world, port):
        self.world, self.port = world, port

    def get(self, path):
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX) as answer:
            return json.loads(answer.read())

    def post(self, path, **form):
        url = f"http://127.0.0.1:{self.port}{path}"
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(url, body, timeout=ANSWER_SECONDS_MAX) as answer:
            assert answer.read() == b"OK"

    def processes(self):
        try:
            return self.get("/api/data")["supervisors"]["here"]["processes"]
        except OSError:
            return {}

    def statename(self, uid):
        return self.processes().get(uid, {}).get("statename")

    def ask_stream(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        connection.request("GET", path)
        return connection


def messages(connection):
    """What a stream says; its head comes with the first of it."""
    answer = connection.getresponse()
    assert answer.status == 200
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


@pytest.fixture
def dashboard(launch):
    port = free_port()
    world = launch(CONFIG.format(port=port), "multivisor-rpc", "cat")
    (world.dir / "multivisor.conf").write_text(
        world.fill("[global]\nname=test\n[supervisor:here]\nurl=127.0.0.1:@FREE@\n"))
    world.until(lambda: connects(world.free), "the listener's port")
    world.call("supervisor.startProcess", "dashboard")
    made = Dashboard(world, port)
    world.until(lambda: made.statename(CAT) == "RUNNING", "the dashboard to know the program")
    return made


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX).close()
    except OSError:
        return False
    return True


def test_it_shows_what_there_is(dashboard):
    world = dashboard.world
    here = dashboard.get("/api/data")["supervisors"]["here"]
    assert here["running"] is True
    assert here["pid"] == world.pid()
    assert here["processes"][CAT]["pid"] == world.info("cat")["pid"]
    assert here["processes"][OFF]["statename"] == "STOPPED"
    # What it follows is the program's log.
    log = dashboard.ask_stream(f"/api/process/log/out/tail/{CAT}")
    assert any("here I am" in message["message"] for message in messages(log))


def test_it_shows_what_happens_as_it_happens(dashboard):
    world = dashboard.world
    stream = dashboard.ask_stream("/api/stream")

    def hears():
        # Only who has joined hears, and that shows by hearing.
        world.call("supervisor.stopProcess", "off")
        world.call("supervisor.startProcess", "off")
        return select.select([stream.sock], [], [], 0)[0]

    world.until(hears, "the stream to begin")
    told = (
        (message["payload"]["name"], message["payload"]["statename"])
        for message in messages(stream) if message["event"] == "process_changed"
    )
    # multivisor asks for the state when it hears of a change: what does not last, it may not see.
    world.call("supervisor.stopProcess", "cat")
    assert ("cat", "STOPPED") in told
    world.call("supervisor.startProcess", "cat")
    assert ("cat", "RUNNING") in told
    world.call("supervisor.stopProcess", "cat")
    assert ("cat", "STOPPED") in told
    assert dashboard.statename(OFF) == "RUNNING"
    assert dashboard.statename(CAT) == "STOPPED"


def test_its_buttons_work(dashboard):
    world = dashboard.world
    before = world.info("cat")["pid"]
    dashboard.post("/api/process/restart", uid=CAT)
    world.until(lambda: world.info("cat")["pid"] not in (0, before), "the restart")
    assert not world.alive(before)
    dashboard.post("/api/process/stop", uid="here:*cat*")
    world.until(lambda: world.state("cat") == "STOPPED", "the stop")
    world.until(lambda: dashboard.statename(CAT) == "STOPPED", "the dashboard to show it")
    # A program that is new in the configuration: reread, added and started from the dashboard.
    with world.conf.open("a") as conf:
        conf.write("[program:new]\ncommand=/bin/cat\nstartsecs=0\n")
    dashboard.post("/api/supervisor/update", supervisor="here")
    world.wait_state("new", "RUNNING")
    assert world.state("cat") == "STOPPED"
