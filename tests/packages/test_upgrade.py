"""Taking the place of Debian's supervisor, and giving it back: what stays, what runs, what is left."""

import shutil
import subprocess

from packages.conftest import REPOSITORY
from packages.machine import CONFIG, PROGRAMS, SOCKET, UNITS
from systemd.container import SERVICE, sleeper, until

TWO = sleeper("one") + sleeper("two")


def old_with_programs(machine, config=lambda text: text) -> bytes:
    """Debian's supervisor with two programs. Returns what its configuration is then."""
    machine.install_old()
    text = machine.text(CONFIG)
    changed = config(text)
    if changed != text:
        machine.write(CONFIG, changed)
    machine.write(PROGRAMS, TWO)
    machine.do("systemctl", "restart", "supervisor.service")
    return machine.path(CONFIG).read_bytes()


def dependent(machine, tmp_path) -> str:
    """A package that depends on supervisor. Returns where it is."""
    control = tmp_path / "dependent" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: dependent\nVersion: 1\nArchitecture: all\n"
                       "Maintainer: nobody <nobody@supervisord.invalid>\n"
                       "Depends: supervisor (>= 4)\nDescription: a test\n")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tmp_path / "dependent",
                    machine.path("/root/dependent.deb")], check=True, stdout=subprocess.DEVNULL)
    return "/root/dependent.deb"


def test_from_debians_and_on(machine, tmp_path):
    """The whole life: over Debian's, its purge, an upgrade, removal, again, purge."""
    machine.apt("update")
    before = machine.tree()
    groups = machine.groups()
    config = old_with_programs(machine, lambda text: text + "; the administrator was here\n")
    old = machine.old_pids("one", "two")
    machine.dpkg("--install", dependent(machine, tmp_path))

    machine.dpkg("--install", "/root/ours.deb")
    for pid in old:
        machine.gone(pid)
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.states("one", "two") == ["RUNNING", "RUNNING"]
    assert machine.ctl("status").count("RUNNING") == 2
    assert machine.is_enabled(*UNITS) == ["enabled", "enabled"]
    assert machine.show(SERVICE, "TriggeredBy")["TriggeredBy"] == "supervisord.socket"
    inode = machine.path(SOCKET).stat().st_ino

    daemon = machine.main_pid()
    machine.do("systemctl", "restart", "supervisor")
    assert machine.main_pid() != daemon
    assert machine.ctl("status").count("RUNNING") == 2
    assert machine.path(SOCKET).stat().st_ino == inode, "the socket is the unit's, not the daemon's"
    machine.boot_again()
    assert machine.is_active(SERVICE)
    assert machine.states("one", "two") == ["RUNNING", "RUNNING"]

    keeps_all(machine, lambda: machine.apt("purge", "supervisor"))
    assert machine.run("dpkg-query", "--status", "supervisor").returncode != 0, "it is gone"
    machine.do("systemctl", "daemon-reload")
    machine.boot_again()
    assert machine.is_active(SERVICE)

    running, inode = machine.pids("one", "two"), machine.path(SOCKET).stat().st_ino
    machine.dpkg("--install", "/root/newer.deb")
    assert machine.path(CONFIG).read_bytes() == config
    for pid in running:
        machine.gone(pid)
    running = machine.pids("one", "two")
    assert machine.path(SOCKET).stat().st_ino == inode, "the socket outlives an upgrade"

    machine.dpkg("--purge", "dependent")
    machine.dpkg("--remove", "supervisord")
    for pid in running:
        machine.gone(pid)
    assert not machine.path(SOCKET).exists()
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.do("dpkg-divert", "--list", "supervisord") == ""

    machine.dpkg("--install", "/root/newer.deb")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.states("one", "two") == ["RUNNING", "RUNNING"]
    assert machine.is_enabled(*UNITS) == ["enabled", "enabled"]

    # What the administrator wrote is theirs to remove.
    machine.path(PROGRAMS).unlink()
    machine.dpkg("--purge", "supervisord")
    assert machine.tree() == before
    assert [group for group in machine.groups() if group not in groups] == ["supervisor"]
    nothing_runs(machine)


