"""The npm package `supervisord`, over TCP and over the unix socket."""

import json
import shutil
from pathlib import Path

import pytest

from clients.tools import INET, PROGRAMS

MODULES = Path(__file__).parent.parent / ".node" / "node_modules"

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and (MODULES / "supervisord").exists()),
    reason=f"no node, or no npm package supervisord in {MODULES}: tests/run clients installs both",
)

CONFIG = INET + """
[program:cat]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/cat.log
[program:off]
command=/bin/cat
startsecs=0
autostart=false
"""

WHERE = {"inet": "http://127.0.0.1:@PORT@", "unix": "unix://@DIR@/s.sock"}


@pytest.fixture(params=WHERE)
def calls(request, launch):
    """Makes calls one after the other; gives their values and errors. Its world is `.world`."""
    world = launch(CONFIG, "cat")

    def make(*wanted):
        said = world.run_client(
            shutil.which("node"), PROGRAMS / "calls.js", WHERE[request.param], json.dumps(wanted),
            NODE_PATH=str(MODULES),
        )
        assert said.exit == 0, said.stderr
        return json.loads(said.stdout)

    make.world = world
    return make


def test_it_sees_and_moves_programs(calls):
    world = calls.world
    before = world.info("cat")["pid"]
    state, infos, started, stopped = calls(
        ["getState"], ["getAllProcessInfo"], ["startProcess", "off"], ["stopProcess", "cat"],
    )
    assert state == {"value": {"statecode": 1, "statename": "RUNNING"}}
    seen = {info["name"]: (info["statename"], info["pid"]) for info in infos["value"]}
    assert seen == {"cat": ("RUNNING", before), "off": ("STOPPED", 0)}
    assert started == stopped == {"value": True}
    assert world.state("off") == "RUNNING"
    assert world.state("cat") == "STOPPED"
    assert not world.alive(before)


def test_faults_are_errors_with_code_and_text(calls):
    nobody, running = calls(["startProcess", "nope"], ["startProcess", "cat"])
    assert nobody["error"]["faultCode"] == 10
    assert nobody["error"]["faultString"] == "BAD_NAME: nope"
    assert running["error"]["faultCode"] == 60
    assert running["error"]["message"] == "XML-RPC fault: ALREADY_STARTED: cat"


def test_text_there_and_back(calls):
    world, text = calls.world, "h\u00e9llo \u4e16\u754c <&>]]>\n"
    assert calls(["sendProcessStdin", "cat", text]) == [{"value": True}]
    world.until(lambda: world.text("cat.log") == text, "the echo")
    (read, tail, several) = calls(
        ["readProcessStdoutLog", "cat", 0, 0],
        ["tailProcessStdoutLog", "cat", 0, 1000],
        ["multicall", [{"methodName": "supervisor.getPID", "params": []}]],
    )
    assert read == {"value": text}
    assert tail["value"][:1] == [text]
    assert several == {"value": [world.pid()]}
