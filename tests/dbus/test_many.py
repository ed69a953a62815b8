"""A thousand programs, and a caller that floods."""

import statistics
import threading
import time

from jeepney import HeaderFields, MessageType

from dbus.rig import MANAGER, OBJECTS, PROCESS, PROPERTIES, ROOT, Client

SERVED_SECONDS_MAX = 0.05
"""How long others may wait for an answer while one caller floods."""

THOUSAND = """
[program:many]
command=/bin/sleep 100000
process_name=%(process_num)04d
numprocs=1000
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
autostart=false
[program:cat]
command=/bin/cat
startsecs=0
[program:slow]
command=/bin/cat
startsecs=3600
autostart=false
"""


def test_a_thousand_programs(world):
    world.configure(THOUSAND, daemon="")
    world.bus.start()
    world.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
        client.listen()
        objects = client.call(ROOT, OBJECTS, "GetManagedObjects")
        assert len(objects) == 1002 + 3
        assert len(client.manager("ListProcesses")) == 1002
        client.take()
        client.manager("StartGroup", "sb", "many", True)
        signals = client.take()
        started = {body[0] for name, _, body in signals
                   if name == "ProcessStateChanged" and body[2] == "RUNNING"}
        assert len(started) == 1000
        assert client.get(ROOT, MANAGER, "NRunning") == 1001
        running = [body[1]["NRunning"][1] for name, path, body in signals
                   if name == "PropertiesChanged" and path == ROOT and "NRunning" in body[1]]
        assert running[-1] == 1001 and running == sorted(running)
        last = f"{ROOT}/process/many/_30999"
        assert client.get(last, PROCESS, "StateName") == "RUNNING"
        client.manager("StopGroup", "sb", "many", True)
        assert client.get(ROOT, MANAGER, "NRunning") == 1


class Flood(threading.Thread):
    """Sends calls as fast as the bus takes them, and counts what comes back."""

    def __init__(self, bus, calls):
        super().__init__(daemon=True)
        self._client = Client(bus)
        self._calls = calls
        self.answered = 0
        self.refused: set[str] = set()
        self.done = threading.Event()

    def run(self) -> None:
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        for call in self._calls:
            self._client.connection.send(self._client.message(*call))

    def _read(self) -> None:
        while self.answered < len(self._calls):
            reply = self._client.connection.receive(timeout=60)
            if HeaderFields.reply_serial in reply.header.fields:
                self.answered += 1
                if reply.header.message_type == MessageType.error:
                    self.refused.add(reply.header.fields[HeaderFields.error_name])
        self.done.set()

    def close(self) -> None:
        self._client.close()


def test_others_are_served_while_one_floods(world):
    world.configure(THOUSAND, daemon="")
    world.bus.start()
    world.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
    cat = f"{ROOT}/process/cat/cat"
    look = (ROOT, PROPERTIES, "GetAll", "s", MANAGER)
    change = (cat, PROCESS, "SendStdin", "ay", b"x\n")
    flood = Flood(world.bus, [look, change] * 5_000)
    world.call("supervisor.getState")
    flood.start()
    waits = []
    while not flood.done.is_set():
        begun = time.monotonic()
        world.call("supervisor.getState")
        waits.append(time.monotonic() - begun)
        flood.done.wait(0.01)
    print(f"{len(waits)} calls, median {statistics.median(waits):.4f} s, most {max(waits):.4f} s")
    assert flood.answered == 10_000
    assert len(waits) > 20
    # Of a busy machine some moments are its own: nine in ten must be in time.
    assert statistics.quantiles(waits, n=10)[-1] < SERVED_SECONDS_MAX
    flood.close()


def test_calls_that_wait_are_bounded(world):
    world.configure(THOUSAND, daemon="")
    world.bus.start()
    world.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
        # The first waits for an hour, and more of its kind are refused past the limit.
        for _ in range(200):
            call = (f"{ROOT}/process/slow/slow", PROCESS, "Restart", "b", True)
            client.connection.send(client.message(*call))
        refused = 0
        while refused < 200 - 64:
            reply = client.connection.receive(timeout=60)
            fields = reply.header.fields
            name = fields.get(HeaderFields.error_name, "")
            refused += name == "org.freedesktop.DBus.Error.LimitsExceeded"
        # Another caller is not.
        with Client(world.bus) as other:
            assert other.manager("StopProcess", "sb", "cat", True) is True
        assert client.get(ROOT, MANAGER, "StateName") == "RUNNING"