def keeps_all(machine, change) -> None:
    """Does something that must neither touch files of ours nor the daemon, its programs, its units."""

    def ours():
        places = ("/etc/supervisor", "/var/log/supervisor", "/etc/default/supervisord",
                  "/usr/bin/superv", "/usr/lib/systemd/system/superv")
        files = {path: of for path, of in machine.tree().items() if path.startswith(places)}
        return [files, machine.main_pid(), machine.pids("one", "two"), machine.is_enabled(*UNITS),
                machine.is_active("supervisord.socket"), machine.path(SOCKET).stat().st_ino]

    before = ours()
    assert CONFIG in before[0] and PROGRAMS in before[0] and len(before[0]) > 10
    change()
    assert ours() == before


def nothing_runs(machine) -> None:
    """No unit, no process, no socket, no state of ours."""
    units = machine.do("systemctl", "list-units", "--all", "--plain", "--no-legend", "superv*")
    assert units == ""
    assert machine.run("pgrep", "--full", "supervisord").stdout == ""
    for left in ("supervisor.sock", "supervisord.pid", "supervisor"):
        assert not machine.path(f"/run/{left}").exists(), left
    assert machine.unit_state() == []
    assert machine.do("dpkg-divert", "--list", "supervisord") == ""


def test_a_fresh_installation(machine):
    machine.apt("update")
    before = machine.tree()
    machine.apt("install", "/root/ours.deb")
    assert machine.is_active(SERVICE)
    assert machine.is_enabled(*UNITS, "supervisord-inet.socket") == ["enabled", "enabled", "disabled"]
    assert machine.path(CONFIG).read_bytes() == (REPOSITORY / "systemd/supervisord.conf").read_bytes()
    assert machine.do("stat", "--format=%a %U:%G", CONFIG) == "644 root:root"
    assert machine.do("stat", "--format=%a %U %F", SOCKET) == "700 root socket"
    until(lambda: "org.supervisord.Supervisor1" in machine.do("busctl", "list"), "its name on the bus")

    # An administrator's changes outlive upgrades, and nobody is asked.
    machine.write(CONFIG, machine.text(CONFIG) + "\n; changed\n")
    machine.write("/etc/default/supervisord", "WORD=kept\n")
    machine.do("systemctl", "disable", SERVICE)
    config = machine.text(CONFIG)
    machine.apt("install", "/root/newer.deb")
    assert machine.text(CONFIG) == config
    assert machine.text("/etc/default/supervisord") == "WORD=kept\n"
    assert machine.is_enabled(SERVICE) == ["disabled"]

    machine.apt("purge", "supervisord")
    assert machine.tree() == before
    nothing_runs(machine)


def test_a_configuration_with_a_socket_of_its_own(machine):
    """What the socket unit would make otherwise stays as it was said."""

    def elsewhere(text):
        text = text.replace("/var/run/supervisor.sock", "/run/fleet.sock")
        return text.replace("chmod=0700", "chmod=0770\nchown=root:adm")

    config = old_with_programs(machine, elsewhere)
    assert b"/run/fleet.sock" in config and b"adm" in config
    machine.apt("install", "/root/ours.deb")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.is_enabled(*UNITS) == ["enabled", "disabled"]
    assert machine.do("stat", "--format=%a %U:%G", "/run/fleet.sock") == "770 root:adm"
    assert not machine.path(SOCKET).exists()
    assert machine.ctl("status").count("RUNNING") == 2
    machine.apt("install", "/root/newer.deb")
    assert machine.is_enabled(*UNITS) == ["enabled", "disabled"], "an upgrade does not enable it"
    assert machine.ctl("status").count("RUNNING") == 2


