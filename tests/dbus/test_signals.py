"""What is told: only what changed, and events only to who wants them."""

from dbus.rig import GROUP, MANAGER, OBJECTS, PROCESS, PROPERTIES, ROOT, Client

CAT = f"{ROOT}/process/cat/cat"
OFF = f"{ROOT}/process/g/off"
EVERY = "PROCESS_STATE_"


def changed(signals, path) -> dict:
    """The properties that were told of an object, the last value of each."""
    values = {}
    for name, where, body in signals:
        if name == "PropertiesChanged" and where == path:
            interface, told, invalidated = body
            assert interface in (MANAGER, PROCESS, GROUP) and invalidated == []
            values |= {key: value for key, (_, value) in told.items()}
    return values


def test_a_start_tells_what_changed_and_no_more(served, client):
    client.take()
    client.manager("StartProcess", "sb", "off", True)
    signals = client.take()
    told = changed(signals, OFF)
    info = served.info("g:off")
    assert told.pop("StartTimestamp") // 1_000_000 == info["start"]
    assert told == {"State": 20, "StateName": "RUNNING", "PID": info["pid"]}
    assert changed(signals, ROOT) == {"NRunning": 3}
    assert {path for name, path, _ in signals if name == "PropertiesChanged"} == {OFF, ROOT}
    passages = [body for name, _, body in signals if name == "ProcessStateChanged"]
    assert passages[0][:2] == (OFF, "STOPPED") and passages[-1] == (OFF, passages[-1][1], "RUNNING")
    assert not [body for name, _, body in signals if name == "Event"]


def test_a_program_that_ends_by_itself(served, client):
    client.manager("StartProcess", "sb", "off", True)
    client.take()
    served.call("supervisor.signalProcess", "g:off", "KILL")
    # The properties first: who hears of the passage finds them as they are.
    _, (_, told, _) = client.wait("PropertiesChanged", lambda path, _: path == OFF)
    client.wait("ProcessStateChanged", lambda _, body: body == (OFF, "RUNNING", "EXITED"))
    values = client.all(OFF, PROCESS)
    assert (values["ExitStatus"], values["PID"]) == (-1, 0)
    assert told["StopTimestamp"][1] == values["StopTimestamp"]
    assert set(told) == {
        "State", "StateName", "PID", "ExitStatus", "StopTimestamp", "SpawnError",
    }


def test_groups_come_and_go(served, client):
    conf = served.conf.read_text()
    new, group = f"{ROOT}/process/new/new", f"{ROOT}/group/new"
    client.take()
    served.conf.write_text(conf + "[program:new]\ncommand=/bin/cat\nautostart=false\n")
    client.manager("Update")
    signals = client.take()
    names = [(name, body[0]) for name, _, body in signals if name != "PropertiesChanged"]
    assert names == [
        ("Reloading", True), ("InterfacesAdded", group), ("GroupAdded", "new"),
        ("InterfacesAdded", new), ("ProcessAdded", new), ("Reloading", False),
    ]
    assert changed(signals, ROOT) == {"NProcesses": 4}
    (added,) = [body for name, path, body in signals if name == "InterfacesAdded"
                and path == ROOT and body[0] == new]
    assert set(added[1]) == {PROCESS}
    assert added[1][PROCESS]["StateName"] == ("s", "STOPPED")

    served.conf.write_text(conf)
    client.manager("Update")
    names = [(name, body[0]) for name, _, body in client.take() if name != "PropertiesChanged"]
    assert names == [
        ("Reloading", True), ("InterfacesRemoved", new), ("ProcessRemoved", new),
        ("InterfacesRemoved", group), ("GroupRemoved", "new"), ("Reloading", False),
    ]


def test_a_group_tells_its_members(served, client):
    text = served.conf.read_text().replace("programs=pair_1,off", "programs=pair_1")
    client.take()
    served.conf.write_text(text)
    client.manager("Update")
    signals = client.take()
    pair = f"{ROOT}/process/g/pair_5f1"
    known = client.call(ROOT, OBJECTS, "GetManagedObjects")
    assert known[f"{ROOT}/group/g"][GROUP]["Processes"] == ("ao", [pair])
    told = changed(signals, f"{ROOT}/group/g")
    assert told.get("Processes", [pair]) == [pair]
    assert OFF not in known and f"{ROOT}/process/off/off" in known


def test_events_for_who_subscribed(served, client):
    client.manager("StopProcess", "sb", "cat", True)
    client.take()
    client.manager("Subscribe")
    client.manager("StartProcess", "sb", "cat", True)
    pid = served.info("cat")["pid"]
    events = [body for name, _, body in client.take() if name == "Event"]
    assert events[-1] in [
        ("PROCESS_STATE_RUNNING", f"processname:cat groupname:cat from_state:{state} pid:{pid}")
        for state in ("STARTING", "STOPPED")
    ]
    client.manager("StopProcess", "sb", "cat", True)
    events = [body for name, _, body in client.take() if name == "Event"]
    assert events[-1][0] == "PROCESS_STATE_STOPPED" and events[-1][1].endswith(f" pid:{pid}")

    served.conf.write_text(served.conf.read_text() + "[program:new]\ncommand=/bin/cat\n")
    client.manager("Update")
    events = [body for name, _, body in client.take() if name == "Event"]
    assert events[0] == ("PROCESS_GROUP_ADDED", "groupname:new\n")

    client.manager("Unsubscribe")
    client.manager("StopAll", "b", True)
    assert not [body for name, _, body in client.take() if name == "Event"]


def test_a_failing_program_tells_its_tries(served, client):
    client.manager("Subscribe")
    program = "[program:dies]\ncommand=/bin/false\nstartretries=1\nautostart=false\n"
    served.conf.write_text(served.conf.read_text() + program)
    client.manager("Update")
    client.manager("StartProcess", "sb", "dies", False)
    texts = {}
    for state in ("BACKOFF", "FATAL"):
        _, body = client.wait("Event", lambda _, body: body[0] == EVERY + state)
        texts[state] = body[1]
    assert texts["BACKOFF"].endswith(" from_state:STARTING tries:1")
    assert texts["FATAL"] == "processname:dies groupname:dies from_state:BACKOFF"


def test_a_subscriber_that_leaves_is_forgotten(served, client):
    with Client(served.bus) as other:
        other.manager("Subscribe")
        client.manager("StopProcess", "sb", "cat", True)
        assert "Event" in [name for name, _, _ in client.take()]
    # The bus tells the daemon before it passes on what is called after.
    while client.bus("NameHasOwner", "s", other.name):
        pass
    client.take()
    client.manager("StartProcess", "sb", "cat", True)
    assert "Event" not in [name for name, _, _ in client.take()]


def test_the_description_is_not_announced(client):
    client.call(ROOT, PROPERTIES, "GetAll", "s", MANAGER)
    client.manager("RestartProcess", "sb", "cat", True)
    assert "Description" not in changed(client.take(), CAT)
    assert client.get(CAT, PROCESS, "Description").startswith("pid ")


def test_the_end_is_told(served, client):
    client.manager("Subscribe")
    client.take()
    client.manager("Shutdown")
    served.exit_status()
    path, body = client.wait("PropertiesChanged", lambda path, _: path == ROOT)
    assert body[1]["StateName"] == ("s", "SHUTDOWN")
    assert client.wait("Event", lambda _, b: b[0] == "SUPERVISOR_STATE_CHANGE_STOPPING")[1][1] == ""
