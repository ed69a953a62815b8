"""The rpm: built from the source tarball without a network, looked at, installed, exchanged with
Fedora's package of Supervisor, erased."""

import filecmp
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from packages.source import ENVIRONMENT, KEPT, PACKAGING, REPOSITORY, is_checkout, packed_tarball, run, uncommitted, version

# The build is one with optimizations over the whole program: minutes.
BUILD_SECONDS_MAX = 2400

pytestmark = [
    pytest.mark.timeout(BUILD_SECONDS_MAX + 300),
    # A second build would not mend the first.
    pytest.mark.flaky(reruns=0),
    pytest.mark.skipif(not is_checkout(), reason="this is no git checkout: there is no tarball of it"),
]

PROGRAMS = ("supervisord", "supervisorctl", "pidproxy", "echo_supervisord_conf")


@dataclass(frozen=True)
class Built:
    rpm: Path
    source: Path
    # Where the programs came out, with all that they were made of.
    target: Path


def build(top: Path, *arguments: str) -> Built:
    # Not the crates that this machine has, either.
    at = ENVIRONMENT | {"CARGO_HOME": str(top / "cargo-home")}
    run(PACKAGING / "rpm/build", packed_tarball(), top, "--without", "unit_tests", *arguments,
        env=at, timeout=BUILD_SECONDS_MAX)  # fmt: skip
    (package,) = top.glob("RPMS/*/supervisord-[0-9]*.rpm")
    (source,) = top.glob("SRPMS/*.rpm")
    return Built(package, source, top / "BUILD" / f"supervisord-{version()}" / "target/package/release")


@pytest.fixture(scope="module")
def built() -> Built:
    top = KEPT / "rpm"
    shutil.rmtree(top, ignore_errors=True)
    return build(top)


# --- the build ---------------------------------------------------------------------------------


def test_the_tarball_gives_the_same_programs_as_the_checkout(built, ours):
    here = REPOSITORY / "target/package/release"
    if ours.supervisord.parent.resolve() != here.resolve():
        pytest.skip(f"the programs under test are not those of packaging/build, in {here}")
    if uncommitted():
        pytest.skip("something is not committed, and the tarball is of the commit")
    for program in PROGRAMS:
        assert filecmp.cmp(here / program, built.target / program, shallow=False), program


def test_what_was_compiled_is_what_the_bill_of_materials_says(built):
    compiled = {path.name.rsplit("-", 1)[0] for path in (built.target / ".fingerprint").iterdir()}
    bill = json.loads(run(PACKAGING / "sbom"))
    told = {c["name"] for c in bill["components"] if c["purl"].startswith("pkg:cargo/")}
    assert compiled == told | {"supervisord"}


def test_the_package_says_what_is_linked_into_it(built):
    bill = json.loads(run(PACKAGING / "sbom"))
    linked = {
        f"bundled(crate({c['name']})) = {c['version']}"
        for c in bill["components"]
        if c["purl"].startswith("pkg:cargo/") and c["scope"] == "required"
    }
    provided = run("rpm", "--query", "--provides", built.rpm).splitlines()
    assert {line for line in provided if line.startswith("bundled(")} == linked
    assert "supervisor = 4.3.0" in provided


def test_a_second_package_has_the_same_bytes(built):
    before = {path: path.read_bytes() for path in (built.rpm, built.source)}
    for path in before:
        path.unlink()
    # Of the tree that is there, in which nothing is left to compile.
    again = build(KEPT / "rpm", "--noprep")
    for path in (again.rpm, again.source):
        assert path.read_bytes() == before[path], f"{path.name} differs"


def test_nothing_in_the_package_names_this_machine(built, tmp_path):
    with subprocess.Popen(["rpm2cpio", built.rpm], stdout=subprocess.PIPE) as files:
        run("cpio", "-id", "--quiet", cwd=tmp_path, stdin=files.stdout, text=False)
    names = [str(REPOSITORY), str(KEPT), os.environ["HOME"] + "/.cargo"]
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [name for name in names if name.encode() in content], path


def test_rpmlint_has_nothing_to_say(built):
    settings = PACKAGING / "rpm/rpmlint.toml"
    done = subprocess.run(
        ["rpmlint", "--config", settings, built.rpm, built.source, PACKAGING / "rpm/supervisord.spec"],
        capture_output=True, text=True,
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if re.search(r": [EW]: ", line)]
    assert done.returncode == 0 and not said, done.stdout + done.stderr


# --- a root to install it into -----------------------------------------------------------------

