"""Passwords from the service's credentials."""

import pytest

from systemd.conftest import REPOSITORY
from systemd.container import SERVICE, sleeper

PASSWORD = "correct horse battery staple"

SECTION = """
[inet_http_server]
port=127.0.0.1:9001
username=operator
password_credential=inet-password
"""


@pytest.fixture
def credential(box, drop_in):
    """The drop-in of the example, and the file it names."""
    example = REPOSITORY / "systemd" / f"{SERVICE}.d" / "credentials.conf.example"
    box.write("/etc/supervisor/inet-password", PASSWORD + "\n")
    box.path("/etc/supervisor/inet-password").chmod(0o600)
    drop_in(SERVICE, example.read_text())


def ctl(box, password: str):
    return box.run("supervisorctl", "-s", "http://127.0.0.1:9001", "-u", "operator",
                   "-p", password, "version")


def test_the_example(box, programs, credential):
    programs(SECTION)
    box.systemctl("start", SERVICE)
    assert ctl(box, PASSWORD).returncode == 0
    assert ctl(box, PASSWORD + "r").returncode != 0
    assert ctl(box, "").returncode != 0


def test_nothing_tells_it(box, programs, credential):
    programs(SECTION + sleeper("one") + "user=ordinary\n")
    box.systemctl("start", SERVICE)
    program, daemon = box.info("one")["pid"], box.main_pid()
    for pid in (program, daemon):
        for file in ("environ", "cmdline"):
            assert PASSWORD not in box.text(f"/proc/{pid}/{file}")
    assert PASSWORD not in box.text("/var/log/supervisor/supervisord.log")
    read = box.run("nsenter", f"--target={program}", "--mount", "--setuid=1000", "--setgid=1000",
                   "cat", f"/run/credentials/{SERVICE}/inet-password")
    assert (read.returncode, "Permission denied" in read.stderr) == (1, True)


def test_one_that_is_missing(box, programs, drop_in):
    drop_in(SERVICE, "[Service]\nRestart=no\n", "once")
    programs(SECTION)
    assert box.run("systemctl", "start", SERVICE).returncode != 0
    text = box.show(SERVICE, "StatusText")["StatusText"]
    assert "inet-password" in text and "LoadCredential" in text
