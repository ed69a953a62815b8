"""supervisord-dependent-startup: programs come up in the order in which they need each other."""

STARTUP = """
[eventlistener:startup]
command=@BIN@/supervisord-dependent-startup -c @DIR@/supervisord.conf --error-action exit
events=PROCESS_STATE
autorestart=unexpected
startsecs=0
startretries=0
exitcodes=0
stderr_logfile=@DIR@/startup.err
"""

SERVICE = """
[program:{name}]
command=/bin/sh -c "echo {name} >>@DIR@/order; exec cat"
startsecs=1
autostart=false
dependent_startup=true
{wait}
"""

# In the file, each stands before what it needs.
SERVICES = {
    "web": "cache:running api:running",
    "api": "cache:running db:running",
    "cache": "db:running",
    "db": "once:exited",
}

# It lives long enough to be seen running: one that is gone when its start is told is started again
# by supervisord-dependent-startup, under Supervisor as well.
ONCE = """
[program:once]
command=/bin/sh -c "echo once >>@DIR@/order; exec sleep 1"
startsecs=0
autostart=false
autorestart=false
dependent_startup=true
[program:apart]
command=/bin/cat
autostart=false
"""


def test_services_start_in_the_order_of_their_needs(launch):
    services = "".join(
        SERVICE.format(name=name, wait=f"dependent_startup_wait_for={needs}")
        for name, needs in SERVICES.items()
    )
    world = launch(STARTUP + services + ONCE)
    world.wait_state("web", "RUNNING")
    assert world.text("order").split() == ["once", "db", "cache", "api", "web"]
    # A service was started no sooner than what it needs had been up for its startsecs.
    starts = {name: world.info(name)["start"] for name in SERVICES}
    assert starts["db"] < starts["cache"] < starts["api"] < starts["web"]
    assert world.state("apart") == "STOPPED"
    # Its work is done when everything has come up; it was never restarted.
    world.until(lambda: world.state("startup") == "EXITED", "the listener's end")
    assert world.info("startup")["exitstatus"] == 0


def test_what_cannot_start_holds_up_only_who_needs_it(launch):
    services = SERVICE.format(name="after", wait="dependent_startup_wait_for=broken:running")
    services += SERVICE.format(name="other", wait="dependent_startup_wait_for=root:running")
    services += SERVICE.format(name="root", wait="")
    services += SERVICE.format(name="broken", wait="startretries=0").replace("exec cat", "exit 1")
    world = launch(STARTUP + services)
    world.wait_state("other", "RUNNING")
    world.wait_state("broken", "FATAL")
    assert world.state("after") == "STOPPED"
    assert world.state("startup") == "RUNNING"
