"""A bus that is late, goes, comes back, or does not want the daemon."""

import os
from pathlib import Path

from dbus.rig import MANAGER, NAME, ROOT, Client, until


def logged(world, text: str) -> list[str]:
    return [line for line in world.activity() if text in line]


def test_a_bus_that_comes_later(world):
    world.start()
    until(lambda: logged(world, "cannot reach the bus"), "the daemon to miss the bus")
    assert world.state("cat") == "RUNNING"
    world.bus.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
        assert client.get(ROOT, MANAGER, "PID") == world.pid()
    assert len(logged(world, "cannot reach the bus")) == 1


def test_a_bus_whose_directory_comes_later(world):
    elsewhere = world.root / "elsewhere"
    os.rename(world.root / "run", elsewhere)
    world.start()
    until(lambda: logged(world, "cannot reach the bus"), "the daemon to miss the bus")
    os.rename(elsewhere, world.root / "run")
    world.bus.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()


def test_a_bus_that_dies_and_comes_back(served):
    before = served.info("cat")["pid"]
    for _ in range(3):
        served.bus.kill()
        until(lambda: logged(served, "the bus has gone"), "the daemon to notice")
        served.call("supervisor.stopProcess", "g:pair_1")
        served.bus.start()
        with Client(served.bus) as client:
            client.wait_for_daemon()
            assert client.manager("StartProcess", "sb", "pair_1", True) is True
    assert served.info("cat")["pid"] == before


def test_a_missing_bus_costs_an_idle_daemon_nothing(world):
    world.start()
    until(lambda: logged(world, "cannot reach the bus"), "the daemon to miss the bus")
    # What happens elsewhere in the directory of the socket is none of its business.
    voluntary = lambda: int(
        next(line for line in Path(f"/proc/{world.pid()}/status").read_text().splitlines()
             if line.startswith("voluntary_ctxt_switches")).split()[1])
    world.wait_state("cat", "RUNNING")
    before = voluntary()
    world.call("supervisor.getState")
    cost_of_a_call = voluntary() - before
    before = voluntary()
    for _ in range(3):
        world.call("supervisor.getState")
    assert voluntary() - before <= 3 * cost_of_a_call + 10
    assert len(logged(world, "cannot reach the bus")) == 1


def test_the_second_daemon_waits_in_the_queue(served, ours):
    from dbus.conftest import OnBus

    second = OnBus(ours)
    try:
        second.bus.kill()
        second.bus = served.bus
        second.configure()
        second.start()
        until(lambda: logged(second, "another daemon has the name"), "the second daemon")
        with Client(served.bus) as client:
            assert client.get(ROOT, MANAGER, "PID") == served.pid()
            rule = f"type='signal',member='NameOwnerChanged',arg0='{NAME}'"
            client.bus("AddMatch", "s", rule)
            client.manager("Shutdown")
            client.wait("NameOwnerChanged", lambda _, body: body[0] == NAME and body[2] != "")
            assert client.get(ROOT, MANAGER, "PID") == second.pid()
        assert len(logged(second, "another daemon has the name")) == 1
    finally:
        second.close()


def test_a_bus_that_refuses_the_name(world):
    world.bus.policy(f'<deny own="{NAME}"/>')
    world.bus.start()
    world.start()
    until(lambda: logged(world, "does not let this daemon have the name"), "the refusal")
    assert world.state("cat") == "RUNNING"
    # The next bus may be of another mind.
    world.bus.kill()
    world.bus.policy("")
    world.bus.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()


def test_programs_keep_the_address_they_inherited(world):
    world.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere/of/theirs"
    world.bus.start()
    world.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
    world.wait_state("cat", "RUNNING")
    world.call("supervisor.stopProcess", "cat")
    world.call("supervisor.startProcess", "cat")
    pid = world.info("cat")["pid"]
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    told = [line for line in environment if line.startswith(("DBUS_", "XDG_"))]
    assert told == ["DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere/of/theirs"]
    open_files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert not [name for name in open_files if name.startswith("socket:")]


def test_nothing_is_said_where_nobody_asked(world):
    world.configure(daemon="")
    text = world.conf.read_text().replace(f"bus={world.bus.address}", "bus=none")
    world.conf.write_text(text)
    world.bus.start()
    world.start()
    world.wait_state("cat", "RUNNING")
    with Client(world.bus) as client:
        assert not client.bus("NameHasOwner", "s", NAME)
    assert not logged(world, "D-Bus")


def test_a_word_that_is_no_bus_is_an_error_with_its_place(world):
    text = world.conf.read_text().replace(f"bus={world.bus.address}", "bus=tcp:host=localhost")
    world.conf.write_text(text)
    said = world.run("-n", "-c", str(world.conf))
    assert said.exit == 2 and "bus" in said.stderr and "expected auto, system" in said.stderr
