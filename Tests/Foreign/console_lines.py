# time: 150
# broker: none
"""The console line by line: on a terminal that cannot move its cursor, and through pipes; a topic is made, read and deleted by typing lines."""

import re

import harness
from console_keys import Terminal
from harness import PROGRAM, Broker, check, checking, done, equal
from line_console import PLACES, Lines

CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


def through_pipes(broker):
    lines = Lines("-b", broker.bootstrap, "--line-mode", "--refresh", "1")
    try:
        lines.expect("it says what it is, and that it is connected", "line by line", "Connected.", "Health: ")
        lines.type("topics")
        lines.expect("an empty list says so", "Topics of user, 0 rows", "No topics yet")
        lines.type("create shop")
        lines.expect("a form asks", "New topic.", "Name")
        for _ in range(7):
            lines.type("")
            if lines.pump(3, lambda: "apply does it" in lines.new()):
                break
        lines.expect("its plan is told", "kafka-topics.sh", "--create --topic shop", "apply does it, cancel leaves it")
        lines.type("apply")
        lines.expect("it is done", "Done, and the cluster now is as planned.")
        listing = harness.kcat("-L", bootstrap=broker.bootstrap)[1]
        check("kcat sees the topic", b'topic "shop"' in listing, listing)
        lines.type("")
        lines.expect("and the view tells it", "1 shop: ")
        lines.type("tail shop")
        lines.expect("a tail", "Tail of shop")
        evil = b'{"order":7,"note":"\x1b]0;pwned\x07\x1b[31m\xc2\x9b2J"}\n'
        harness.kcat("-P", "-t", "shop", stdin=b"first line\n" + evil, bootstrap=broker.bootstrap)
        lines.expect("messages are told as they come", "first line", '"order"')
        harness.kcat("-P", "-t", "shop", stdin=b"".join(b"flood %d\n" % i for i in range(3000)), bootstrap=broker.bootstrap)
        lines.pump(4, lambda: "more came" in lines.new())
        check("a flood is counted, not told", lines.new().count("flood") < 200, lines.new().count("flood"))
        lines.type("groups")
        lines.expect("other views", "Groups")
        lines.type("events")
        lines.expect("what happened", "topic created")
        lines.type("topics")
        lines.expect("back at the topics", "1 shop")
        lines.type("1 delete")
        lines.expect("deleting wants the name", "Type shop to do it")
        lines.type("apply")
        lines.expect("and nothing else does it", "Nothing is done by that.")
        lines.type("shop")
        lines.expect("done", "Done, and the cluster now is as planned.")
        lines.type("")
        broker.kill()
        lines.expect("a cluster that is gone is told", "Disconnected, the data stays as it was", seconds=40)
        broker.start()
        lines.expect("and its return", "Connected.", seconds=60)
        check("not one control went out", not CONTROLS.search(lines.text), CONTROLS.search(lines.text))
        lines.process.stdin.close()
        equal("the end of input ends it", lines.process.wait(10), 0)
    finally:
        lines.close()


def on_a_dumb_terminal(broker):
    for name, values, extra in [("TERM=dumb", {"TERM": "dumb"}, []), ("--line-mode", {}, ["--line-mode"])]:
        terminal = Terminal("-b", broker.bootstrap, *extra, environment={**PLACES, **values})
        try:
            check(f"{name}: lines", terminal.pump(20, lambda: b"Connected." in terminal.raw), terminal.raw)
            terminal.type("brokers\n")
            check(f"{name}: a view", terminal.pump(20, lambda: b"Brokers" in terminal.raw and b"\n1 " in terminal.raw), terminal.raw)
            check(f"{name}: nothing moves the cursor", b"\x1b" not in terminal.raw, terminal.raw)
            terminal.type("quit\n")
            terminal.pump(1)
            equal(f"{name}: quit ends it", terminal.ended(), 0)
        finally:
            terminal.close()


def a_script_of_lines(broker):
    """All lines at once: each is understood after the one before, and the end of input is the end."""
    code, out, err = harness.run(PROGRAM, "-b", broker.bootstrap, "--line-mode", stdin=b"topics\nhelp\n\nnonsense\n", environment=PLACES)
    check("lines all at once", code == 0 and b"A number goes to that row" in out and not err, (code, out, err))
    check("each is answered, once", out.count(b"Warning: No command nonsense") == 1 and out.count(b"Topics of user") == 2, out)
    code, _, err = harness.run(PROGRAM, "-b", broker.bootstrap, environment={**PLACES, "TERM": "dumb"})
    check("what is no terminal is not taken for one", code == 1 and b"not a terminal" in err, (code, err))


with Broker() as shared:
    for part in [through_pipes, on_a_dumb_terminal, a_script_of_lines]:
        with checking(part.__name__):
            part(shared)
done()