def test_a_configuration_with_errors(machine):
    """What runs is never exchanged for a daemon that would not start, and the reason is said."""
    broken = "/etc/supervisor/conf.d/broken.conf"

    def installed(package: str) -> str:
        done = machine.run("dpkg", "--install", f"/root/{package}.deb")
        assert done.returncode == 0, done.stderr
        return done.stderr

    # Over Debian's, where nothing can go on.
    old_with_programs(machine)
    machine.old_pids("one", "two")
    machine.write(broken, "[program:broken\ncommand=/bin/true\n")
    said = installed("ours")
    assert f"{broken}:1" in said and "supervisord.service is not started" in said
    assert machine.show(SERVICE, "ActiveState")["ActiveState"] == "inactive", "nothing was tried"
    machine.path(broken).unlink()
    machine.do("systemctl", "start", SERVICE)
    daemon, running = machine.main_pid(), machine.pids("one", "two")

    # On an upgrade.
    machine.write(broken, "[program:broken]\ncommand=/bin/true\nstartsecs=soon\n")
    assert machine.run("systemctl", "reload", SERVICE).returncode in (0, 1)
    said = installed("newer")
    assert f"{broken}:3" in said and "supervisord.service is not restarted" in said
    assert "systemctl restart supervisord.service" in said
    assert machine.main_pid() == daemon and machine.pids("one", "two") == running
    assert machine.show(SERVICE, "NRestarts")["NRestarts"] == "0"
    # A variable that only the unit has is no error.
    machine.write("/etc/default/supervisord", "SOON=0\n")
    machine.do("mkdir", "--parents", "/etc/systemd/system/supervisord.service.d")
    machine.write("/etc/systemd/system/supervisord.service.d/x.conf",
                  '[Service]\nEnvironment=A=1 "WORDS=two words"\n')
    machine.write(broken, "[program:broken]\ncommand=/bin/cat\nstartsecs=%(ENV_SOON)s\n"
                          'environment=A="%(ENV_A)s %(ENV_WORDS)s"\n')
    said = installed("ours")
    assert "is not restarted" not in said
    assert machine.main_pid() != daemon
    assert machine.states("one", "two", "broken") == ["RUNNING"] * 3

    # With a unit of the administrator's own.
    machine.path(broken).unlink()
    machine.write("/etc/systemd/system/supervisor.service",
                  machine.text("/usr/lib/systemd/system/supervisord.service"))
    machine.do("systemctl", "disable", "--now", *UNITS)
    machine.do("systemctl", "restart", "supervisor.service")
    before = machine.show("supervisor.service", "MainPID")
    machine.write(broken, "[program:broken\n")
    assert "supervisor.service is not restarted" in installed("newer")
    assert machine.show("supervisor.service", "MainPID") == before


def test_who_calls_it_on_the_bus(machine):
    """Starts it while it is enabled, and only then."""
    machine.apt("update")
    machine.apt("install", "/root/ours.deb")

    def calls() -> int:
        return machine.run("busctl", "introspect", "org.supervisord.Supervisor1",
                           "/org/supervisord/Supervisor1").returncode

    machine.do("systemctl", "stop", *UNITS)
    assert calls() == 0
    until(lambda: machine.is_active(SERVICE), "it to be started")
    machine.do("systemctl", "disable", "--now", *UNITS)
    assert calls() != 0
    assert machine.run("systemctl", "is-active", *UNITS).stdout.split() == ["inactive", "inactive"]
    # An upgrade leaves it at that.
    machine.dpkg("--install", "/root/newer.deb")
    assert calls() != 0 and not machine.is_active(SERVICE)
    machine.do("systemctl", "enable", *UNITS)
    assert calls() == 0


