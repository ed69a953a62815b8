"""Every method, every property, every error, as the contract has them."""

import os
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dbus.rig import GROUP, LOG_CONTROL, MANAGER, NAME, OBJECTS, PROCESS, PROPERTIES, ROOT, Refused

CAT = f"{ROOT}/process/cat/cat"
PAIR = f"{ROOT}/process/g/pair_5f1"
OFF = f"{ROOT}/process/g/off"
G = f"{ROOT}/group/g"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"

GOLDEN = Path(__file__).resolve().parents[2] / "systemd" / "dbus" / "interfaces"


def refused(call, *arguments, **how) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments, **how)
    return caught.value


def interfaces(client, path) -> dict[str, ElementTree.Element]:
    node = ElementTree.fromstring(client.call(path, INTROSPECTABLE, "Introspect"))
    return {element.get("name"): element for element in node.iter("interface")}


def canonical(element) -> str:
    return ElementTree.canonicalize(ElementTree.tostring(element), strip_text=True)


@pytest.mark.parametrize(("path", "interface"), [
    (ROOT, MANAGER), (CAT, PROCESS), (G, GROUP), (LOG_CONTROL, "org.freedesktop.LogControl1"),
])
def test_the_interfaces_are_those_checked_in(client, path, interface):
    golden = ElementTree.parse(GOLDEN / f"{interface}.xml").getroot()
    (wanted,) = golden.iter("interface")
    assert canonical(interfaces(client, path)[interface]) == canonical(wanted)


def test_every_object_can_be_found_from_the_top(client):
    found, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        found.add(path)
        node = ElementTree.fromstring(client.call(path, INTROSPECTABLE, "Introspect"))
        assert {INTROSPECTABLE, PEER, PROPERTIES} <= {i.get("name") for i in node.iter("interface")}
        below = [child.get("name") for child in node.findall("node")]
        waiting += [f"{path.rstrip('/')}/{name}" for name in below]
    assert {ROOT, CAT, PAIR, OFF, G, f"{ROOT}/group/cat", LOG_CONTROL} <= found
    assert OBJECTS in interfaces(client, ROOT)


def test_properties_of_the_daemon(served, client):
    values = client.all(ROOT, MANAGER)
    assert values.pop("StartTimestamp") > 1_700_000_000_000_000
    assert values.pop("Version")
    assert values == {
        "APIVersion": "3.0", "Identifier": "supervisor", "State": 1, "StateName": "RUNNING",
        "PID": served.pid(), "ConfigFile": str(served.conf), "NProcesses": 3, "NRunning": 2,
    }
    for name, value in values.items():
        assert client.get(ROOT, MANAGER, name) == value
    assert client.call(ROOT, PROPERTIES, "Get", "ss", MANAGER, "PID")[0] == "u"
    assert client.all(ROOT, "") == client.all(ROOT, MANAGER)
    assert client.all(ROOT, PROPERTIES) == {}


def test_properties_of_a_process(served, client):
    info = served.info("cat")
    values = client.all(CAT, PROCESS)
    assert values.pop("StartTimestamp") // 1_000_000 == info["start"]
    assert values.pop("Description").startswith(f"pid {info['pid']}, uptime ")
    assert values == {
        "Name": "cat", "Group": "cat", "GroupPath": f"{ROOT}/group/cat", "State": 20,
        "StateName": "RUNNING", "PID": info["pid"], "ExitStatus": 0, "StopTimestamp": 0,
        "SpawnError": "", "StdoutLogfile": str(served.path("cat.log")),
        "StderrLogfile": str(served.path("cat.err")), "StatusText": "", "NRestarts": 0,
        "Command": "/bin/cat", "ControlGroup": "",
    }
    client.call(CAT, PROCESS, "Stop", "b", True)
    values = client.all(CAT, PROCESS)
    assert (values["StateName"], values["PID"], values["ExitStatus"]) == ("STOPPED", 0, -1)
    assert values["StopTimestamp"] >= values["StartTimestamp"]


