"""The unit files themselves: what systemd's own tools say of them, and how they are installed."""

import os
import re
import subprocess

import pytest

from systemd.conftest import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "systemd.md"

INSTALLED = "/usr/lib/systemd/system"

EXAMPLES = {
    "supervisord.service": ["hardening", "credentials"],
    "supervisord.socket": ["group"],
}


# There are no manuals in the container, nor a man(1) that would find them: --man=no.
def test_the_units_are_clean(box):
    system = [f"{INSTALLED}/supervisord{kind}"
              for kind in (".service", ".socket", "-inet.socket")]
    user = [f"/usr/lib/systemd/user/supervisord{kind}" for kind in (".service", ".socket")]
    for command in (["verify", *system], ["--user", "verify", *user]):
        done = box.run("env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "--man=no",
                       "--recursive-errors=yes", *command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit,name", [(u, n) for u, names in EXAMPLES.items() for n in names])
def test_the_examples_are_clean(box, drop_in, unit, name):
    text = (REPOSITORY / "systemd" / f"{unit}.d" / f"{name}.conf.example").read_text()
    box.run("systemd-sysusers")
    drop_in(unit, text)
    done = box.run("systemd-analyze", "--man=no", "verify", f"{INSTALLED}/{unit}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_not_known_would_be_told(box, drop_in):
    drop_in("supervisord.service", "[Service]\nNoSuchKey=yes\n")
    done = box.run("systemd-analyze", "--man=no", "verify", f"{INSTALLED}/supervisord.service")
    assert "NoSuchKey" in done.stderr


def test_exposure_is_as_documented(box, drop_in):
    def exposure() -> str:
        said = box.do("systemd-analyze", "security", "--no-pager", "supervisord.service")
        return re.search(r"Overall exposure level.*: ([\d.]+)", said)[1]

    figures = [exposure()]
    hardening = REPOSITORY / "systemd" / "supervisord.service.d" / "hardening.conf.example"
    drop_in("supervisord.service", hardening.read_text())
    figures.append(exposure())
    documented = re.findall(r"exposure level \*\*([\d.]+)\*\*", DOCUMENT.read_text())
    assert documented == figures


def test_enabling(box):
    box.systemctl("enable", "--quiet", "supervisord.service")
    try:
        states = [box.run("systemctl", "is-enabled", unit).stdout.strip() for unit in (
            "supervisord.service", "supervisor.service", "supervisord.socket",
            "supervisord-inet.socket")]
        assert states == ["enabled", "alias", "enabled", "disabled"]
        box.systemctl("start", "supervisor.service")
        assert box.systemctl("is-active", "supervisord.service") == "active"
    finally:
        box.systemctl("disable", "--quiet", "supervisord.service", "supervisord.socket")


def test_group_and_directories(box):
    box.do("systemd-sysusers", "/usr/lib/sysusers.d/supervisord.conf")
    assert box.do("getent", "group", "supervisor").startswith("supervisor:")
    box.path("/etc/supervisor/conf.d").rmdir()
    done = box.run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/supervisord.conf")
    assert (done.returncode, done.stderr) == (0, "")
    assert box.path("/etc/supervisor/conf.d").is_dir()

    # Secrets may be in there: who may read it stays as somebody said it.
    box.do("chmod", "0750", "/etc/supervisor/conf.d")
    box.do("chgrp", "adm", "/etc/supervisor/conf.d")
    box.do("systemd-tmpfiles", "--create", "supervisord.conf")
    assert box.do("stat", "--format=%a %G", "/etc/supervisor/conf.d") == "750 adm"


def test_logs_are_whose_they_were(box):
    """Those of another supervisor, and of programs, are there already, some on another disk."""
    box.do("sh", "-c", "mkdir -p /srv/logs/app && echo x >/srv/logs/app/own.log"
           " && chown -R games /srv/logs/app && chown root:adm /srv/logs && chmod 2750 /srv/logs"
           " && rmdir /var/log/supervisor && ln -s /srv/logs /var/log/supervisor")
    try:
        box.systemctl("start", "supervisord.service")
        said = box.do("stat", "--format=%a %U:%G", "/srv/logs", "/srv/logs/app/own.log").splitlines()
        assert said == ["2750 root:adm", "644 games:root"]
        assert box.path("/srv/logs/supervisord.log").exists()
    finally:
        box.systemctl("stop", "supervisord.socket", "supervisord.service")
        box.do("sh", "-c", "rm /var/log/supervisor && mkdir /var/log/supervisor && rm -r /srv/logs")


def test_an_administrators_files_are_left_alone(tmp_path):
    def install(**environment):
        subprocess.run([REPOSITORY / "systemd" / "install"], check=True, env=os.environ | {
            "DESTDIR": str(tmp_path), "BINARIES": "none"} | environment)

    install()
    changed = [tmp_path / "etc/supervisor/supervisord.conf", tmp_path / "etc/default/supervisord"]
    for file in changed:
        file.write_text("mine")
    unit = tmp_path / "usr/lib/systemd/system/supervisord.service"
    unit.write_text("old")
    install()
    assert [file.read_text() for file in changed] == ["mine", "mine"]
    assert unit.read_text() == (REPOSITORY / "systemd" / "supervisord.service").read_text()
    drop_ins = tmp_path / "usr/lib/systemd/system/supervisord.service.d"
    assert not drop_ins.exists()
    install(SYSTEMD_VERSION="252")
    assert [path.name for path in drop_ins.iterdir()] == ["before-253.conf"]
