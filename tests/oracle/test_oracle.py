"""Ours behaves as Supervisor does, in every scenario, but where a scenario says otherwise."""

import json
import os

import pytest

from oracle import compare
from oracle.scenario import play_both
from oracle.scenarios import all_scenarios


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda scenario: scenario.name)
def test_ours_is_as_the_reference(scenario, reference, ours):
    if scenario.root_only and os.geteuid() != 0:
        pytest.skip("needs root")
    left, right = play_both(scenario, reference, ours)
    assert left, "the scenario observed nothing"
    print(json.dumps(left, indent=1, default=repr))  # shown on failure and with -s
    found = compare.differences(left, right)
    if ours != reference:
        for key, declared in scenario.differs.items():
            both = dict(left)[key], dict(right)[key]
            assert declared.holds(*both), f"{key} must differ: {declared.why}: {both}"
            found.pop(key, None)
    assert not found, "\n".join(
        f"{key}\n  reference: {there!r}\n  ours:      {here!r}" for key, (there, here) in found.items()
    )


def test_names_are_unique():
    names = [scenario.name for scenario in all_scenarios()]
    assert len(names) == len(set(names))