def test_properties_of_a_group(client):
    assert client.all(G, GROUP) == {"Name": "g", "Priority": 5, "Processes": [OFF, PAIR]}


def test_managed_objects(client):
    objects = client.call(ROOT, OBJECTS, "GetManagedObjects")
    assert set(objects) == {CAT, PAIR, OFF, G, f"{ROOT}/group/cat"}
    assert set(objects[PAIR]) == {PROCESS}
    told = {name: value for name, (_, value) in objects[PAIR][PROCESS].items()}
    known = client.all(PAIR, PROCESS)
    assert {**told, "Description": ""} == {**known, "Description": ""}
    assert set(objects[G]) == {GROUP}


def test_finding_processes(served, client):
    pid = served.info("g:pair_1")["pid"]
    assert client.manager("ListProcesses") == [
        ("cat", "cat", "RUNNING", served.info("cat")["pid"], CAT),
        ("g", "off", "STOPPED", 0, OFF),
        ("g", "pair_1", "RUNNING", pid, PAIR),
    ]
    for name in ("g:pair_1", "pair_1"):
        assert client.manager("GetProcess", "s", name) == PAIR
    assert client.manager("GetProcessByPID", "u", pid) == PAIR
    for member, signature, value in [
        ("GetProcess", "s", "nope"), ("GetProcess", "s", "g:*"), ("GetProcess", "s", ""),
        ("GetProcessByPID", "u", 0), ("GetProcessByPID", "u", 1),
    ]:
        assert refused(client.manager, member, signature, value).name == "BadName"


def test_one_process(served, client):
    assert client.manager("StopProcess", "sb", "cat", True) is True
    assert served.state("cat") == "STOPPED"
    assert client.manager("StartProcess", "sb", "cat", True) is True
    before = served.info("cat")["pid"]
    assert client.manager("RestartProcess", "sb", "cat", True) is True
    assert served.info("cat")["pid"] != before
    assert client.manager("SendProcessStdin", "say", "cat", b"\xff\x00x\n") is None
    served.until(lambda: served.path("cat.log").read_bytes() == b"\xff\x00x\n", "the echo")
    assert client.manager("SignalProcess", "ss", "cat", "USR1") is None
    served.wait_state("cat", "EXITED", "STOPPED", "RUNNING")

    assert client.call(OFF, PROCESS, "Start", "b", True) is True
    assert client.call(OFF, PROCESS, "Restart", "b", True) is True
    assert client.call(OFF, PROCESS, "SendStdin", "ay", b"hello\n") is None
    assert client.call(OFF, PROCESS, "Signal", "s", "CONT") is None
    assert client.call(OFF, PROCESS, "Stop", "b", True) is True


def test_groups(served, client):
    ok = lambda *names: sorted((name, "g", 80, "OK") for name in names)
    assert sorted(client.manager("StopGroup", "sb", "g", True)) == ok("pair_1")
    assert sorted(client.manager("StartGroup", "sb", "g", True)) == ok("off", "pair_1")
    assert sorted(client.manager("RestartGroup", "sb", "g", True)) == ok("off", "pair_1")
    assert sorted(client.manager("SignalGroup", "ss", "g", "CONT")) == ok("off", "pair_1")
    assert sorted(client.call(G, GROUP, "Stop", "b", True)) == ok("off", "pair_1")
    assert sorted(client.call(G, GROUP, "Start", "b", True)) == ok("off", "pair_1")
    assert sorted(client.call(G, GROUP, "Restart", "b", True)) == ok("off", "pair_1")
    assert sorted(client.call(G, GROUP, "Signal", "s", "CONT")) == ok("off", "pair_1")
    bad = client.manager("SignalGroup", "ss", "g", "NOPE")
    assert [(status, text) for _, _, status, text in bad] == [(11, "BAD_SIGNAL: NOPE")] * 2