SYSTEMCTL = """#!/bin/sh
# Does what scripts ask of systemctl, on files; and presets as Fedora does: all is disabled.
echo "$*" >>/log
case "$*" in
    *is-enabled*) [ -e /enabled ] ;;
    *is-active*) [ -e /active ] ;;
    *"disable --now"*) rm -f /enabled /active ;;
    *preset*) rm -f /enabled ;;
    *enable*) : >/enabled ;;
    *start*) : >/active ;;
esac
"""


@pytest.fixture
def root(tmp_path) -> Path:
    """A root with a shell, rm, mkdir, and what stands for systemctl; rpm enters it for scripts."""
    if os.getuid() != 0:
        pytest.skip("rpm enters another root only as root")
    root = tmp_path / "root"
    for program, place in (("/usr/bin/dash", "bin/sh"), ("/usr/bin/rm", "usr/bin/rm"),
                           ("/usr/bin/mkdir", "usr/bin/mkdir")):  # fmt: skip
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, root / place)
        for library in re.findall(r"(/\S+) \(0x", run("ldd", program)):
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / library[1:])
    (root / "usr/bin/systemctl").write_text(SYSTEMCTL)
    (root / "usr/bin/systemctl").chmod(0o755)
    for directory in ("run", "dev", "var/lib/rpm", "var/log"):
        (root / directory).mkdir(parents=True)
    # What scripts redirect to.
    os.mknod(root / "dev/null", 0o20666, os.makedev(1, 3))
    run("rpm", "--root", root, "--initdb")
    return root


def files(root: Path) -> set[str]:
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}
    return {name for name in names if not name.startswith("var/lib/rpm/")}


def asked(root: Path) -> list[str]:
    """What scripts asked of systemctl."""
    return (root / "log").read_text().splitlines()


def test_it_is_installed_verified_and_erased(built, root):
    before = files(root)
    run("rpm", "--root", root, "--install", "--nodeps", built.rpm)
    assert run("rpm", "--root", root, "--verify", "--nodeps", "supervisord") == ""
    assert "preset supervisord.service" in " ".join(asked(root))
    placed = files(root) - before
    assert {
        "usr/bin/supervisord", "usr/bin/supervisorctl", "usr/bin/pidproxy", "usr/bin/echo_supervisord_conf",
        "etc/supervisord.conf", "etc/sysconfig/supervisord", "usr/lib/systemd/system/supervisord.service",
        "usr/lib/systemd/system/supervisor.service", "usr/lib/sysusers.d/supervisord.conf",
        "usr/share/man/man8/supervisord.8.gz", "usr/share/man/man1/supervisorctl.1.gz",
        "usr/share/man/man1/pidproxy.1.gz", "usr/share/man/man1/echo_supervisord_conf.1.gz",
    } <= placed  # fmt: skip
    # Which directory it is depends on the distribution's rpm.
    licences = {name.rsplit("/", 1)[1] for name in placed if name.startswith("usr/share/licenses/supervisord")}
    assert licences == {"LICENSE", "THIRD-PARTY"}
    assert not list(root.glob("run/*"))
    assert oct((root / "var/log/supervisor").stat().st_mode) == "0o40755"
    unit = (root / "usr/lib/systemd/system/supervisord.service").read_text()
    assert "ExecStart=/usr/bin/supervisord -n -c /etc/supervisord.conf\n" in unit
    assert "EnvironmentFile=-/etc/sysconfig/supervisord\n" in unit
    config = (root / "etc/supervisord.conf").read_text()
    assert "files=/etc/supervisord.d/*.ini\n" in config
    assert config.count("/run/supervisor/supervisor.sock") == 2
    socket = (root / "usr/lib/systemd/system/supervisord.socket").read_text()
    assert "ListenStream=/run/supervisor/supervisor.sock\n" in socket

    run("rpm", "--root", root, "--erase", "supervisord")
    assert any("disable --now supervisord.service" in line for line in asked(root))
    assert files(root) - before == {"log"}
    assert not [path for path in root.rglob("*supervis*")]


def test_an_upgrade_restarts_what_runs_and_enables_nothing(built, root):
    run("rpm", "--root", root, "--install", "--nodeps", built.rpm)
    (root / "log").unlink()
    run("rpm", "--root", root, "--upgrade", "--replacepkgs", "--nodeps", built.rpm)
    said = asked(root)
    assert "try-restart supervisord.service" in said
    assert not [line for line in said if "preset" in line or "enable" in line or "disable" in line]


