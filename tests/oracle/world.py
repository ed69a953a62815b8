"""One daemon in a directory of its own, and what a scenario can do to it."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

WAIT_SECONDS_MAX = 60.0
"""How long a fact may take to come true before the scenario fails."""

RUN_SECONDS_MAX = 40.0
"""How long a program that ends by itself may take."""

POLL_SECONDS = 0.03
"""How often a fact that has no event is looked at."""

HERE = Path(__file__).resolve().parent
"""Where the programs are that scenarios run."""

MARK = "ORACLE_WORLD"
"""The environment variable by which a world finds what its programs left behind."""

PREAMBLE = """\
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/daemon.pid
childlogdir=%(here)s/logs
{daemon}
[unix_http_server]
file=%(here)s/s.sock
{unix}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock
{ctl}
"""


@dataclass(frozen=True)
class Programs:
    """The two programs of one implementation."""

    supervisord: Path
    supervisorctl: Path

    @staticmethod
    def beside(supervisord: Path) -> "Programs":
        path = Path(os.path.abspath(supervisord))
        return Programs(path, path.with_name("supervisorctl"))


@dataclass(frozen=True)
class Fault:
    """A fault answer: code and string."""

    code: int
    string: str


@dataclass(frozen=True)
class Output:
    """What a program that ran to its end said."""

    exit: int
    stdout: str
    stderr: str = ""


class Late(Exception):
    """A fact that did not come true in time."""


class World:
    """A daemon, its directory, its configuration and what was observed of it."""

    def __init__(self, programs: Programs, name: str):
        self.programs = programs
        # Names of one length for both sides, so that files that hold paths have equal sizes.
        self.root = Path(tempfile.mkdtemp(prefix="o", dir="/tmp"))
        self.dir = self.root / name
        (self.dir / "logs").mkdir(parents=True)
        self.dir.chmod(0o755)
        self.root.chmod(0o755)
        self.port = free_port()
        self.observed: list[tuple[str, object]] = []
        self.process: subprocess.Popen | None = None
        self.environment: dict[str, str] = {}
        self._proxy = None

    # --- the configuration ---------------------------------------------------------------

    @property
    def conf(self) -> Path:
        return self.dir / "supervisord.conf"

    def fill(self, text: str) -> str:
        """The text with this world's own facts in place of the @NAMES@."""
        facts = {
            "@DIR@": str(self.dir),
            "@PORT@": str(self.port),
            "@PYTHON@": sys.executable,
            "@EAR@": str(HERE / "ear.py"),
            "@FCGI@": str(HERE / "fcgi.py"),
        }
        for name, value in facts.items():
            text = text.replace(name, value)
        return text

    def configure(self, programs: str, daemon="", unix="", ctl="", whole=False) -> None:
        text = programs if whole else PREAMBLE.format(daemon=daemon, unix=unix, ctl=ctl) + programs
        self.conf.write_text(self.fill(text))

    # --- the daemon ----------------------------------------------------------------------

    def env(self) -> dict[str, str]:
        own = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.dir),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            MARK: str(self.dir),
        }
        return own | {name: self.fill(value) for name, value in self.environment.items()}

    def start(self, *arguments: str) -> None:
        """Starts the daemon in the foreground and waits until it answers."""
        self.spawn(*arguments)
        self.until(self.answers, "the daemon to answer")

    def spawn(self, *arguments: str) -> None:
        """Starts the daemon in the foreground."""
        arguments = [self.fill(a) for a in arguments] or ["-n", "-c", str(self.conf)]
        with open(self.dir / "daemon.out", "ab") as out:
            self.process = subprocess.Popen(
                [self.programs.supervisord, *arguments],
                cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )

    def run(self, *arguments: str) -> Output:
        """Runs the daemon's program for what ends by itself: errors, --version, daemonizing."""
        filled = [self.fill(a) for a in arguments]
        return self.execute([self.programs.supervisord, *filled])

    def ctl(self, *arguments: str, stdin: str = "", conf: bool = True) -> Output:
        """Runs this implementation's supervisorctl to its end."""
        filled = [self.fill(a) for a in arguments]
        head = ["-c", str(self.conf)] if conf else []
        return self.execute([self.programs.supervisorctl, *head, *filled], stdin)

    def execute(self, command: list, stdin: str = "") -> Output:
        done = subprocess.run(
            command, cwd=self.dir, env=self.env(), input=stdin.encode(),
            capture_output=True, timeout=RUN_SECONDS_MAX, check=False,
        )
        decode = lambda data: data.decode("utf-8", "backslashreplace")
        return Output(done.returncode, decode(done.stdout), decode(done.stderr))

    def answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            said = (self.dir / "daemon.out").read_text(errors="replace")
            raise Late(f"the daemon ended with {self.process.returncode}: {said}")
        try:
            return isinstance(self.call("supervisor.getState"), dict)
        except (OSError, http.client.HTTPException):
            return False
        except xmlrpc.client.ProtocolError as error:
            return error.errcode == 401

    def alive(self, pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] != "Z"

    def exit_status(self) -> int:
        """The daemon's exit status, once it ends."""
        try:
            return self.process.wait(WAIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Late("the daemon did not end") from None

    def pid(self) -> int:
        if self.process:
            return self.process.pid
        return int((self.dir / "daemon.pid").read_text())

    # --- talking to it -------------------------------------------------------------------

    def proxy(self):
        if self._proxy is None:
            transport = SupervisorTransport(None, None, f"unix://{self.dir}/s.sock")
            self._proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        return self._proxy

    def call(self, method: str, *arguments):
        """One XML-RPC call over the unix socket: its result or its fault."""
        target = self.proxy()
        for part in method.split("."):
            target = getattr(target, part)
        filled = [self.fill(a) if isinstance(a, str) else a for a in arguments]
        try:
            return target(*filled)
        except xmlrpc.client.Fault as fault:
            return Fault(fault.faultCode, fault.faultString)
        except (OSError, http.client.HTTPException):
            self._proxy = None
            raise

    def info(self, name: str) -> dict:
        got = self.call("supervisor.getProcessInfo", name)
        if isinstance(got, Fault):
            raise Late(f"no process {name}: {got}")
        return got

    def state(self, name: str) -> str:
        return self.info(name)["statename"]

    def wait_state(self, name: str, *states: str) -> None:
        self.until(lambda: self.state(name) in states, f"{name} to be {' or '.join(states)}")
        self.settle()

    def settle(self) -> None:
        """Waits until every child has come to its own program: the reference loses a signal
        that arrives between fork and exec, which is a race and no behaviour to compare."""
        try:
            daemon = os.readlink(f"/proc/{self.pid()}/exe")
            infos = self.call("supervisor.getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError):
            return
        for info in infos if isinstance(infos, list) else []:
            self.until(lambda: not self.forked(info["pid"], daemon), f"{info['name']}'s exec")

    def forked(self, pid: int, daemon: str) -> bool:
        try:
            return pid > 0 and os.readlink(f"/proc/{pid}/exe") == daemon
        except OSError:
            return False

    # --- its files -----------------------------------------------------------------------

    def path(self, name: str) -> Path:
        return self.dir / name

    def text(self, name: str) -> str | None:
        try:
            return (self.dir / name).read_bytes().decode("utf-8", "backslashreplace")
        except FileNotFoundError:
            return None

    def activity(self) -> list[str]:
        return (self.text("main.log") or "").splitlines()

    def said(self) -> str:
        """The last the daemon printed and logged, for a person who looks for a failure."""
        printed = (self.text("daemon.out") or "").splitlines()
        return "\n".join(["printed:", *printed[-15:], "logged:", *self.activity()[-15:]])

    # --- facts ---------------------------------------------------------------------------

    def until(self, fact, what: str) -> None:
        """Waits for a fact that announces itself in no other way than by being true."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not fact():
            if time.monotonic() > deadline:
                raise Late(f"waited in vain for {what}")
            time.sleep(POLL_SECONDS)

    def observe(self, key: str, value) -> None:
        self.observed.append((key, value))

    # --- the end -------------------------------------------------------------------------

    def close(self) -> None:
        """Ends whatever is left of this world, by pid, and removes its directory."""
        for _ in range(3):
            left = self.leftovers()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not left:
                break
        if self.process:
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def leftovers(self) -> list[int]:
        mark = f"{MARK}={self.dir}\0".encode()
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    held = Path(f"/proc/{entry}/environ").read_bytes()
                except OSError:
                    continue
                if mark in held + b"\0":
                    found.append(int(entry))
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
