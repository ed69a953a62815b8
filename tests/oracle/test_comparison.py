"""The comparison can fail: what differs is found, and what no two runs share is not."""

import pytest

from oracle import compare
from oracle.scenario import Failed, Scenario, play
from oracle.steps import call, field, running, wait

CAT = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n"


def test_two_that_behave_differently_are_told_apart(reference):
    steps = [running("cat"), call("stopProcess", "cat"), field("cat", "exitstatus"), call("getState")]
    left = play(Scenario("left", config=CAT, steps=steps), reference, "ref")
    right = play(Scenario("right", config=CAT + "exitcodes=0,1\npriority=5\nstopsignal=KILL\n", steps=steps), reference, "our")
    assert set(compare.differences(left, right)) == {"activity"}
    changed = play(Scenario("changed", config=CAT + "autostart=false\n", steps=[call("stopProcess", "cat")]), reference, "our")
    same = play(Scenario("same", config=CAT, steps=[running("cat"), call("stopProcess", "cat")]), reference, "our")
    assert "stopProcess('cat')" in compare.differences(same, changed)


def test_a_fact_that_never_comes_true_fails(reference, monkeypatch):
    monkeypatch.setattr("oracle.world.WAIT_SECONDS_MAX", 1.0)
    with pytest.raises(Failed, match="ref: wait cat: .*waited in vain for cat to be FATAL"):
        play(Scenario("never", config=CAT, steps=[wait("cat", "FATAL")]), reference, "ref")


@pytest.mark.parametrize(("line", "there"), [
    ("INFO spawned: 'cat' with pid 7", True),
    ("WARN exited: cat (exit status 1; not expected)", True),
    ("INFO waiting for cat to stop", False),
    ("WARN /tmp/x.conf:3: [program:cat] colour: is not a known key", False),
    ("CRIT could not write pidfile /tmp/x", True),
])
def test_only_what_is_there_by_chance_is_dropped(line, there):
    assert bool(compare.without_chance([line])) == there


@pytest.mark.parametrize(("left", "right"), [
    ("cat                              RUNNING   pid 1, uptime 0:00:01", "cat                              STOPPED   Not started"),
    ("cat: ERROR (not running)", "cat: stopped"),
    ("pid 0", "pid 12"),
    ("terminated by SIGTERM", "terminated by SIGKILL"),
])
def test_what_counts_is_not_normalised_away(left, right):
    world = type("Place", (), {"dir": "/tmp/none", "port": 65000})
    assert compare.text(left, world) != compare.text(right, world)
