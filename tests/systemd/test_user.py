"""systemctl --user: an ordinary user's own daemon."""

import shutil

import pytest

from systemd.conftest import REPOSITORY
from systemd.container import SERVICE, sleeper, until

SOCKET = "/run/user/1000/supervisor.sock"
HOME = "/home/ordinary"
CONFIG = f"{HOME}/.config/supervisor/supervisord.conf"


@pytest.fixture
def user(container):
    """A container in which the user's manager runs, with the configuration that is shipped."""
    container.do("loginctl", "enable-linger", "ordinary")
    container.systemctl("start", "user@1000.service")
    container.write(CONFIG, (REPOSITORY / "systemd/user/supervisord.conf").read_text())
    own(container)
    yield container
    container.systemctl("stop", SERVICE, "supervisord.socket", user=True)
    shutil.rmtree(container.path(f"{HOME}/.config"))


def own(box) -> None:
    box.do("chown", "-R", "ordinary:", f"{HOME}/.config")


@pytest.fixture
def programs(user):
    """Writes program sections into the user's conf.d."""

    def write(text: str) -> None:
        user.write(f"{HOME}/.config/supervisor/conf.d/programs.conf", text)
        own(user)

    return write


def test_start_reload_stop(user, programs):
    programs(sleeper("one"))
    user.systemctl("start", SERVICE, user=True)
    before = user.info("one", SOCKET)
    assert before["statename"] == "RUNNING"
    assert user.do("stat", "--format=%U", f"/proc/{before['pid']}") == "ordinary"
    assert user.path(f"{HOME}/.local/state/log/supervisor").is_dir()
    assert before["stdout_logfile"].startswith(f"{HOME}/.local/state/log/supervisor/")

    programs(sleeper("one") + sleeper("two"))
    user.systemctl("reload", SERVICE, user=True)
    assert user.info("two", SOCKET)["statename"] == "RUNNING"
    assert user.info("one", SOCKET)["pid"] == before["pid"]

    place = user.show(SERVICE, "ControlGroup", user=True)["ControlGroup"]
    assert place.startswith("/user.slice/user-1000.slice/user@1000.service/")
    user.systemctl("stop", SERVICE, user=True)
    assert user.processes(place) == []


def test_socket_activation(user, programs):
    programs(sleeper("one"))
    user.systemctl("start", "supervisord.socket", user=True)
    assert user.show(SERVICE, "ActiveState", user=True)["ActiveState"] == "inactive"
    done = user.run("setpriv", "--reuid=1000", "--regid=1000", "--init-groups", "env",
                    f"HOME={HOME}", "XDG_RUNTIME_DIR=/run/user/1000",
                    "supervisorctl", "-c", CONFIG, "status")
    assert done.stdout.split()[:2] == ["one", "RUNNING"], done
    assert user.show(SERVICE, "ActiveState", user=True)["ActiveState"] == "active"


def test_who_has_no_programs_has_no_daemon(user):
    user.path(CONFIG).unlink()
    user.systemctl("start", SERVICE, user=True)
    shown = user.show(SERVICE, "ActiveState", "ConditionResult", user=True)
    assert shown == {"ActiveState": "inactive", "ConditionResult": "no"}


def test_its_journal(user, programs):
    programs(sleeper("one"))
    user.systemctl("start", SERVICE, user=True)
    line = f"spawned: 'one' with pid {user.info('one', SOCKET)['pid']}"

    def entry():
        entries = user.journal(f"_SYSTEMD_USER_UNIT={SERVICE}", "_UID=1000")
        return next((e for e in entries if line in e["MESSAGE"]), None)

    assert until(entry, "the line")["SYSLOG_IDENTIFIER"] == "supervisord"
