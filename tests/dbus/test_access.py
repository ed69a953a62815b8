"""Who may do what, and what nobody is told."""

import pytest

from dbus.rig import LOG_CONTROL, MANAGER, NOBODY, OBJECTS, PROCESS, PROPERTIES, ROOT
from dbus.rig import Client, Polkit, Refused

DENIED = "org.freedesktop.DBus.Error.AccessDenied"
ASK = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
DAEMON_USER = 1
"""A user that every system knows, `daemon`."""

INTERACTIVE = 4
"""The flag ALLOW_INTERACTIVE_AUTHORIZATION of a call."""

CAT = f"{ROOT}/process/cat/cat"

PROCESSES = "manage-processes"
DAEMON = "manage-daemon"
LOGS = "read-logs"

CHANGES = [
    (PROCESSES, ROOT, MANAGER, "StartProcess", "sb", "cat", False),
    (PROCESSES, ROOT, MANAGER, "StopProcess", "sb", "cat", False),
    (PROCESSES, ROOT, MANAGER, "RestartProcess", "sb", "cat", False),
    (PROCESSES, ROOT, MANAGER, "SignalProcess", "ss", "cat", "KILL"),
    (PROCESSES, ROOT, MANAGER, "SendProcessStdin", "say", "cat", b"x"),
    (PROCESSES, ROOT, MANAGER, "StartGroup", "sb", "g", False),
    (PROCESSES, ROOT, MANAGER, "StopGroup", "sb", "g", False),
    (PROCESSES, ROOT, MANAGER, "RestartGroup", "sb", "g", False),
    (PROCESSES, ROOT, MANAGER, "SignalGroup", "ss", "g", "KILL"),
    (PROCESSES, ROOT, MANAGER, "StartAll", "b", False),
    (PROCESSES, ROOT, MANAGER, "StopAll", "b", False),
    (PROCESSES, ROOT, MANAGER, "RestartAll", "b", False),
    (PROCESSES, ROOT, MANAGER, "SignalAll", "s", "KILL"),
    (PROCESSES, ROOT, MANAGER, "ClearProcessLogs", "s", "cat"),
    (PROCESSES, ROOT, MANAGER, "ClearAllProcessLogs", ""),
    (PROCESSES, ROOT, MANAGER, "SendRemoteCommEvent", "ss", "a", "b"),
    (PROCESSES, CAT, PROCESS, "Start", "b", False),
    (PROCESSES, CAT, PROCESS, "Stop", "b", False),
    (PROCESSES, CAT, PROCESS, "Restart", "b", False),
    (PROCESSES, CAT, PROCESS, "Signal", "s", "KILL"),
    (PROCESSES, CAT, PROCESS, "SendStdin", "ay", b"x"),
    (PROCESSES, CAT, PROCESS, "ClearLogs", ""),
    (PROCESSES, f"{ROOT}/group/g", f"{MANAGER[:-7]}Group", "Stop", "b", False),
    (DAEMON, ROOT, MANAGER, "ReloadConfig", ""),
    (DAEMON, ROOT, MANAGER, "Update", ""),
    (DAEMON, ROOT, MANAGER, "AddGroup", "s", "cat"),
    (DAEMON, ROOT, MANAGER, "RemoveGroup", "s", "cat"),
    (DAEMON, ROOT, MANAGER, "ClearLog", ""),
    (DAEMON, ROOT, MANAGER, "Shutdown", ""),
    (DAEMON, ROOT, MANAGER, "Restart", ""),
    (DAEMON, LOG_CONTROL, PROPERTIES, "Set", "ssv", "org.freedesktop.LogControl1", "LogLevel",
     ("s", "err")),
    (LOGS, ROOT, MANAGER, "ReadLog", "xx", 0, 0),
    (LOGS, ROOT, MANAGER, "ReadProcessLog", "ssxx", "cat", "stdout", 0, 0),
    (LOGS, ROOT, MANAGER, "TailProcessLog", "ssxx", "cat", "stdout", 0, 0),
    (LOGS, ROOT, MANAGER, "OpenProcessLog", "ss", "cat", "stdout"),
    (LOGS, CAT, PROCESS, "ReadLog", "sxx", "stdout", 0, 0),
    (LOGS, CAT, PROCESS, "TailLog", "sxx", "stdout", 0, 0),
    (LOGS, CAT, PROCESS, "OpenLog", "s", "stdout"),
]


