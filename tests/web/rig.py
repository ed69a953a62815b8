"""A daemon in a directory of its own, and a browser that looks at its page."""

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

WAIT_SECONDS_MAX = 40.0
"""How long a fact may take to come true before the test fails."""

POLL_SECONDS = 0.03
"""How often a fact that has no event is looked at."""

PREAMBLE = """\
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/daemon.pid
childlogdir=%(here)s/logs
[inet_http_server]
port=127.0.0.1:{port}
nodename={name}
{server}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def until(fact, what: str, seconds: float = WAIT_SECONDS_MAX):
    """Waits for a fact that announces itself in no other way than by being true."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(POLL_SECONDS)
    return found


class Daemon:
    """A daemon, its configuration and its programs."""

    def __init__(self, program: Path, directory: Path, name: str = "here"):
        self.program = program
        self.name = name
        # The path that everything is served below.
        self.base = ""
        # Name and password, where it asks for them.
        self.user: tuple[str, str] | None = None
        self.dir = directory
        (directory / "logs").mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None
        self._left: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.base}"

    def configure(self, programs: str, server: str = "") -> None:
        text = PREAMBLE.format(port=self.port, name=self.name, server=server) + programs
        (self.dir / "supervisord.conf").write_text(text.replace("@DIR@", str(self.dir)))

    def start(self) -> None:
        conf = str(self.dir / "supervisord.conf")
        with open(self.dir / "output", "ab") as output:
            self.process = subprocess.Popen(
                [self.program, "-n", "-c", conf], cwd=self.dir, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output,
            )
        until(self._answers, "the daemon's first answer")

    def _answers(self) -> bool:
        said = (self.dir / "output").read_text(errors="replace")
        assert self.process.poll() is None, f"the daemon ended: {said}"
        with contextlib.suppress(OSError):
            with self._open("", timeout=5):
                return True
        return False

    def kill(self) -> None:
        """As a crash would. Its programs stay behind."""
        self._left |= descendants(self.process.pid)
        self.process.kill()
        self.process.wait()

    def sweep(self) -> None:
        """Ends the programs that stayed behind, and what they had started."""
        for pid in self._left:
            if started_in(pid, self.dir):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._left.clear()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self._left |= descendants(self.process.pid)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.sweep()

    # --- what it says ------------------------------------------------------------------

    def _open(self, path: str, timeout: float, body: bytes | None = None):
        headers = {"Content-Type": "application/json"}
        if self.user:
            told = base64.b64encode(":".join(self.user).encode()).decode()
            headers["Authorization"] = f"Basic {told}"
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        return urllib.request.urlopen(request, timeout=timeout)

    def get(self, path: str):
        with self._open(path, 20) as answer:
            return json.load(answer)

    def post(self, path: str, body=None):
        with self._open(path, 60, json.dumps(body or {}).encode()) as answer:
            return json.load(answer)

    def info(self, name: str) -> dict:
        found = [told for told in self.get("program/list?local=true") if told["id"] == name]
        assert found, f"no program {name}"
        return found[0]

    def wait_state(self, name: str, state: str) -> dict:
        def fact():
            told = self.info(name)
            return told if told["statename"] == state else None

        return until(fact, f"{name} to be {state}")


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they did, as far as they are there."""
    found = set()
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                found |= {child} | descendants(child)
    return found


def started_in(pid: int, directory: Path) -> bool:
    """Whether this is a program of the daemon of this directory, and no other's by now."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cwd").resolve() == directory.resolve()
    return False


class Watched:
    """A page, and everything that goes wrong in it."""

    def __init__(self, page, daemon: Daemon):
        self.page = page
        self.daemon = daemon
        self.errors: list[str] = []
        # A browser reports even the answer that a log is empty.
        self.expected: list[str] = ["the server responded with a status of 416"]
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("dialog", self._dialog)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(f"{kind}: {text}")

    def _dialog(self, dialog) -> None:
        self.errors.append(f"a script opened a dialog: {dialog.message}")
        dialog.dismiss()

    def expect(self, *texts: str) -> None:
        """What the browser says of answers that this test makes the daemon give."""
        self.expected.extend(texts)

    def check(self) -> None:
        bad = [said for said in self.errors if not any(text in said for text in self.expected)]
        assert not bad, f"the browser says: {bad}"

    # --- getting about -----------------------------------------------------------------

    def open(self, fragment: str = "") -> "Watched":
        self.page.goto(self.daemon.url + fragment)
        self.page.locator("#live[data-life=live]").wait_for()
        return self

    def row(self, name: str):
        return self.page.locator(f'li.row[data-id="{name}"]')

    def state(self, name: str) -> str:
        return self.row(name).get_attribute("data-state") or ""

    def wait_state(self, name: str, state: str) -> None:
        self.page.locator(f'li.row[data-id="{name}"][data-state="{state}"]').wait_for(
            state="attached", timeout=WAIT_SECONDS_MAX * 1000,
        )

    def act(self, name: str, action: str) -> None:
        """Presses a button of a row."""
        self.row(name).locator(f'.actions [data-act="{action}"]').click()

    def choose(self, action: str) -> None:
        """Presses an item of the menu that is open."""
        self.page.locator(f'.menu [data-act="{action}"]').click()

    def menu(self, action: str) -> None:
        self.page.click("#menu")
        self.choose(action)

    def answer(self, label: str) -> None:
        """Presses a button of the dialog that is open."""
        self.page.locator("dialog[open] .buttons button", has_text=label).click()

    def note(self, name: str, kind: str) -> str:
        note = self.row(name).locator(f".note.{kind}")
        note.wait_for()
        return note.inner_text()

    def run(self, script: str, argument=None):
        return self.page.evaluate(script, argument)

    def until(self, script: str, what: str):
        """Waits until a script says so. The page's policy forbids the browser's own way."""
        return until(lambda: self.page.evaluate(script), what)

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.run("document.documentElement.scrollWidth - innerWidth")
