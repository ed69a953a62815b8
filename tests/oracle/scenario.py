"""A scenario: a configuration, what is done with it, and where ours knowingly differs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from oracle import compare
from oracle.world import Programs, World


@dataclass(frozen=True)
class Step:
    """Something done to a world. `act` returns what is compared; NOTHING where nothing is."""

    key: str
    act: Callable[[World], object]

    def named(self, key: str) -> "Step":
        return Step(key, self.act)


NOTHING = object()


class Failed(Exception):
    """A step that could not be done: of which side, and what its daemon said."""


@dataclass(frozen=True)
class Differs:
    """A place where ours knowingly differs: why, and what must hold of (reference, ours)."""

    why: str
    holds: Callable[[object, object], bool] = lambda reference, ours: reference != ours


@dataclass(frozen=True)
class Scenario:
    """One differential test. See `steps` for the words its steps are made of."""

    name: str
    config: str = ""
    steps: tuple[Step, ...] | list[Step] = ()
    differs: dict[str, Differs] = field(default_factory=dict)
    daemon: str = ""  # more lines of [supervisord]
    unix: str = ""  # more lines of [unix_http_server]
    ctl: str = ""  # more lines of [supervisorctl]
    whole: bool = False  # config is the whole file
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()  # of the daemon, instead of -n -c CONF
    start: bool = True  # whether the daemon is started before the steps
    activity: str | None = "by program"  # how the log is compared: "ordered", "every line", None: not
    root_only: bool = False


def play(scenario: Scenario, programs: Programs, name: str) -> list[tuple[str, object]]:
    """Plays a scenario against one implementation and returns what was observed."""
    world = World(programs, name)
    doing = "start"
    try:
        world.environment = dict(scenario.environment)
        world.configure(
            scenario.config, scenario.daemon, scenario.unix, scenario.ctl, scenario.whole
        )
        if scenario.start:
            world.start(*scenario.arguments)
        for step in scenario.steps:
            doing = step.key
            value = step.act(world)
            if value is not NOTHING:
                world.observe(unused(step.key, world), compare.normalise(value, world))
        doing = "end"
        if world.process:
            end(scenario, world)
        return world.observed
    except Exception as error:
        raise Failed(f"{name}: {doing}: {error!r}\n{world.said()}") from error
    finally:
        world.close()


def unused(key: str, world: World) -> str:
    """The key, numbered where the scenario has observed the same before."""
    keys = {seen for seen, _ in world.observed}
    number, numbered = 1, key
    while numbered in keys:
        number += 1
        numbered = f"{key} #{number}"
    return numbered


def end(scenario: Scenario, world: World) -> None:
    """Shuts the daemon down, if it still runs, and compares what it leaves behind."""
    if world.process.poll() is None:
        world.settle()
        world.process.terminate()
    world.observe("exit status", world.exit_status())
    left = sorted(p.name for p in world.dir.iterdir() if p.name in ("s.sock", "daemon.pid"))
    world.observe("left behind", left)
    if scenario.activity:
        lines = [compare.text(line, world) for line in world.activity()]
        if scenario.activity != "every line":
            lines = compare.without_chance(lines)
        if scenario.activity == "by program":
            lines = compare.by_program(lines)
        world.observe("activity", lines)


def play_both(scenario: Scenario, reference: Programs, ours: Programs) -> tuple[list, list]:
    """Plays a scenario against both implementations at once."""
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(play, scenario, reference, "ref")
        right = pool.submit(play, scenario, ours, "our")
        return left.result(), right.result()
