"""The container is a machine of its own: what the other tests take for granted."""

import os


def test_it_is_systemd(box):
    assert box.text("/proc/1/comm").strip() == "systemd"
    assert box.systemctl("is-system-running") == "running"
    assert box.do("stat", "--file-system", "--format=%T", "/sys/fs/cgroup") == "cgroup2fs"


def test_it_sees_nothing_of_this_machine(box, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("")
    assert not box.path(str(mine)).exists()
    for directory in ("/", "/tmp", "/run"):
        here, there = os.stat(directory), box.path(directory).stat()
        assert (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino), directory
    # Commands do not bring a way out with them either.
    assert box.do("readlink", "/proc/self/cwd") == "/"
    assert box.do("stat", "--format=%i", ".") == box.do("stat", "--format=%i", "/")


def test_it_has_a_network_of_its_own(box):
    links = box.do("ls", "/sys/class/net").split()
    assert links == ["lo"]
    assert os.stat(f"/proc/{box.leader}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
