"""The machine, its processes' counters, and daemons to measure."""

import os
import resource
import shutil
import signal
import subprocess
import time
import xmlrpc.client
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

WAIT_SECONDS_MAX = 180.0
"""How long anything awaited may take before the figure is given up."""

CONF = """\
[supervisord]
logfile={dir}/main.log
pidfile={dir}/daemon.pid
childlogdir={dir}/logs
[unix_http_server]
file={dir}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


@dataclass
class Daemon:
    """A running daemon and its directory."""

    dir: Path
    process: subprocess.Popen
    began: int

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def socket(self) -> str:
        return f"{self.dir}/s.sock"

    def proxy(self):
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def rpc(self):
        return self.proxy().supervisor

    def answers(self) -> bool:
        if self.process.poll() is not None:
            said = (self.dir / "daemon.out").read_text(errors="replace")
            raise RuntimeError(f"cannot measure a daemon that ended: {said[-2000:]}")
        try:
            return self.rpc().getState()["statename"] == "RUNNING"
        except OSError:
            return False


def conf(directory: Path, programs: str) -> Path:
    """Writes a configuration file into a fresh directory."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "logs").mkdir(parents=True)
    path = directory / "supervisord.conf"
    path.write_text(CONF.format(dir=directory) + programs)
    return path


@contextmanager
def daemon(supervisord: Path, directory: Path, programs: str = ""):
    """Runs a daemon with these programs; ends it, and them, afterwards."""
    path = conf(directory, programs)
    with open(directory / "daemon.out", "ab") as out:
        began = time.monotonic_ns()
        process = subprocess.Popen(
            [supervisord, "-n", "-c", path], cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    running = Daemon(directory, process, began)
    try:
        until(running.answers, "the daemon to answer", every=0.02)
        yield running
    finally:
        end(process)
        shutil.rmtree(directory, ignore_errors=True)


def end(process: subprocess.Popen) -> None:
    """Ends a daemon, and by pid the children of one that does not end."""
    children = descendants(process.pid)
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def descendants(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        own = [int(child) for task in tasks for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        return []
    return own


def until(fact, what: str, every: float = 0.005) -> None:
    """Waits until a fact holds."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not fact():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(every)


def pss_megabytes(pid: int) -> float:
    """The memory that is the process's share, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("no Pss in smaps_rollup")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads, in seconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


def context_switches(pid: int) -> int:
    """Voluntary and other context switches of all threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        for line in Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total


def raise_limits() -> None:
    """Lets the daemons open what thousands of programs need. Not by minfds: the reference closes
    that many descriptors in each child, which would be measured too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def description() -> str:
    """The machine's size, in words."""
    model = next((line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "an unknown processor")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Linux {os.uname().release}"
