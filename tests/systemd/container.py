"""A machine of its own: a container in which a real systemd is init."""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

HERE = Path(__file__).resolve().parent

BOOT_SECONDS_MAX = 120.0
"""How long the container may take to come up; a few seconds on a machine with nothing else to do."""

WAIT_SECONDS_MAX = 60.0
"""How long a fact may take to come true before the test fails."""

RUN_SECONDS_MAX = 120.0
"""How long a command in the container may take."""

POLL_SECONDS = 0.05
"""How often a fact that has no event is looked at."""

SERVICE = "supervisord.service"

NAMESPACES = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]

PR_SET_PDEATHSIG = 1


class Unbootable(Exception):
    """The container did not come up; with what it said."""


class Container:
    """A booted container. Nothing of it is left when it is closed. Without binaries there is nothing
    of ours in it."""

    def __init__(self, tree: Path, binaries: Path | None):
        self.directory = Path(tempfile.mkdtemp(prefix="supervisord-systemd-"))
        self.name = f"supervisord-{os.getpid()}"
        self.leader = 0
        self._said = self.directory / "console"
        notify = self.directory / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, open(self._said, "wb") as log:
            ready.bind(str(notify))
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private",
                 HERE / "boot", tree, self.name],
                env=os.environ | {"NOTIFY_SOCKET": str(notify), "BINARIES": str(binaries or "")},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent,
            )
            try:
                self._await_boot(ready)
            except BaseException:
                self.close()
                raise

    def _await_boot(self, ready: socket.socket) -> None:
        deadline = time.monotonic() + BOOT_SECONDS_MAX
        ended = os.pidfd_open(self._nspawn.pid)
        try:
            while True:
                left = deadline - time.monotonic()
                readable, _, _ = select.select([ready, ended], [], [], max(left, 0))
                if ready in readable:
                    told = dict(line.split("=", 1) for line in ready.recv(65536).decode().splitlines())
                    self.leader = int(told.get("X_NSPAWN_LEADER_PID", self.leader))
                    if told.get("READY") == "1":
                        self._make_cgroup()
                        return
                elif ended in readable:
                    raise Unbootable(f"it ended with {self._nspawn.wait()}: {self.console()}")
                else:
                    raise Unbootable(f"not up after {BOOT_SECONDS_MAX:.0f} s: {self.console()}")
        finally:
            os.close(ended)

    def _make_cgroup(self) -> None:
        lines = Path(f"/proc/{self.leader}/cgroup").read_text().splitlines()
        init = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        self.cgroup = cgroup_mounts()[0] / Path(init).parent / "rig"
        self.cgroup.mkdir()

    def console(self) -> str:
        """The last that was said on the container's console, and by what makes it."""
        return "\n".join(self._said.read_text(errors="replace").splitlines()[-40:])

    def close(self) -> None:
        """Ends everything in the container at once and forgets it."""
        if self.leader:
            # With its init a pid namespace ends.
            kill(self.leader)
        else:
            kill(self._nspawn.pid)
        self._nspawn.wait()
        self._remove_cgroups()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _remove_cgroups(self) -> None:
        for mount in cgroup_mounts():
            for own in mount.glob(f"**/{self.name}"):
                # Sub-groups first. The kernel lets go of an ended process a moment after it ended.
                groups = sorted((path for path in own.rglob("*") if path.is_dir()), reverse=True)
                for group in [*groups, own]:
                    until(lambda: removed(group), f"{group} to be empty")
            return

    # --- its files and processes ---------------------------------------------------------------

    def path(self, path: str) -> Path:
        """Where a file of the container is found from here, symbolic links of its own aside."""
        return Path(f"/proc/{self.leader}/root") / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """Writes a file, with the directories that lead to it."""
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def text(self, path: str) -> str:
        """What is in a file; nothing if there is none."""
        try:
            return self.path(path).read_text(errors="backslashreplace")
        except FileNotFoundError:
            return ""

    # --- commands ------------------------------------------------------------------------------

    def entered(self, *command: str) -> list[str]:
        """The command line by which a command runs in the container, as its root."""
        # First into a cgroup of the container: its systemd takes nobody seriously who is in none.
        join = f'echo $$ >"{self.cgroup}/cgroup.procs" && exec "$@"'
        return ["sh", "-c", join, "sh",
                "nsenter", "--target", str(self.leader), *NAMESPACES, "--root", "--",
                "/usr/bin/env", "--ignore-environment",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8",
                "HOME=/root", "SYSTEMD_PAGER=", *command]

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess:
        """Runs a command as root, whatever comes of it."""
        return subprocess.run(
            self.entered(*command), input=stdin, text=True, capture_output=True,
            timeout=RUN_SECONDS_MAX, check=False,
        )

    def do(self, *command: str, stdin: str = "") -> str:
        """Runs a command as root that must succeed. Returns what it printed."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def run_as(self, user: str, *command: str) -> subprocess.CompletedProcess:
        """Runs a command as an ordinary user who is not logged in, as a service of theirs."""
        return self.run("systemd-run", "--quiet", "--pipe", "--wait", "--collect",
                        f"--uid={user}", "--", *command)

    def start(self, *command: str) -> subprocess.Popen:
        """Starts a command as root that goes on; the caller ends it."""
        return subprocess.Popen(
            self.entered(*command), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    # --- its systemd ---------------------------------------------------------------------------

    def show(self, unit: str, *properties: str, user: bool = False) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.systemctl("show", f"--property={','.join(properties)}", unit, user=user)
        return dict(line.split("=", 1) for line in lines.splitlines())

    def systemctl(self, *arguments: str, user: bool = False) -> str:
        """systemctl that must succeed; of the ordinary user's own manager if asked for."""
        of = ["--user", "--machine=ordinary@.host"] if user else []
        return self.do("systemctl", *of, *arguments)

    def journal(self, *matches: str) -> list[dict]:
        """The journal's entries that match, oldest first."""
        self.do("journalctl", "--sync")
        lines = self.do("journalctl", "--output=json", "--all", "--quiet", *matches)
        return [json.loads(line) for line in lines.splitlines()]

    def processes(self, cgroup: str) -> list[int]:
        """The container's ids of the processes below a cgroup."""
        found = []
        listing = self.run("find", f"/sys/fs/cgroup{cgroup}", "-name", "cgroup.procs",
                           "-exec", "cat", "{}", "+")
        for line in listing.stdout.splitlines():
            found.append(int(line))
        return found

    def main_pid(self, user: bool = False) -> int:
        """The daemon's process id in the container; 0 if there is no daemon."""
        return int(self.show(SERVICE, "MainPID", user=user)["MainPID"])

    # --- the daemon ----------------------------------------------------------------------------

    def ctl(self, *arguments: str) -> str:
        """Our supervisorctl, which must succeed."""
        return self.do("supervisorctl", *arguments)

    def rpc(self, path: str = "/run/supervisor.sock") -> xmlrpc.client.ServerProxy:
        """Supervisor's own client on a unix socket of the container."""
        transport = SupervisorTransport(None, None, f"unix://{self.path(path)}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def info(self, name: str, path: str = "/run/supervisor.sock") -> dict:
        """What the daemon says of a process."""
        return self.rpc(path).supervisor.getProcessInfo(name)

    def wait_state(self, name: str, *states: str, path: str = "/run/supervisor.sock") -> dict:
        """Waits until a process is in one of the states."""
        until(lambda: self.info(name, path)["statename"] in states, f"{name} to be {states}")
        return self.info(name, path)


def sleeper(name: str, seconds: int = 1000) -> str:
    """The section of a program that does nothing, for a long time."""
    return f"""
[program:{name}]
command=/bin/sleep {seconds}
startsecs=0
"""


def until(fact, what: str):
    """Waits for a fact that announces itself in no other way than by being true."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(POLL_SECONDS)
    return found


def cgroup_mounts() -> list[Path]:
    """Where cgroup v2 is mounted on this machine."""
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        if kind.split()[0] == "cgroup2":
            mounts.append(Path(place.split()[4]))
    return mounts


def removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_with_parent() -> None:
    """nspawn ends its container when it is told to end: also if these tests are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
