"""The tools that people have: busctl and gdbus."""

import shutil
import subprocess

import pytest

from dbus.rig import LOG_CONTROL, MANAGER, NAME, OBJECTS, PROCESS, ROOT

CAT = f"{ROOT}/process/cat/cat"


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.fixture
def busctl(served):
    if not shutil.which("busctl"):
        pytest.skip("there is no busctl here: it comes with systemd")
    return lambda *arguments: run("busctl", f"--address={served.bus.address}", *arguments)


@pytest.fixture
def gdbus(served):
    def call(verb, path, *arguments):
        where = ["--address", served.bus.address, "--dest", NAME, "--object-path", path]
        return run("gdbus", verb, *where, *arguments)
    return call


def test_busctl_tree(busctl):
    told = busctl("tree", "--list", NAME).split()
    assert {ROOT, CAT, f"{ROOT}/process/g/pair_5f1", f"{ROOT}/group/g", LOG_CONTROL} <= set(told)


def test_busctl_introspect(busctl):
    told = busctl("introspect", NAME, CAT)
    line = next(line for line in told.splitlines() if line.startswith(".Description"))
    assert "emits-change" not in line
    line = next(line for line in told.splitlines() if line.startswith(".StateName"))
    assert '"RUNNING"' in line and "emits-change" in line


def test_busctl_call(served, busctl):
    assert busctl("call", NAME, ROOT, MANAGER, "StopProcess", "sb", "cat", "yes") == "b true\n"
    assert served.state("cat") == "STOPPED"
    assert busctl("get-property", NAME, CAT, PROCESS, "StateName") == 's "STOPPED"\n'
    interface = "org.freedesktop.LogControl1"
    busctl("set-property", NAME, LOG_CONTROL, interface, "LogLevel", "s", "warning")
    assert busctl("get-property", NAME, LOG_CONTROL, interface, "LogLevel") == 's "warning"\n'


def test_busctl_monitor(served, busctl, client):
    command = ["busctl", f"--address={served.bus.address}", "monitor", NAME]
    monitor = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "Monitoring" in monitor.stderr.readline()
        client.manager("StopProcess", "sb", "cat", True)
        assert any("Member=ProcessStateChanged" in line for line in monitor.stdout)
    finally:
        monitor.kill()
        monitor.communicate()


def test_gdbus(served, gdbus):
    told = gdbus("introspect", ROOT, "--recurse")
    assert f"interface {MANAGER}" in told and f"node {CAT}" in told
    assert gdbus("call", CAT, "--method", f"{PROCESS}.Stop", "true") == "(true,)\n"
    assert served.state("cat") == "STOPPED"
    told = gdbus("call", ROOT, "--method", f"{OBJECTS}.GetManagedObjects")
    assert f"objectpath '{CAT}'" in told
    told = gdbus("call", ROOT, "--method", f"{MANAGER}.ListProcesses")
    assert "('cat', 'cat', 'STOPPED', uint32 0, " in told
