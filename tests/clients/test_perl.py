"""Perl's RPC::XML over TCP: lists, starts, stops, faults, types."""

import json
import shutil
import subprocess

import pytest

from clients.tools import PROGRAMS


def has_client() -> bool:
    """Whether there is a Perl with what the test needs of it."""
    command = ["perl", "-MRPC::XML::Client", "-MJSON::PP", "-e", "1"]
    return bool(shutil.which("perl")) and subprocess.run(
        command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_client(),
    reason="no RPC::XML for Perl (Debian: librpc-xml-perl): tests/run clients installs it",
)

CONFIG = """
[inet_http_server]
port=127.0.0.1:@PORT@
{password}
[program:cat]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
startsecs=0
autostart=false
"""


def calls(world, *wanted, login=""):
    url = f"http://{login}127.0.0.1:@PORT@/RPC2"
    said = world.run_client(shutil.which("perl"), PROGRAMS / "calls.pl", url, json.dumps(wanted))
    assert (said.exit, said.stderr) == (0, "")
    return json.loads(said.stdout)


def test_it_lists_starts_and_stops(launch):
    world = launch(CONFIG.format(password=""), "cat")
    before = world.info("cat")["pid"]
    methods, infos, stopped, started, stopped_all = calls(
        world,
        ["system.listMethods"],
        ["supervisor.getAllProcessInfo"],
        ["supervisor.stopProcess", "cat", True],
        ["supervisor.startProcess", "off", True],
        ["supervisor.stopProcessGroup", "off", True],
    )
    assert methods["type"] == infos["type"] == "RPC::XML::array"
    assert "supervisor.startProcess" in methods["value"]
    # Perl's integers come as text from this client; what they were is in `type`.
    seen = {info["name"]: (info["statename"], int(info["pid"])) for info in infos["value"]}
    assert seen == {"cat": ("RUNNING", before), "off": ("STOPPED", 0)}
    assert not world.alive(before)
    for outcome in (started, stopped):
        assert outcome["type"] == "RPC::XML::boolean"
        assert outcome["value"] in (1, "1")
    (one,) = stopped_all["value"]
    assert (one["name"], int(one["status"]), one["description"]) == ("off", 80, "OK")
    assert [world.state(name) for name in ("cat", "off")] == ["STOPPED", "STOPPED"]


def test_faults_are_faults(launch):
    world = launch(CONFIG.format(password=""), "cat")
    assert calls(
        world,
        ["supervisor.startProcess", "nope"],
        ["supervisor.startProcess", "cat"],
        ["supervisor.stopProcess", "off"],
        ["supervisor.noSuchMethod"],
    ) == [
        {"fault": [10, "BAD_NAME: nope"]},
        {"fault": [60, "ALREADY_STARTED: cat"]},
        {"fault": [70, "NOT_RUNNING: off"]},
        {"fault": [1, "UNKNOWN_METHOD"]},
    ]


def test_a_password(launch):
    world = launch(CONFIG.format(password="username=perl\npassword=secret"), "cat")
    (right,) = calls(world, ["supervisor.getPID"], login="perl:secret@")
    assert (right["type"], int(right["value"])) == ("RPC::XML::int", world.pid())
    (wrong,) = calls(world, ["supervisor.getPID"], login="perl:wrong@")
    assert wrong["error"].endswith("Unauthorized")
