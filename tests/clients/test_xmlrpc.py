"""The standard library's ServerProxy over TCP and Supervisor's own transport over the socket."""

import http.client
import socket
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor

import pytest
from supervisor.xmlrpc import SupervisorTransport


def over_inet(world):
    return xmlrpc.client.ServerProxy(f"http://127.0.0.1:{world.port}/RPC2")


def over_unix(world):
    transport = SupervisorTransport(None, None, f"unix://{world.dir}/s.sock")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


@pytest.fixture(params=[over_inet, over_unix], ids=["inet", "unix"])
def proxy(request, world):
    return request.param(world)


def test_state_and_identity(world, proxy):
    assert proxy.supervisor.getState() == {"statecode": 1, "statename": "RUNNING"}
    assert proxy.supervisor.getPID() == world.pid()
    assert proxy.supervisor.getAPIVersion() == "3.0"
    assert "supervisor.startProcess" in proxy.system.listMethods()


def test_processes(proxy):
    names = [f"{info['group']}:{info['name']}" for info in proxy.supervisor.getAllProcessInfo()]
    assert names == ["cat:cat", "off:off", "pair:pair_0", "pair:pair_1"]
    assert proxy.supervisor.stopProcess("cat") is True
    assert proxy.supervisor.getProcessInfo("cat")["statename"] == "STOPPED"
    assert proxy.supervisor.startProcess("cat") is True


def test_a_fault(proxy):
    with pytest.raises(xmlrpc.client.Fault) as caught:
        proxy.supervisor.startProcess("nope")
    assert (caught.value.faultCode, caught.value.faultString) == (10, "BAD_NAME: nope")


def test_multicall(proxy):
    # Supervisor answers bare values, not arrays of one, so the standard MultiCall is no client.
    answers = proxy.system.multicall([
        {"methodName": "supervisor.getIdentification", "params": []},
        {"methodName": "supervisor.getProcessInfo", "params": ["nope"]},
    ])
    assert answers[0] == "supervisor"
    assert answers[1]["faultCode"] == 10


def test_text_of_every_plane(world, proxy):
    text = "h\u00e9llo \u4e16\u754c \U0001f600 <&>]]>\n"
    proxy.supervisor.sendProcessStdin("cat", text)
    world.until(lambda: world.text("cat.log") == text, "the echo")
    assert proxy.supervisor.readProcessStdoutLog("cat", 0, 0) == text
    data, offset, overflow = proxy.supervisor.tailProcessStdoutLog("cat", 0, 1000)
    assert (data, offset, overflow) == (text, len(text.encode()), False)


def test_many_calls_on_one_connection(proxy):
    assert all(proxy.supervisor.getState()["statecode"] == 1 for _ in range(200))


def test_many_clients_at_once(world):
    def ask(number):
        make = over_inet if number % 2 else over_unix
        return [make(world).supervisor.getProcessInfo("cat")["statename"] for _ in range(5)]

    with ThreadPoolExecutor(32) as pool:
        assert {state for states in pool.map(ask, range(64)) for state in states} == {"RUNNING"}


def test_a_client_that_leaves_in_the_middle(world):
    for part in (b"POST /RPC2 HTTP/1.1\r\nContent-Le", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n<?xml"):
        with socket.create_connection(("127.0.0.1", world.port)) as connection:
            connection.sendall(part)
    assert over_inet(world).supervisor.getState()["statecode"] == 1


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_plain_requests_of_either_version(world, version):
    body = b"<methodCall><methodName>supervisor.getState</methodName><params/></methodCall>"
    with socket.create_connection(("127.0.0.1", world.port)) as connection:
        head = (f"POST /RPC2 HTTP/{version}\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n")
        connection.sendall(head.encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
        (state,), _ = xmlrpc.client.loads(answer.read())
        assert state["statename"] == "RUNNING"
