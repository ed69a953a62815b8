"""The Debian package, built once, and machines of their own to install it on."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from packages.machine import Machine
from systemd.conftest import why_not

HERE = Path(__file__).resolve().parent

REPOSITORY = HERE.parent.parent

TREE = REPOSITORY / "target" / "packages-root"

BUILD_SECONDS_MAX = 280
"""How long the package may take to build: seconds, unless the programs have to be compiled, for
which this is not meant."""


@dataclass(frozen=True)
class Package:
    """What dpkg-buildpackage made."""

    deb: Path
    symbols: Path
    changes: Path
    log: str


@pytest.fixture(scope="session")
def package(request, ours) -> Package:
    """The package, of the programs under test."""
    into = REPOSITORY / "target" / "packages"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    # For the systemd of the container, whatever this machine has.
    environment = os.environ | {"DEB_DESTINATION": str(into), "SYSTEMD_VERSION": "257",
                                "DEB_BUILD_OPTIONS": "nocheck"}
    if request.config.getoption("--ours"):
        environment["BINARIES"] = str(ours.supervisord.parent)
    built = subprocess.run(
        ["dpkg-buildpackage", "--build=binary", "--no-sign", "--build-profiles=pkg.supervisord.rustup",
         "--post-clean", f"--buildinfo-option=-u{into}", f"--buildinfo-file={into}/supervisord.buildinfo",
         f"--changes-option=-u{into}", f"--changes-file={into}/supervisord.changes"],
        cwd=REPOSITORY, env=environment, text=True, check=False, timeout=BUILD_SECONDS_MAX,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert built.returncode == 0, built.stdout
    (deb,) = into.glob("supervisord_*.deb")
    (symbols,) = into.glob("supervisord-dbgsym_*.deb")
    return Package(deb, symbols, into / "supervisord.changes", built.stdout)


@pytest.fixture(scope="session")
def newer(package, tmp_path_factory) -> Path:
    """The same package with a higher version."""
    tree = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "--raw-extract", package.deb, tree / "x"], check=True)
    control = tree / "x" / "DEBIAN" / "control"
    text = control.read_text()
    (version,) = [line for line in text.splitlines() if line.startswith("Version: ")]
    control.write_text(text.replace(version, version + "+newer"))
    deb = tree / "newer.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Znone", tree / "x", deb],
                   check=True, stdout=subprocess.DEVNULL)
    return deb


@pytest.fixture
def machine(package, newer):
    """A booted Debian with nothing of ours and no network, and the packages in /root."""
    reason = why_not()
    if reason:
        pytest.skip(f"no container can be booted here: {reason}")
    if not TREE.exists():
        subprocess.run([HERE / "make-root", TREE], check=True)
    booted = Machine(TREE, None)
    try:
        shutil.copy(package.deb, booted.path("/root/ours.deb"))
        shutil.copy(newer, booted.path("/root/newer.deb"))
        yield booted
    finally:
        booted.close()