def test_everything(client):
    all_three = [("cat", "cat"), ("off", "g"), ("pair_1", "g")]
    named = lambda statuses: sorted((name, group) for name, group, _, _ in statuses)
    assert named(client.manager("StopAll", "b", True)) == [("cat", "cat"), ("pair_1", "g")]
    assert named(client.manager("StartAll", "b", True)) == all_three
    assert named(client.manager("SignalAll", "s", "CONT")) == all_three
    before = client.get(CAT, PROCESS, "PID")
    assert named(client.manager("RestartAll", "b", True)) == all_three
    assert client.get(CAT, PROCESS, "PID") != before
    assert named(client.manager("ClearAllProcessLogs")) == all_three


def test_logs(served, client):
    text = b"one\n\xfftwo\n"
    client.manager("SendProcessStdin", "say", "cat", text)
    served.until(lambda: served.path("cat.log").read_bytes() == text, "the echo")
    assert client.manager("ReadProcessLog", "ssxx", "cat", "stdout", 0, 0) == text
    assert client.manager("ReadProcessLog", "ssxx", "cat", "stdout", -4, 0) == b"two\n"
    assert client.manager("ReadProcessLog", "ssxx", "cat", "stderr", 0, 0) == b""
    assert client.call(CAT, PROCESS, "ReadLog", "sxx", "stdout", 4, 2) == b"\xfft"
    tail = (text[-3:], len(text), True)
    assert client.manager("TailProcessLog", "ssxx", "cat", "stdout", 0, 3) == tail
    assert client.call(CAT, PROCESS, "TailLog", "sxx", "stdout", 0, 3) == tail
    assert b"supervisord started" in client.manager("ReadLog", "xx", 0, 0)

    for answer in (
        client.manager("OpenProcessLog", "ss", "cat", "stdout"),
        client.call(CAT, PROCESS, "OpenLog", "s", "stdout"),
    ):
        with answer.to_file("rb") as log:
            assert log.read() == text
            assert stat.S_ISREG(os.fstat(log.fileno()).st_mode)
            with pytest.raises(OSError):
                os.write(log.fileno(), b"x")

    assert client.manager("ClearProcessLogs", "s", "cat") is None
    assert served.path("cat.log").read_bytes() == b""
    assert client.call(CAT, PROCESS, "ClearLogs") is None
    assert client.manager("ClearLog") is None
    assert b"supervisord started" not in client.manager("ReadLog", "xx", 0, 0)


def test_an_answer_that_no_bus_would_pass_on_is_refused(served, client):
    with open(served.path("cat.log"), "r+b") as log:
        log.truncate(17 << 20)
    why = refused(client.manager, "ReadProcessLog", "ssxx", "cat", "stdout", 0, 0)
    assert why.name.endswith("LimitsExceeded")
    assert len(client.manager("ReadProcessLog", "ssxx", "cat", "stdout", 0, 8 << 20)) == 8 << 20


def test_configuration(served, client):
    assert client.manager("ReloadConfig") == ([], [], [])
    served.conf.write_text(served.conf.read_text() + "[program:new]\ncommand=/bin/cat\n")
    assert client.manager("ReloadConfig") == (["new"], [], [])
    assert client.manager("AddGroup", "s", "new") is None
    client.manager("StopGroup", "sb", "new", True)
    assert client.manager("RemoveGroup", "s", "new") is None
    assert client.manager("Update") == (["new"], [], [])
    assert client.manager("GetProcess", "s", "new") == f"{ROOT}/process/new/new"
    assert client.manager("SendRemoteCommEvent", "ss", "type", "data") is None


