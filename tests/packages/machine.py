"""A booted Debian, and what is done to its packages."""

import hashlib
import os
import stat
from pathlib import Path

from systemd.container import SERVICE, Container, until

CONFIG = "/etc/supervisor/supervisord.conf"

PROGRAMS = "/etc/supervisor/conf.d/programs.conf"

SOCKET = "/run/supervisor.sock"

UNITS = [SERVICE, "supervisord.socket"]

FLEETING = (
    # Made anew at each start, or by the machine at any time.
    "/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp", "/root",
    "/var/log/journal", "/var/lib/systemd", "/var/cache",
    # What dpkg, apt and useradd keep of what they did; looked at by other means.
    "/var/lib/dpkg", "/var/lib/apt", "/var/log/apt", "/var/log/dpkg.log", "/var/log/alternatives.log",
    "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-", "/etc/.pwd.lock",
)
"""What a comparison of trees passes over."""


class Machine(Container):
    """A container in which packages come and go."""

    def apt(self, *arguments: str) -> str:
        """apt-get without anybody to answer a question."""
        return self.do("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", *arguments)

    def install_old(self) -> None:
        """Installs Debian's supervisor, from the archive that the tree has."""
        self.apt("update")
        self.apt("install", "supervisor")

    def dpkg(self, *arguments: str) -> str:
        """dpkg, with nothing at its standard input: a question would fail."""
        return self.do("dpkg", *arguments)

    def tree(self) -> dict[str, str]:
        """Every lasting file: what it is, whose, and a digest of what is in it."""
        root = self.path("/")
        found = {}
        for directory, directories, files in os.walk(root):
            here = directory.removeprefix(str(root)).rstrip("/")
            directories[:] = [name for name in directories if f"{here}/{name}" not in FLEETING]
            for name in [*directories, *files]:
                if f"{here}/{name}" not in FLEETING:
                    found[f"{here}/{name}"] = describe(Path(directory) / name)
        return found

    def groups(self) -> list[str]:
        """The names of all groups."""
        return [line.split(":")[0] for line in self.text("/etc/group").splitlines()]

    def unit_state(self) -> list[str]:
        """Files that deb-systemd-helper keeps of the units of either package."""
        return [str(path) for path in self.path("/var/lib/systemd").rglob("*supervisor*")]

    def states(self, *names: str) -> list[str]:
        """The states of programs, when none of them is on its way to another."""
        return [self.wait_state(name, "RUNNING", "STOPPED", "FATAL", "EXITED")["statename"]
                for name in names]

    def pids(self, *names: str) -> list[int]:
        """The process ids of programs that run."""
        return [self.wait_state(name, "RUNNING")["pid"] for name in names]

    def old_pids(self, *names: str) -> list[int]:
        """The same of a daemon that is active before it answers, as Debian's is."""
        until(lambda: self.run("supervisorctl", "pid").stdout.strip().isdigit(), "it to answer")
        return self.pids(*names)

    def is_enabled(self, *units: str) -> list[str]:
        """What systemctl is-enabled says of each."""
        return self.run("systemctl", "is-enabled", *units).stdout.split()

    def is_active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", "--quiet", unit).returncode == 0

    def boot_again(self) -> None:
        """What a boot does with the units: nothing runs, and then what is wanted is started."""
        self.do("systemctl", "stop", *UNITS)
        self.do("systemctl", "daemon-reload")
        # Both are reached already; starting them starts what they want.
        self.do("systemctl", "start", "sockets.target", "multi-user.target")

    def gone(self, pid: int) -> None:
        """Waits until there is no such process."""
        until(lambda: not self.path(f"/proc/{pid}").exists(), f"process {pid} to end")


def describe(path: Path) -> str:
    """What a file is, but for its times."""
    meta = path.lstat()
    text = f"{stat.filemode(meta.st_mode)} {meta.st_uid}:{meta.st_gid}"
    if path.is_symlink():
        return f"{text} -> {path.readlink()}"
    if path.is_file():
        return f"{text} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return text
