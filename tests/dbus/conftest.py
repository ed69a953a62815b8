"""A daemon of ours on a bus of its own."""

import os

import pytest

from dbus.rig import Bus, Client
from oracle.world import World

PROGRAMS = """
[program:cat]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/cat.log
stderr_logfile=@DIR@/cat.err
environment=SECRET="do not tell"
[program:pair_1]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
startsecs=0
autostart=false
autorestart=false
[group:g]
programs=pair_1,off
priority=5
"""


class OnBus(World):
    """A daemon that is told which bus to be on."""

    def __init__(self, ours):
        super().__init__(ours, "our")
        self.bus = Bus(self.root / "run")

    def configure(self, programs=PROGRAMS, daemon="loglevel=debug", **more):
        super().configure(f"[dbus]\nbus={self.bus.address}\n{programs}", daemon=daemon, **more)

    def close(self):
        super().close()
        self.bus.kill()


@pytest.fixture
def world(ours):
    """A daemon that is not started, and a bus that is not, either."""
    made = OnBus(ours)
    try:
        made.configure()
        yield made
    finally:
        made.close()


@pytest.fixture
def served(world):
    """Both started."""
    world.bus.start()
    world.start()
    with Client(world.bus) as client:
        client.wait_for_daemon()
    for name in ("cat", "g:pair_1"):
        world.wait_state(name, "RUNNING")
    return world


@pytest.fixture
def client(served):
    """A client of the daemon's own user that keeps the daemon's signals."""
    with Client(served.bus) as made:
        made.listen()
        yield made


@pytest.fixture
def only_root():
    """Becoming another user takes root."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user, too")
