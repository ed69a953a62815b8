"""The one container that the tests share, and the daemon in it, which each test begins afresh."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from systemd.container import HERE, Container, cgroup_mounts

REPOSITORY = HERE.parent.parent

TREE = REPOSITORY / "target" / "systemd-root"

UNITS = ["supervisord.service", "supervisord.socket", "supervisord-inet.socket"]

CONFIG = "/etc/supervisor/supervisord.conf"


@pytest.fixture(scope="session")
def container(ours):
    """A container that is up. Skipped where none can be, with the reason."""
    reason = why_not()
    if reason:
        pytest.skip(f"no container can be booted here: {reason}")
    if not TREE.exists():
        subprocess.run([HERE / "make-root", TREE], check=True)
    booted = Container(TREE, ours.supervisord.parent)
    try:
        yield booted
    finally:
        booted.close()


def why_not() -> str | None:
    """Why no container can be booted on this machine, if so."""
    if os.geteuid() != 0:
        return "this takes root"
    for tool in ("systemd-nspawn", "mmdebstrap", "unshare", "nsenter"):
        if not shutil.which(tool):
            return f"there is no {tool}; tests/install installs it"
    if not cgroup_mounts():
        return "cgroup v2 is not mounted"
    probe = "mount -t tmpfs none /run && mount -t cgroup2 none /sys/fs/cgroup"
    tried = subprocess.run(
        ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork",
         "--propagation", "private", "sh", "-c", probe],
        capture_output=True, text=True, check=False,
    )
    if tried.returncode:
        return f"namespaces and mounts are not allowed: {tried.stderr.strip()}"
    return None


@pytest.fixture
def box(container):
    """The container, with the units and the configuration as installed and nothing running."""
    reset(container)
    return container


def reset(container: Container) -> None:
    """Takes back what a test did to the units and to the configuration."""
    names = [path.name for path in container.path("/run/systemd/system").glob("*.test.*")]
    container.run("systemctl", "kill", "--signal=SIGKILL", "supervisord.service")
    container.run("systemctl", "stop", *UNITS, *names)
    container.path("/etc/supervisor/conf.d").mkdir(exist_ok=True)
    container.path("/var/log/supervisor").mkdir(exist_ok=True)
    for directory in ("/run/systemd/system", "/etc/supervisor/conf.d", "/var/log/supervisor"):
        for left in container.path(directory).iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.copy(REPOSITORY / "systemd" / "supervisord.conf", container.path(CONFIG))
    container.systemctl("daemon-reload")
    container.run("systemctl", "reset-failed", *UNITS, *names)


@pytest.fixture
def programs(box):
    """Writes program sections into a file of conf.d of that name."""
    return lambda text, name="programs": box.write(f"/etc/supervisor/conf.d/{name}.conf", text)


@pytest.fixture
def drop_in(box):
    """Writes a drop-in of a unit and has systemd read it."""

    def write(unit: str, text: str, name: str = "test") -> None:
        box.write(f"/run/systemd/system/{unit}.d/{name}.conf", text)
        box.systemctl("daemon-reload")

    return write


@pytest.fixture
def unit(box):
    """Writes a unit of the test's own, NAME.test.service, and has systemd read it."""

    def write(name: str, text: str) -> str:
        full = f"{name}.test.service"
        box.write(f"/run/systemd/system/{full}", text)
        box.systemctl("daemon-reload")
        return full

    return write
