"""All scenarios, by what they are about."""

from importlib import import_module

from oracle.scenario import Scenario

ABOUT = [
    "calls", "lifecycle", "reload", "logs", "config", "environment", "daemon", "http", "ctl", "events",
]


def all_scenarios() -> list[Scenario]:
    """Every scenario, in reading order."""
    return [each for about in ABOUT for each in import_module(f"{__name__}.{about}").SCENARIOS]