@pytest.fixture
def stranger(served, only_root):
    """A client that is neither root nor the daemon's user."""
    with Client(served.bus, user=NOBODY) as made:
        yield made


@pytest.fixture
def polkit(served):
    made = Polkit(served.bus)
    yield made
    made.close()


def name_of_refusal(client, call, flags=0) -> str:
    with pytest.raises(Refused) as caught:
        client.call(*call, flags=flags)
    return caught.value.name


def test_without_polkit_a_stranger_may_look_and_nothing_else(served, stranger):
    before = served.call("supervisor.getAllProcessInfo")
    for _, *call in CHANGES:
        assert name_of_refusal(stranger, call) == DENIED, call
    pids = lambda infos: [info["pid"] for info in infos]
    assert pids(served.call("supervisor.getAllProcessInfo")) == pids(before)
    assert stranger.get(ROOT, MANAGER, "StateName") == "RUNNING"
    assert len(stranger.manager("ListProcesses")) == 3
    assert stranger.manager("Subscribe") is None


def test_every_change_has_its_action(served, stranger, polkit):
    for action, *call in CHANGES:
        assert name_of_refusal(stranger, call) == DENIED, call
        assert polkit.asked.pop() == (
            "system-bus-name", stranger.name, f"org.supervisord.Supervisor1.{action}", 0)
    assert served.state("cat") == "RUNNING"


def test_polkit_says_yes(served, stranger, polkit):
    polkit.answer = (True, False, {})
    assert stranger.manager("StopProcess", "sb", "cat", True) is True
    assert served.state("cat") == "STOPPED"
    assert b"supervisord started" in stranger.manager("ReadLog", "xx", 0, 0)


def test_a_person_is_asked_only_where_the_caller_allows_it(served, stranger, polkit):
    polkit.answer = (False, True, {})
    stop = (ROOT, MANAGER, "StopProcess", "sb", "cat", True)
    assert name_of_refusal(stranger, stop) == ASK
    assert polkit.asked[-1][3] == 0
    assert name_of_refusal(stranger, stop, flags=INTERACTIVE) == DENIED
    assert polkit.asked[-1][3] == 1
    polkit.answer = (True, False, {})
    assert stranger.call(*stop, flags=INTERACTIVE) is True
    assert polkit.asked[-1][3] == 1


def test_root_is_not_asked_about(served, client, polkit):
    assert client.manager("StopProcess", "sb", "cat", True) is True
    assert polkit.asked == []


def test_a_user_of_its_own_does_as_it_likes(world, only_root):
    world.configure(daemon=f"user={NOBODY}")
    for directory in (world.dir, world.path("logs")):
        directory.chmod(0o777)
    world.bus.start()
    world.start()
    with Client(world.bus, user=NOBODY) as own:
        own.wait_for_daemon()
        world.wait_state("cat", "RUNNING")
        assert own.manager("StopProcess", "sb", "cat", True) is True
    with Client(world.bus, user=DAEMON_USER) as stranger:
        assert name_of_refusal(stranger, (ROOT, MANAGER, "StartAll", "b", True)) == DENIED


def test_a_programs_environment_is_nobodys_business(client):
    told = repr(client.call(ROOT, OBJECTS, "GetManagedObjects"))
    told += repr(client.all(ROOT, MANAGER)) + repr(client.manager("ListProcesses"))
    assert "do not tell" not in told and "SECRET" not in told
