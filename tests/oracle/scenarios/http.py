"""HTTP: paths, statuses, authentication, logs as they grow."""

import hashlib
import socket
from base64 import b64encode

from oracle.scenario import Differs, Scenario
from oracle.scenarios.lifecycle import program
from oracle.steps import call, ctl, do, http, inet, remove, running, silently, wait_file

CAT = program("cat", "/bin/cat", startsecs=0, stdout_logfile="@DIR@/cat.log")

GET_STATE = "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName><params></params></methodCall>"

INET = "[inet_http_server]\nport=127.0.0.1:@PORT@\n"

SHA = "{SHA}" + hashlib.sha1(b"se:cret").hexdigest()


def basic(words: str) -> dict:
    return {"Authorization": "Basic " + b64encode(words.encode()).decode(), "Content_Type": "text/xml"}


def asked(request, **headers):
    return request("POST", "/RPC2", GET_STATE, **headers)


def follow(target: str, key: str, *steps):
    """Follows a log: each step is what is done, and the text that must then arrive."""

    def act(world):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(world.path("s.sock")))
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = b""
            for doing, text in steps:
                if doing:
                    doing.act(world)
                while text.encode() not in answer:
                    chunk = connection.recv(65536)
                    if not chunk:
                        raise AssertionError(f"the stream ended: {answer!r}")
                    answer += chunk
            head, _, body = answer.partition(b"\r\n\r\n")
            lines = head.decode().lower().split("\r\n")
            return {"status": lines[0].split()[1], "chunked": "transfer-encoding: chunked" in lines,
                    "body": "".join(chunks(body))}

    return do(key, act)


def chunks(body: bytes):
    """The payloads of the chunks that have arrived whole."""
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if len(rest) < length + 2:
            return
        yield rest[:length].decode("utf-8", "backslashreplace")
        body = rest[length + 2:]


say = lambda text: silently("sendProcessStdin", "cat", text)


def statuses(reference, ours):
    """Holds where the two answered so."""
    return lambda theirs, mine: (theirs["status"], mine["status"]) == (reference, ours)


SCENARIOS = [
    Scenario("paths and methods", config=CAT, steps=[
        running("cat"), http("GET", "/nope"), http("GET", "/RPC2"), http("POST", "/nope", "x=1"),
        http("POST", "/RPC2"), http("GET", "/logtail/cat/nope"), http("GET", "/logtail/nope/stdout"),
        http("GET", "/logtail/nope:nope"), http("HEAD", "/RPC2"), http("PUT", "/RPC2", "x"),
    ], differs={
        **{step: Differs("a method that a path does not take is 405", statuses(400, 405))
           for step in ("GET /RPC2 ", "HEAD /RPC2 ", "PUT /RPC2 x")},
        "POST /nope x=1": Differs("a path that leads nowhere is 404", statuses(400, 404)),
    }),
    Scenario("inet beside unix", config=INET + CAT, steps=[
        running("cat"), asked(inet, Content_Type="text/xml"), asked(http, Content_Type="text/xml"),
        ctl("-s http://127.0.0.1:@PORT@ status"), ctl("-s http://127.0.0.1:@PORT@ version"),
    ]),
    Scenario("a password", config=CAT, unix="username=me\npassword=se:cret\n", ctl="username=me\npassword=se:cret\n", steps=[
        asked(http, Content_Type="text/xml"), asked(http, **basic("me:se:cret")), asked(http, **basic("me:wrong")),
        asked(http, **basic("you:se:cret")), asked(http, **basic("me:")), asked(http, Authorization="Bearer x", Content_Type="text/xml"),
        asked(http, Authorization="Basic !!!", Content_Type="text/xml"), http("GET", "/nope"), http("GET", "/logtail/cat"),
        http("GET", "/mainlogtail"), ctl("status"), ctl("-u me -p wrong status"), ctl("-u me -p wrong start cat"),
        ctl("-u you -p se:cret pid"),
    ], differs={f"POST /RPC2 {GET_STATE[:40]} #7": Differs(
        "what is no base64 is no password, not an error of the server",
        lambda reference, ours: (reference["status"], ours["status"]) == (500, 401))},
        activity=None),
    Scenario("a hashed password", config=CAT, unix=f"username=me\npassword={SHA}\n", ctl="username=me\npassword=se:cret\n", steps=[
        asked(http, **basic("me:se:cret")), asked(http, **basic("me:wrong")), asked(http, **basic(f"me:{SHA}")), ctl("status"),
    ]),
    Scenario("a hash in capitals is another", config=CAT, unix=f"username=me\npassword={{SHA}}{SHA[5:].upper()}\n", steps=[
        asked(http, **basic("me:se:cret")),
    ]),
    Scenario("a password over inet", config=INET + "username=me\npassword=x\n" + CAT, steps=[
        running("cat"), asked(inet, Content_Type="text/xml"), asked(inet, **basic("me:x")), asked(http, Content_Type="text/xml"),
        ctl("-s http://127.0.0.1:@PORT@ -u me -p x status"), ctl("-s http://127.0.0.1:@PORT@ status"),
    ]),
    Scenario("following a log", config=CAT, steps=[
        running("cat"), say("before\n"), wait_file("cat.log", "before"),
        follow("/logtail/cat/stdout", "follow", (None, "before\n"), (say("one\n"), "one\n"), (say("two\n"), "two\n")),
        follow("/logtail/cat", "follow again", (None, "two\n"), (say("three\n"), "three\n")),
        follow("/logtail/cat:cat/stdout", "by group", (None, "three\n")),
    ]),
    Scenario("following starts at the last 1,024 bytes", config=CAT, steps=[
        running("cat"), say("0123456789" * 200 + "\n"), wait_file("cat.log", "9\n"),
        follow("/logtail/cat/stdout", "follow", (None, "9\n"), (say("more\n"), "more\n")),
    ]),
    Scenario("following the main log", config=CAT, steps=[
        running("cat"), follow("/mainlogtail", "follow", (None, "success: cat"), (silently("stopProcess", "cat"), "stopped: cat")),
    ], activity=None),
    Scenario("a large answer", config="".join(program(f"p{n}", "/bin/cat", autostart="false") for n in range(60)), steps=[
        do("all of them", lambda w: len(w.call("supervisor.getAllProcessInfo"))), call("getAllConfigInfo"),
    ]),
    Scenario("many calls on one connection", config=CAT, steps=[
        running("cat"), do("fifty", lambda w: [w.call("supervisor.getState")["statename"] for _ in range(50)]),
    ]),
]
