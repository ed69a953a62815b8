"""Ansible's module community.general.supervisorctl, with our supervisorctl under it."""

import json
import sys
from pathlib import Path

import pytest

from clients.tools import BIN

COLLECTIONS = Path(sys.prefix) / "collections"

MODULE = "community.general.supervisorctl"

pytestmark = pytest.mark.skipif(
    not (COLLECTIONS / "ansible_collections" / "community" / "general").exists(),
    reason=f"no {MODULE} in {COLLECTIONS}: tests/run clients installs it",
)

CONFIG = """
[inet_http_server]
port=127.0.0.1:@PORT@
username=ansible
password=secret
[program:cat]
command=/bin/cat
startsecs=0
[program:pair]
command=/bin/cat
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
autostart=false
[program:told]
command=/bin/sh -c "trap 'echo told' USR1; while :; do read line; done"
startsecs=0
stdout_logfile=@DIR@/told.log
"""

LATER = """
[program:later]
command=/bin/cat
startsecs=0
"""


@pytest.fixture
def ansible(launch):
    """Runs the module with our supervisorctl, in check mode too; gives what it answers. Its world
    is `.world`."""
    world = launch(CONFIG, "cat", "told")

    def run(check=False, failed=False, inet=False, **arguments):
        arguments["supervisorctl_path"] = str(world.programs.supervisorctl)
        if inet:
            url = world.fill("http://127.0.0.1:@PORT@")
            arguments |= {"server_url": url, "username": "ansible", "password": "secret"}
        else:
            arguments["config"] = str(world.conf)
        said = world.run_client(
            BIN / "ansible", "localhost", "-i", "localhost,", "-c", "local", "-o",
            "-m", MODULE, "-a", json.dumps(arguments), *(["--check"] if check else []),
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_HOME=str(world.dir / "ansible"),
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            ANSIBLE_NOCOLOR="1",
        )
        assert (said.exit != 0) == failed, said
        _, _, answer = said.stdout.partition("=> ")
        return json.loads(answer)

    run.world = world
    return run


def test_started_and_stopped(ansible):
    world = ansible.world
    before = world.info("cat")["pid"]
    assert ansible(name="cat", state="started")["changed"] is False
    assert ansible(name="cat", state="stopped", check=True)["changed"] is True
    assert world.info("cat")["pid"] == before
    stopped = ansible(name="cat", state="stopped")
    assert (stopped["changed"], stopped["affected"]) == (True, ["cat"])
    assert world.state("cat") == "STOPPED"
    assert not world.alive(before)
    assert ansible(name="cat", state="stopped")["changed"] is False
    started = ansible(name="cat", state="started")
    assert (started["changed"], started["affected"]) == (True, ["cat"])
    assert world.state("cat") == "RUNNING"


def test_restarted_and_a_whole_group(ansible):
    world = ansible.world
    before = world.info("cat")["pid"]
    restarted = ansible(name="cat", state="restarted")
    assert (restarted["changed"], restarted["affected"]) == (True, ["cat"])
    assert world.state("cat") == "RUNNING"
    assert world.info("cat")["pid"] != before
    group = ansible(name="pair:", state="started")
    assert group["affected"] == ["pair:pair_0", "pair:pair_1"]
    assert [world.state(f"pair:pair_{n}") for n in (0, 1)] == ["RUNNING", "RUNNING"]
    nobody = ansible(name="nope", state="restarted", failed=True)
    assert nobody["msg"] == "ERROR (no such process)"


def test_present_and_absent(ansible):
    world = ansible.world
    assert ansible(name="cat", state="present")["changed"] is False
    with world.conf.open("a") as conf:
        conf.write(LATER)
    assert ansible(name="later", state="present")["changed"] is True
    world.wait_state("later", "RUNNING")
    pid = world.info("later")["pid"]
    runs = ansible(name="later", state="absent", failed=True)
    assert "ERROR: process/group still running: later" in runs["msg"]
    assert world.info("later")["pid"] == pid
    removed = ansible(name="later", state="absent", stop_before_removing=True)
    assert removed["changed"] is True
    assert not world.alive(pid)
    names = [info["name"] for info in world.call("supervisor.getAllProcessInfo")]
    assert "later" not in names
    assert ansible(name="later", state="absent")["changed"] is False


def test_signalled_and_over_tcp(ansible):
    world = ansible.world
    signalled = ansible(name="told", state="signalled", signal="USR1", inet=True)
    assert (signalled["changed"], signalled["affected"]) == (True, ["told"])
    world.until(lambda: world.text("told.log") == "told\n", "the program to be told")
    assert ansible(name="cat", state="stopped", inet=True)["changed"] is True
    assert world.state("cat") == "STOPPED"
    nobody = ansible(name="nope", state="started", inet=True, failed=True)
    assert nobody["msg"] == "ERROR (no such process)"
