"""Python's supervisorctl, as it is, against our daemon: every command, one-shot and as a shell."""

import pytest

from clients.terminal import Terminal

COMMANDS = [
    # command, exit status, what it prints (each a part of its output)
    ("status cat", 0, ["cat                              RUNNING   pid "]),
    ("status", 3, ["off                              STOPPED   Not started", "pair:pair_1                      RUNNING"]),
    ("status nope", 4, ["nope: ERROR (no such process)"]),
    ("start off", 0, ["off: started"]),
    ("start cat", 0, ["cat: ERROR (already started)"]),
    ("start nope", 1, ["nope: ERROR (no such process)"]),
    ("start all", 0, ["off: started"]),
    ("start nope:*", 2, ["nope: ERROR (no such group)"]),
    ("stop cat", 0, ["cat: stopped"]),
    ("stop off", 0, ["off: ERROR (not running)"]),
    ("stop pair:*", 0, ["pair:pair_0: stopped", "pair:pair_1: stopped"]),
    ("stop all", 0, ["cat: stopped", "pair:pair_0: stopped"]),
    ("restart cat", 0, ["cat: stopped", "cat: started"]),
    ("restart pair:*", 0, ["pair:pair_1: stopped", "pair:pair_1: started"]),
    ("restart all", 0, ["cat: started", "off: started"]),
    ("signal CONT cat", 0, ["cat: signalled"]),
    ("signal NOPE cat", 1, ["cat: ERROR (bad signal name)"]),
    ("signal CONT all", 0, ["cat: signalled", "pair:pair_0: signalled"]),
    ("signal CONT pair:*", 0, ["pair:pair_1: signalled"]),
    ("pid off", 7, ["0\n"]),
    ("pid nope", 1, ["No such process nope"]),
    ("version", 0, ["4.3.0"]),
    ("avail", 0, ["cat                              in use    auto      999:999", "off                              in use    manual"]),
    ("reread", 0, ["No config updates to processes"]),
    ("update", 0, []),
    ("update nope", 1, ["ERROR: no such group: nope"]),
    ("add cat", 0, ["ERROR: process group already active"]),
    ("add nope", 1, ["ERROR: no such process/group: nope"]),
    ("remove cat", 1, ["ERROR: process/group still running: cat"]),
    ("remove off", 0, ["off: removed process group"]),
    ("clear cat", 0, ["cat: cleared"]),
    ("clear all", 0, ["pair:pair_0: cleared"]),
    ("tail nope", 1, ["nope: ERROR (no such process name)"]),
    ("maintail", 0, ["INFO spawned: 'cat' with pid"]),
    ("maintail -9", 0, ["artsecs)\n"]),
    ("fg off", 1, ["ERROR: process not running"]),
    ("reload", 0, ["Restarted supervisord"]),
    ("shutdown", 0, ["Shut down"]),
    ("help", 0, ["add    exit      open  reload  restart   start   tail"]),
    ("open unix://@DIR@/s.sock", 0, ["cat                              RUNNING"]),
    ("-s http://127.0.0.1:@PORT@ status cat", 0, ["RUNNING"]),
]


@pytest.mark.parametrize(("line", "status", "printed"), COMMANDS, ids=[line for line, _, _ in COMMANDS])
def test_one_command(world, line, status, printed):
    done = world.ctl(*line.split())
    assert done.exit == status, done
    for part in printed:
        assert part in done.stdout, f"{part!r} is not in {done.stdout!r}"
    assert "error:" not in done.stdout, done.stdout


def test_pids(world):
    assert world.ctl("pid").stdout == f"{world.pid()}\n"
    assert world.ctl("pid", "cat").stdout == f"{world.info('cat')['pid']}\n"
    assert len(world.ctl("pid", "all").stdout.split()) == 4


def test_a_new_program(world):
    world.configure(world.conf.read_text() + "[program:new]\ncommand=/bin/cat\nstartsecs=0\n", whole=True)
    assert world.ctl("reread").stdout == "new: available\n"
    assert world.ctl("update").stdout == "new: added process group\n"
    world.wait_state("new", "RUNNING")


def test_tail(world):
    world.call("supervisor.sendProcessStdin", "cat", "0123456789\n")
    world.until(lambda: world.text("cat.log") == "0123456789\n", "the echo")
    assert world.ctl("tail", "cat").stdout == "0123456789\n\n"
    assert world.ctl("tail", "-4", "cat").stdout == "789\n\n"
    assert world.ctl("tail", "cat", "stderr").stdout == "\n"


def test_shutdown_ends_the_daemon(world):
    assert world.ctl("shutdown").exit == 0
    assert world.exit_status() == 0
    assert "no such file" in world.ctl("status").stdout


@pytest.fixture
def terminal(world):
    """Starts the reference's supervisorctl on a terminal."""
    made = []

    def start(*arguments: str) -> Terminal:
        command = [str(world.programs.supervisorctl), "-c", str(world.conf), *arguments]
        made.append(Terminal(command, world.dir, world.env()))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_the_shell(terminal):
    shell = terminal()
    shell.expect("cat                              RUNNING")
    shell.expect("supervisor> ")
    for typed, answer in [
        ("stop cat", "cat: stopped"), ("status cat", "STOPPED"), ("start cat", "cat: started"),
        ("pid nope", "No such process nope"), ("restart pair:*", "pair:pair_1: started"), ("nope", "*** Unknown syntax: nope"),
        ("version", "4.3.0"), ("signal CONT cat", "cat: signalled"), ("avail", "manual"), ("help start", "Start a process"),
    ]:
        shell.type(typed)
        shell.expect(answer)
        shell.expect("supervisor> ")
    shell.type("quit")
    assert shell.end() == 0


def test_completion_of_names(terminal):
    shell = terminal()
    shell.expect("supervisor> ")
    shell.type("status pair:pair_\t1")
    shell.expect("pair:pair_1")
    shell.expect("RUNNING")


def test_tail_f(world, terminal):
    tail = terminal("tail", "-f", "cat")
    tail.expect("==> Press Ctrl-C to exit <==")
    for text in ("one", "two", "three"):
        world.call("supervisor.sendProcessStdin", "cat", f"{text}\n")
        tail.expect(text)
    tail.interrupt()
    tail.end()


def test_maintail_f(world, terminal):
    tail = terminal("maintail", "-f")
    tail.expect("spawned: 'cat'")
    world.call("supervisor.stopProcess", "cat")
    tail.expect("stopped: cat")
    tail.interrupt()
    tail.end()


def test_fg(world, terminal):
    foreground = terminal("fg", "cat")
    foreground.expect("==> Press Ctrl-C to exit <==")
    foreground.type("hello")
    world.until(lambda: "hello\n" in (world.text("cat.log") or ""), "the echo in the log")
    foreground.expect("hello\r\n")
    foreground.interrupt()
    foreground.expect("Exiting foreground")
