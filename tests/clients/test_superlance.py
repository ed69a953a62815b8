"""superlance's four listeners as sections of ours: each does to programs, or writes in mail, what
it is there for."""

import pytest

from clients.tools import INET

WEB = """
[program:web]
command=@PYTHON@ @PROGRAMS@/web.py @FREE@
startsecs=0
stopsignal=KILL
[program:bystander]
command=/bin/cat
startsecs=0
"""

HTTPOK = """
[eventlistener:httpok]
command=@BIN@/httpok -p web -t 2 -s @DIR@/sendmail -m admin@localhost http://127.0.0.1:@FREE@/
events=TICK_5
startsecs=0
stderr_logfile=@DIR@/httpok.err
"""

MEMMON = """
[eventlistener:memmon]
command=@BIN@/memmon -p web=60MB -p bystander=60MB -s @DIR@/sendmail -m admin@localhost -n here
events=TICK_5
startsecs=0
stderr_logfile=@DIR@/memmon.err
"""


def ready(world):
    """The web server answers, with the process id that the daemon knows; that id."""
    world.until(lambda: world.web_pid() == world.info("web")["pid"], "the web server to answer")
    return world.web_pid()


def the_restart(world, before):
    """Waits until the program was restarted and is well; its neighbour was left alone."""
    world.until(lambda: world.info("web")["pid"] not in (0, before), "the restart")
    assert ready(world) != before
    assert not world.alive(before)


@pytest.mark.parametrize("wrong", ["USR1", "USR2"], ids=["silent", "refused"])
def test_httpok_restarts_what_does_not_answer(launch, wrong):
    world = launch(INET + WEB + HTTPOK, "web", "bystander", "httpok")
    before, bystander = ready(world), world.info("bystander")["pid"]
    world.call("supervisor.signalProcess", "web", wrong)
    the_restart(world, before)
    assert world.info("bystander")["pid"] == bystander
    world.until(world.mails, "the mail")
    (mail,) = world.mails()
    assert "To: admin@localhost\nSubject: httpok: http://127.0.0.1:" in mail
    assert "bad status returned" in mail
    assert "web is in RUNNING state, restarting\nweb restarted" in mail


def test_httpok_leaves_alone_what_answers(launch):
    world = launch(INET + WEB + HTTPOK, "web", "httpok")
    before = ready(world)
    world.until(lambda: visits(world) > 1, "two checks, of which the first had its verdict")
    assert world.info("web")["pid"] == before
    assert world.mails() == []


def visits(world):
    """How often httpok looked, as the web server logged it; the test's own looks not counted."""
    return (world.text(world.info("web")["stderr_logfile"]) or "").count("asked by httpok")


def test_memmon_restarts_what_grows(launch):
    world = launch(INET + WEB + MEMMON, "web", "bystander", "memmon")
    before, bystander = ready(world), world.info("bystander")["pid"]
    checked = "RSS of web:web is "
    world.until(lambda: checked in (world.text("memmon.err") or ""), "a check of what is small")
    assert world.info("web")["pid"] == before
    world.call("supervisor.signalProcess", "web", "HUP")
    the_restart(world, before)
    assert world.info("bystander")["pid"] == bystander
    world.until(world.mails, "the mail")
    (mail,) = world.mails()
    assert "Subject: memmon [here]: process web:web restarted" in mail
    assert "consuming too much memory" in mail


CRASHMAIL = """
[eventlistener:crashmail]
command=@BIN@/crashmail -a -o here -s @DIR@/sendmail -m admin@localhost
events=PROCESS_STATE_EXITED
startsecs=0
[program:well]
command=/bin/sh -c "exit 0"
startsecs=0
autostart=false
autorestart=false
[program:bad]
command=/bin/sh -c "exit 3"
startsecs=0
autostart=false
autorestart=false
"""


def test_crashmail_tells_of_a_crash_and_of_nothing_else(launch):
    world = launch(CRASHMAIL, "crashmail")
    for name in ("well", "bad"):
        world.call("supervisor.startProcess", name)
        world.wait_state(name, "EXITED")
    world.until(world.mails, "the mail")
    (mail,) = world.mails()
    assert mail.startswith("To: admin@localhost\nSubject: here: bad crashed at ")
    assert "Process bad in group bad exited unexpectedly (pid " in mail
    assert mail.endswith("from state RUNNING")


# Both send by SMTP: they have no option for a sendmail program.
BATCH = """
[eventlistener:{program}]
command=@BIN@/{program} --toEmail=a@localhost,b@localhost --fromEmail=me@localhost
    --smtpHost=127.0.0.1:{port} --tickEvent=TICK_5 --interval=0.05
events=PROCESS_STATE,TICK_5
startsecs=0
stderr_logfile=@DIR@/batch.err
[program:hopeless]
command=/bin/sh -c "exit 1"
startsecs=1
startretries=0
autostart=false
autorestart=false
[program:crashing]
command=/bin/sh -c "exit 1"
startsecs=0
autostart=false
autorestart=false
"""


@pytest.mark.parametrize(
    ("program", "subject", "told", "not_told"),
    [
        ("fatalmailbatch", "Fatal start alert from supervisord",
         "Process hopeless:hopeless failed to start too many times", "crashing"),
        ("crashmailbatch", "Crash alert from supervisord",
         "Process crashing:crashing (pid ", "hopeless"),
    ],
)
def test_a_batch_of_mail(launch, mail_server, program, subject, told, not_told):
    world = launch(BATCH.format(program=program, port=mail_server.port), program)
    for name in ("hopeless", "crashing"):
        world.call("supervisor.startProcess", name)
    world.wait_state("hopeless", "FATAL")
    world.wait_state("crashing", "EXITED")
    world.until(lambda: mail_server.kept, "the mail")
    recipients, text = mail_server.kept[0]
    assert recipients == ["a@localhost", "b@localhost"]
    assert f"Subject: {subject}" in text
    assert told in text
    assert not_told not in text
