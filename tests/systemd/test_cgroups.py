"""What is in the service's cgroups: nothing of a program that was stopped."""

from systemd.container import SERVICE, sleeper, until

UNIT = "/system.slice/supervisord.service"

BROOD = """
[program:brood]
command=/bin/sh -c 'setsid sleep 1001 & setsid sh -c "sleep 1002 & sleep 1003" & exec sleep 1000'
startsecs=0
"""


def test_the_daemon_is_in_a_subgroup(box, programs):
    programs(sleeper("one"))
    box.systemctl("start", SERVICE)
    pid = box.main_pid()
    assert cgroup(box, pid) == f"{UNIT}/supervisor"
    assert box.text(f"/sys/fs/cgroup{UNIT}/cgroup.procs") == "", "so that controllers can be used"


def test_each_program_has_a_cgroup_of_its_own(box, programs):
    programs(sleeper("one") + sleeper("two"))
    box.systemctl("start", SERVICE)
    places = {cgroup(box, box.info(name)["pid"]) for name in ("one", "two")}
    assert len(places) == 2
    assert all(place.startswith(f"{UNIT}/") for place in places)
    assert cgroup(box, box.main_pid()) not in places


def test_nothing_is_left_of_a_stopped_program(box, programs):
    programs(BROOD + sleeper("other"))
    box.systemctl("start", SERVICE)
    place = cgroup(box, box.info("brood")["pid"])
    until(lambda: len(box.processes(place)) >= 4, "the brood")
    box.ctl("stop", "brood")
    until(lambda: box.processes(place) == [], "the end of the brood")
    left = {box.main_pid(), box.info("other")["pid"]}
    assert set(box.processes(UNIT)) == left


def test_nothing_is_left_of_the_service(box, programs):
    programs(BROOD)
    box.systemctl("start", SERVICE)
    until(lambda: len(box.processes(UNIT)) >= 5, "the brood")
    box.systemctl("stop", SERVICE)
    assert box.processes(UNIT) == []
    assert not box.path(f"/sys/fs/cgroup{UNIT}").exists()


def cgroup(box, pid: int) -> str:
    """A process's cgroup, as the container sees it."""
    lines = box.do("cat", f"/proc/{pid}/cgroup").splitlines()
    return next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
