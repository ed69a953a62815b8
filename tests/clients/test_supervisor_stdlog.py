"""supervisor-stdlog, which prints what programs say on the daemon's own output. What prints is
its `result_handler`, Python code that Supervisor loads into itself: here it cannot run."""

import pytest

CONFIG = """
[eventlistener:stdlog]
command=@BIN@/supervisor-stdlog
result_handler=supervisor_stdlog:log_handler
events=PROCESS_LOG
buffer_size=100
startsecs=0
stdout_logfile=@DIR@/stdlog.out
[program:talker]
command=/bin/cat
startsecs=0
stdout_events_enabled=true
"""


MANY = 100
"""Refusals of one event after which it is clear that there will be no end of them."""


def say(world, word):
    world.call("supervisor.sendProcessStdin", "talker", f"{word}\n")


def answered(world, word):
    """Whether the listener has had it, and answered with it."""
    return word in (world.text("stdlog.out") or "")


def refusals(world):
    return (world.text("main.log") or "").count("event was rejected")


@pytest.mark.xfail(
    strict=True, raises=AssertionError,
    reason="result_handler=supervisor_stdlog:log_handler is Python code inside supervisord, and "
    "nothing here does the same")
def test_output_is_printed(launch):
    world = launch(CONFIG, "stdlog", "talker")
    say(world, "first")
    world.until(lambda: answered(world, "first"), "the listener's answer")
    # Python's print is on the way until the daemon ends.
    world.process.terminate()
    world.exit_status()
    printed = [line for line in world.text("daemon.out").splitlines() if "talker | " in line]
    assert len(printed) == 1, world.said()


def test_what_nobody_can_judge_does_not_hold_up_the_rest(launch):
    world = launch(CONFIG, "stdlog", "talker")
    say(world, "first")
    world.until(lambda: answered(world, "first"), "the listener's answer")
    say(world, "second")
    told = lambda: answered(world, "second") or refusals(world) > MANY
    world.until(told, "the second answer, or the same over and over")
    assert refusals(world) == 0