def test_a_socket_in_a_file_that_is_included(machine):
    """That counts; what lies beside such files does not."""
    elsewhere = f"[unix_http_server]\nfile={SOCKET}\nchmod=0770\n"
    machine.install_old()
    machine.write(f"{PROGRAMS}.disabled", elsewhere)
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.is_enabled(*UNITS) == ["enabled", "enabled"]

    # Without a trace of that installation: the configuration is still the old package's.
    machine.dpkg("--purge", "supervisord")
    config = machine.text(CONFIG)
    assert "files = /etc/supervisor/conf.d/*.conf" in config
    machine.write(CONFIG, config.replace("/conf.d/*.conf", "/conf.d/*.conf ; ours\n  more/*.ini"))
    machine.path("/etc/supervisor/more").mkdir()
    machine.write("/etc/supervisor/more/socket.ini", elsewhere)
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.is_enabled(*UNITS) == ["enabled", "disabled"]
    assert machine.do("stat", "--format=%a", SOCKET) == "770"


def test_a_configuration_without_a_unix_socket(machine):
    def tcp(text):
        server = "[inet_http_server]\nport=127.0.0.1:9001\n"
        text = text.replace("[unix_http_server]\nfile=/var/run/supervisor.sock", server + ";")
        return text.replace("chmod=0700", ";").replace("unix:///var/run/supervisor.sock",
                                                       "http://127.0.0.1:9001")

    config = old_with_programs(machine, tcp)
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.is_enabled(*UNITS) == ["enabled", "disabled"]
    assert machine.ctl("status").count("RUNNING") == 2


def test_what_was_disabled_stays_disabled(machine):
    machine.install_old()
    machine.do("systemctl", "disable", "--now", "supervisor.service")
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.is_enabled(*UNITS) == ["disabled", "disabled"]
    machine.boot_again()
    assert not machine.is_active(SERVICE)
    # The init script that the old package left is not taken for the unit either.
    assert machine.show("supervisor.service", "FragmentPath")["FragmentPath"].endswith("supervisord.service")
    machine.do("systemctl", "restart", "supervisor")
    assert machine.is_active(SERVICE)

    # What is left of the old package still has the configuration for its own.
    machine.dpkg("--purge", "supervisord")
    assert machine.path(CONFIG).exists() and not machine.path("/var/log/supervisor").exists()
    machine.dpkg("--purge", "supervisor")
    assert not machine.path("/etc/supervisor").exists()
    nothing_runs(machine)


def test_a_unit_of_the_administrators_own(machine):
    """Of that name, in /etc: it goes on, with our daemon, and ours does not come beside it."""
    machine.install_old()
    unit = machine.text("/usr/lib/systemd/system/supervisor.service")
    machine.write("/etc/systemd/system/supervisor.service", unit.replace("KillMode=process", "Nice=3"))
    machine.do("systemctl", "daemon-reload")
    for package in ("ours", "newer"):
        before = machine.show("supervisor.service", "MainPID")
        machine.dpkg("--install", f"/root/{package}.deb")
        assert machine.is_enabled(*UNITS, "supervisor.service") == ["disabled", "disabled", "enabled"]
        assert not machine.is_active(SERVICE)
        assert machine.is_active("supervisor.service")
        assert machine.show("supervisor.service", "MainPID") != before
        assert machine.show("supervisor.service", "Nice")["Nice"] == "3"
    until(lambda: machine.run("supervisorctl", "pid").returncode == 0, "it to answer")
    pid = int(machine.show("supervisor.service", "MainPID")["MainPID"])
    machine.dpkg("--remove", "supervisord")
    machine.gone(pid)


def test_back_to_debians(machine, tmp_path):
    """Over ours, with a configuration that came from there; then ours is purged."""
    config = old_with_programs(machine)
    machine.apt("install", dependent(machine, tmp_path))
    machine.apt("install", "/root/ours.deb")
    assert machine.ctl("status").count("RUNNING") == 2
    machine.apt("install", "supervisor")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.is_enabled("supervisor.service") == ["enabled"]
    assert machine.is_active("supervisor.service")
    assert "4.2.5" in machine.do("supervisord", "--version")
    machine.old_pids("one", "two")

    machine.apt("purge", "supervisord")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.path(PROGRAMS).exists()
    assert machine.path("/var/log/supervisor/supervisord.log").exists()
    machine.do("systemctl", "restart", "supervisor.service")
    machine.old_pids("one", "two")
    # And once more over it.
    machine.apt("install", "/root/ours.deb")
    assert machine.path(CONFIG).read_bytes() == config
    assert machine.ctl("status").count("RUNNING") == 2
    assert machine.do("dpkg-query", "--show", "--showformat=${db:Status-Status}", "dependent") == "installed"


