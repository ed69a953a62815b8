"""/events, as a browser reads it."""

import http.client
import json

CHANGES = "types=process_state"


class Reader:
    """A connection to /events."""

    def __init__(self, world, query="", last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=60)
        headers = {} if last is None else {"Last-Event-ID": last}
        self.connection.request("GET", f"/events?{query}", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.getheader("Content-Type") == "text/event-stream"
        assert self.line() == "retry: 2000" and self.line() == ""

    def line(self):
        line = self.response.readline().decode()
        assert line, "cut off"
        return line.rstrip("\n")

    def next(self):
        told = {}
        while line := self.line():
            key, value = line.split(": ", 1)
            told[key] = value
        return told["event"], told.get("id"), json.loads(told["data"])

    def close(self):
        self.response.close()
        self.connection.close()


def test_what_changes_is_told_to_all_and_a_reader_goes_on_where_it_was(world):
    first, second = Reader(world, "snapshot=true"), Reader(world, CHANGES)
    kind, serial, snapshot = first.next()
    assert (kind, serial) == ("snapshot", None)
    assert snapshot["supervisor"]["pid"] == world.pid()
    states = {process["id"]: process["statename"] for process in snapshot["processes"]}
    assert states["cat"] == states["pair:pair_1"] == "RUNNING" and states["off"] == "STOPPED"

    world.proxy().supervisor.stopProcess("cat")
    passages = [second.next()]
    # What is quick may be told as one.
    while passages[-1][2]["to"] != "STOPPED":
        passages.append(second.next())
    _, last, told = passages[-1]
    assert passages[0][2]["from"] == "RUNNING"
    assert told["process"]["reason"] == "stopped by request"
    states = [state for _, state in told["process"]["history"]]
    assert states[-3:] == ["RUNNING", "STOPPING", "STOPPED"]
    seen = []
    while not seen or seen[-1] != last:
        kind, serial, _ = first.next()
        if kind == "process_state":
            seen.append(serial)
    assert seen == [serial for _, serial, _ in passages]
    first.close()
    second.close()

    # Nobody reads; what happens may be told as one, and comes after what was missed.
    world.proxy().supervisor.startProcess("off")
    before = str(int(last) - 1)
    again = Reader(world, f"{CHANGES}&snapshot=true", last=before)
    kind, serial, told = again.next()
    assert (serial, told["process"]["id"], told["to"]) == (last, "cat", "STOPPED")
    _, serial, told = again.next()
    assert (int(serial), told["process"]["id"]) == (int(last) + 1, "off")
    assert told["from"] == "STOPPED"
    assert told["to"] in ("STARTING", "RUNNING")
    again.close()


def test_a_reload_is_told_with_what_it_changed(world):
    reader = Reader(world, "types=reload,process_added,process_removed")
    conf = world.conf.read_text().replace("[program:off]", "[program:on]")
    world.conf.write_text(conf)
    world.proxy().supervisor.update()
    told = [reader.next() for _ in range(4)]
    assert told[0][0] == "reload" and told[0][2]["active"] is True
    ids = {kind: data.get("id") or data["process"]["id"] for kind, _, data in told[1:3]}
    assert ids == {"process_added": "on", "process_removed": "off"}
    assert told[3][0] == "reload" and told[3][2]["active"] is False


def test_usage_is_told_with_the_sign_of_life(world):
    reader = Reader(world, "types=tick")
    _, _, tick = reader.next()
    assert tick["node"]["mem_total"] > tick["node"]["mem_used"] > 0
    percent, memory = tick["usage"]["cat"]
    assert percent >= 0 and memory > 4096
    assert "off" not in tick["usage"]


def test_the_end_of_the_daemon_ends_the_stream(world):
    reader = Reader(world, "types=supervisor_state")
    world.proxy().supervisor.shutdown()
    _, _, told = reader.next()
    assert (told["from"], told["to"]) == ("RUNNING", "SHUTDOWN")
    assert reader.response.read() == b""