# What Fedora's package has where ours has its own, and its scripts.
SUPERVISOR = """
Name: supervisor
Version: 4.2.5
Release: 1
Summary: Process supervisor
License: BSD
BuildArch: noarch
%description
%{summary}
%install
mkdir -p %{buildroot}/var/log/supervisor %{buildroot}/etc/supervisord.d %{buildroot}/usr/bin %{buildroot}/usr/lib/systemd/system
echo 'as shipped' >%{buildroot}/etc/supervisord.conf
echo 'python' >%{buildroot}/usr/bin/supervisord
echo 'unit' >%{buildroot}/usr/lib/systemd/system/supervisord.service
%preun
if [ $1 -eq 0 ]; then systemctl --no-reload disable --now supervisord.service; fi
%files
%config(noreplace) /etc/supervisord.conf
%dir /etc/supervisord.d
%dir %attr(770, root, root) /var/log/supervisor
/usr/bin/supervisord
/usr/lib/systemd/system/supervisord.service
"""

# As dnf swap does it: both in one transaction.
EXCHANGE = """
import os, sys
import rpm

root, package, erased = sys.argv[1:]
transaction = rpm.TransactionSet(root)
transaction.setVSFlags(-1)
with open(package, "rb") as file:
    header = transaction.hdrFromFdno(file)
transaction.addInstall(header, package, "i")
transaction.addErase(erased)
transaction.order()
opened = {}

def told(reason, amount, total, key, data):
    if reason == rpm.RPMCALLBACK_INST_OPEN_FILE:
        opened[key] = os.open(key, os.O_RDONLY)
        return opened[key]
    if reason == rpm.RPMCALLBACK_INST_CLOSE_FILE:
        os.close(opened.pop(key))

problems = transaction.run(told, "")
sys.exit("".join(map(str, problems)) if problems else 0)
"""


@pytest.fixture
def supervisor(root, tmp_path) -> Path:
    """The root with that package, configured, enabled and running."""
    (tmp_path / "supervisor.spec").write_text(SUPERVISOR)
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}/top", tmp_path / "supervisor.spec")
    (package,) = tmp_path.glob("top/RPMS/noarch/*.rpm")
    run("rpm", "--root", root, "--install", "--nodeps", package)
    (root / "etc/supervisord.conf").write_text("as somebody wrote it\n")
    (root / "etc/supervisord.d/web.ini").write_text("a program\n")
    (root / "enabled").touch()
    (root / "active").touch()
    return root


@pytest.mark.parametrize("was_enabled, was_active", [(True, True), (True, False), (False, False)])
def test_it_takes_the_place_of_supervisor(built, supervisor, was_enabled, was_active):
    root = supervisor
    if not was_enabled:
        (root / "enabled").unlink()
    if not was_active:
        (root / "active").unlink()
    # What an earlier transaction noted that failed.
    for note in ("was-enabled", "was-active"):
        (root / f"run/supervisord.{note}").touch()
    logs = root / "var/log/supervisor"
    os.chown(logs, 0, 4)
    (logs / "supervisord.log").touch()
    run("/usr/bin/python3", "-c", EXCHANGE, root, built.rpm, "supervisor")
    assert run("rpm", "--root", root, "--query", "--all").startswith("supervisord-")
    assert (root / "etc/supervisord.conf").read_text() == "as somebody wrote it\n"
    assert "files=/etc/supervisord.d/*.ini" in (root / "etc/supervisord.conf.rpmnew").read_text()
    assert (root / "etc/supervisord.d/web.ini").read_text() == "a program\n"
    assert (root / "usr/bin/supervisord").stat().st_size > 1_000_000
    assert "ExecStart=" in (root / "usr/lib/systemd/system/supervisord.service").read_text()
    assert (root / "enabled").exists() == was_enabled
    assert (root / "active").exists() == was_active
    assert not list(root.glob("run/*"))
    for _ in ("after it", "after an upgrade"):
        assert (oct(logs.stat().st_mode), logs.stat().st_gid) == ("0o40770", 4)
        assert (logs / "supervisord.log").exists()
        run("rpm", "--root", root, "--upgrade", "--replacepkgs", "--nodeps", built.rpm)


def test_it_does_not_take_that_place_unasked(built, supervisor):
    done = subprocess.run(
        ["rpm", "--root", supervisor, "--upgrade", built.rpm], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "supervisor conflicts with" in done.stderr
    assert (supervisor / "usr/bin/supervisord").read_text() == "python\n"