def test_purged_while_debians_is_only_unpacked(machine):
    """The logs are that package's as soon as any of it is there."""
    machine.install_old()
    machine.dpkg("--install", "/root/ours.deb")
    machine.dpkg("--remove", "supervisord")
    (deb,) = machine.path("/srv/archive").glob("supervisor_*.deb")
    machine.dpkg("--unpack", f"/srv/archive/{deb.name}")
    log = "/var/log/supervisor/supervisord.log"
    before = machine.text(log)
    machine.dpkg("--purge", "supervisord")
    assert machine.text(log) == before
    assert machine.path(CONFIG).exists()


def test_back_to_debians_from_a_fresh_installation(machine):
    """What we wrote and nobody changed is in nobody's way."""
    machine.apt("update")
    machine.apt("install", "/root/ours.deb")
    ours = machine.text(CONFIG)
    machine.dpkg("--remove", "supervisord")
    assert not machine.path(CONFIG).exists() and not machine.path("/var/lib/supervisord").exists()
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.text(CONFIG) == ours

    machine.apt("install", "supervisor")
    assert machine.path(CONFIG).exists() and machine.text(CONFIG) != ours
    assert machine.is_active("supervisor.service")
    assert "4.2.5" in machine.do("supervisord", "--version")

    # A file that was changed stays where it is.
    machine.apt("purge", "supervisor")
    machine.apt("install", "/root/ours.deb")
    machine.write(CONFIG, ours + "; changed\n")
    machine.dpkg("--remove", "supervisord")
    assert machine.text(CONFIG) == ours + "; changed\n"
    machine.apt("-o", "Dpkg::Options::=--force-confold", "install", "supervisor")
    assert machine.text(CONFIG) == ours + "; changed\n"
    machine.apt("purge", "supervisord")
    assert machine.text(CONFIG) == ours + "; changed\n"


def test_over_a_supervisor_of_debian_12(machine, tmp_path):
    """That one has its unit in /lib, and masks it when it is removed."""
    (deb,) = machine.path("/srv/archive").glob("supervisor_*.deb")
    tree = tmp_path / "x"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    (tree / "lib").mkdir()
    shutil.move(tree / "usr/lib/systemd", tree / "lib/systemd")
    postrm = tree / "DEBIAN/postrm"
    postrm.write_text(postrm.read_text() + 'if [ "$1" = remove ]; then\n'
                      "    deb-systemd-helper mask supervisor.service >/dev/null\nfi\n")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree,
                    machine.path("/root/old.deb")], check=True, stdout=subprocess.DEVNULL)
    machine.apt("update")
    machine.apt("install", "/root/old.deb")
    machine.write(PROGRAMS, TWO)
    machine.dpkg("--install", "/root/ours.deb")
    assert machine.is_enabled(*UNITS) == ["enabled", "enabled"]
    machine.do("systemctl", "restart", "supervisor")
    keeps_all(machine, lambda: machine.dpkg("--purge", "supervisor"))


def test_the_package_tests(machine):
    """debian/tests, in a machine that has nothing but what they ask for."""
    machine.apt("update")
    machine.apt("install", "/root/ours.deb")
    tests = REPOSITORY / "debian" / "tests"
    for test in ("smoke", "xmlrpc", "migration"):
        shutil.copy(tests / test, machine.path(f"/root/{test}"))
        machine.do(f"/root/{test}")
