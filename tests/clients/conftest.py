"""A daemon of ours, and the unmodified clients that talk to it."""

from dataclasses import replace

import pytest

from clients.tools import ClientWorld, MailServer
from oracle.world import World

CONFIG = """
[inet_http_server]
port=127.0.0.1:@PORT@
[program:cat]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/cat.log
stderr_logfile=@DIR@/cat.err
[program:pair]
command=/bin/cat
startsecs=0
process_name=%(program_name)s_%(process_num)d
numprocs=2
[program:off]
command=/bin/cat
startsecs=0
autostart=false
"""


@pytest.fixture
def world(reference, ours):
    """A world of ours whose supervisorctl is the reference's."""
    made = World(replace(ours, supervisorctl=reference.supervisorctl), "our")
    try:
        made.configure(CONFIG)
        made.start()
        for name in ("cat", "pair:pair_0", "pair:pair_1"):
            made.wait_state(name, "RUNNING")
        yield made
    finally:
        made.close()


@pytest.fixture
def launch(ours):
    """Starts daemons of ours with a configuration of the test's own."""
    made = []

    def start(config: str, *running: str) -> ClientWorld:
        world = ClientWorld(ours, "our")
        made.append(world)
        world.configure(config)
        world.start()
        for name in running:
            world.wait_state(name, "RUNNING")
        return world

    try:
        yield start
    finally:
        for world in made:
            world.close()


@pytest.fixture
def mail_server():
    server = MailServer()
    try:
        yield server
    finally:
        server.close()
