"""Ours behaves as Supervisor does, in every scenario, but where a scenario says otherwise."""

import os

import pytest

from oracle import compare
from oracle.scenario import Failed, play_both
from oracle.scenarios import all_scenarios


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda scenario: scenario.name)
def test_ours_is_as_the_reference(scenario, reference, ours):
    if scenario.root_only and os.geteuid() != 0:
        pytest.skip("needs root")
    try:
        left, right = play_both(scenario, reference, ours)
    except Failed as failed:
        pytest.fail(str(failed), pytrace=False)
    assert left, "the scenario observed nothing"
    found = compare.differences(left, right)
    if ours != reference:
        for key, declared in scenario.differs.items():
            there, here = dict(left)[key], dict(right)[key]
            if declared.holds(there, here):
                found.pop(key, None)
            else:
                found[f"{key} [must differ: {declared.why}]"] = (there, here)
    if found:
        pytest.fail("\n".join(compare.shown(*each) for each in found.items()), pytrace=False)


def test_names_are_unique():
    names = [scenario.name for scenario in all_scenarios()]
    assert len(names) == len(set(names))


def test_a_declared_difference_names_something_observed():
    """A key that no step has would excuse nothing; the scenario would fail with KeyError. This
    says it without running the scenario."""
    for scenario in all_scenarios():
        keys = {step.key for step in scenario.steps} | {"exit status", "left behind", "activity"}
        for key in scenario.differs:
            assert key.split(" #")[0] in keys, f"{scenario.name}: no step is called {key!r}"
