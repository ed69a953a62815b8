"""Everything that /openapi.json describes, asked for in every right and wrong way."""

import subprocess
import sys
from pathlib import Path

import pytest

from oracle.world import World

CONFIG = """
[inet_http_server]
port=127.0.0.1:@PORT@
username=user
password=secret
[program:cat]
command=/bin/cat
startsecs=0
stopwaitsecs=1
stdout_logfile=@DIR@/cat.log
conf_file=@DIR@/supervisord.conf
[program:talk]
command=sh -c 'while echo hello; do sleep 1; done'
startsecs=0
stopwaitsecs=1
"""

# What ends the daemon, and what goes on until its reader leaves.
EXCLUDED = "(shutdown|restart)$|logtail|/events"
EXAMPLES = "25"


@pytest.fixture
def world(ours):
    made = World(ours, "our")
    try:
        made.configure(CONFIG)
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.timeout(600)
def test_the_description_is_true(world):
    url = f"http://127.0.0.1:{world.port}"
    tool = Path(sys.prefix) / "bin" / "schemathesis"
    config = Path(__file__).with_name("schemathesis.toml")
    command = [tool, "--no-color", "--config-file", config, "run", f"{url}/openapi.json"]
    command += ["--url", url, "--auth", "user:secret", "--request-timeout", "30"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES]
    command += ["--seed", "1", "--exclude-path-regex", EXCLUDED, "--warnings", "off"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=world.root)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr
    assert " generated" in found.stdout, "something was tried"
    assert world.call("supervisor.getState") == {"statecode": 1, "statename": "RUNNING"}