def test_errors_have_names(served, client):
    check = lambda name, *call, **how: refused(client.call, *call, **how).name == name
    standard = "org.freedesktop.DBus.Error."
    start = ("StartProcess", "sb")
    assert check("AlreadyStarted", ROOT, MANAGER, *start, "cat", True)
    assert check("NotRunning", ROOT, MANAGER, "StopProcess", "sb", "off", True)
    assert check("BadName", ROOT, MANAGER, *start, "nope", True)
    assert check("BadSignal", ROOT, MANAGER, "SignalProcess", "ss", "cat", "NOPE")
    assert check("BadArguments", ROOT, MANAGER, "ReadProcessLog", "ssxx", "cat", "out", 0, 0)
    assert check("BadArguments", ROOT, MANAGER, "ReadLog", "xx", -1, -1)
    assert check("StillRunning", ROOT, MANAGER, "RemoveGroup", "s", "cat")
    assert check("AlreadyAdded", ROOT, MANAGER, "AddGroup", "s", "cat")
    assert check(f"{standard}UnknownObject", f"{ROOT}/process/g/nope", PROCESS, "Start", "b", True)
    assert check(f"{standard}UnknownInterface", ROOT, PROCESS, "Start", "b", True)
    assert check(f"{standard}UnknownMethod", ROOT, MANAGER, "Nope")
    assert check(f"{standard}InvalidArgs", ROOT, MANAGER, *start[:1], "s", "cat")
    assert check(f"{standard}InvalidArgs", ROOT, MANAGER, "ListProcesses", "s", "cat")
    assert check(f"{standard}UnknownProperty", ROOT, PROPERTIES, "Get", "ss", MANAGER, "Nope")
    assert check(f"{standard}UnknownInterface", ROOT, PROPERTIES, "GetAll", "s", "a.b")
    assert check(
        f"{standard}PropertyReadOnly", ROOT, PROPERTIES, "Set", "ssv", MANAGER, "PID", ("u", 1),
    )
    served.conf.write_text(served.conf.read_text() + "[program:bad]\n")
    why = refused(client.manager, "Update")
    assert why.name == "CantReread" and "command" in why.text
    assert refused(client.manager, "Restart").name == "CantReread"
    assert served.state("cat") == "RUNNING"


def test_an_interface_may_be_left_out(client):
    assert client.call(ROOT, None, "GetProcess", "s", "cat") == CAT


def test_peer(client):
    assert client.call(CAT, PEER, "Ping") is None
    try:
        known = Path("/etc/machine-id").read_text().strip()
    except OSError:
        known = ""
    if known:
        assert client.call("/", PEER, "GetMachineId") == known


def test_log_control(served, client):
    interface = "org.freedesktop.LogControl1"
    level = lambda value: client.call(
        LOG_CONTROL, PROPERTIES, "Set", "ssv", interface, "LogLevel", value)
    assert client.all(LOG_CONTROL, interface) == {
        "LogLevel": "debug", "LogTarget": "file", "SyslogIdentifier": "supervisor",
    }
    level(("s", "err"))
    assert client.get(LOG_CONTROL, interface, "LogLevel") == "err"
    client.manager("ClearLog")
    client.manager("RestartProcess", "sb", "cat", True)
    assert client.manager("ReadLog", "xx", 0, 0) == b""
    level(("s", "info"))
    client.manager("RestartProcess", "sb", "cat", True)
    assert b"spawned: 'cat'" in client.manager("ReadLog", "xx", 0, 0)
    for value in (("s", "loud"), ("u", 7)):
        assert refused(level, value).name.endswith("InvalidArgs")


def test_shutdown_is_answered(served, client):
    assert client.manager("Shutdown") is None
    assert served.exit_status() == 0


def test_restart_begins_anew(served, client):
    owner = client.bus("GetNameOwner", "s", NAME)
    client.bus("AddMatch", "s", f"type='signal',member='NameOwnerChanged',arg0='{NAME}'")
    assert client.manager("Restart") is None
    client.wait("NameOwnerChanged", lambda _, body: body[1] == owner and body[2] == "")
    client.wait("NameOwnerChanged", lambda _, body: body[2] != "")
    assert client.get(ROOT, MANAGER, "PID") == served.pid()
