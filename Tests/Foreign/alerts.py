# time: 150
# broker: none
"""Alerts of the console, seen as the terminal and as a program of the user's get them: the bell, OSC 9 and a hook's environment, once per change."""

import os
import re

import harness
from console_keys import ENTER, Terminal
from harness import TMP, check, checking, done, equal, wait_until

CONFIG = os.path.join(TMP, "config")
PLACES = {"KASTELLAN_CONFIG_DIR": CONFIG, "XDG_STATE_HOME": os.path.join(TMP, "state"), "TMUX": ""}
OUT = os.path.join(TMP, "hooks")


def settings():
    os.makedirs(CONFIG, exist_ok=True)
    os.makedirs(OUT, exist_ok=True)
    script = os.path.join(TMP, "hook")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"""#!/bin/sh
printf '%s|' "$@" "$KASTELLAN_ALERT" "$KASTELLAN_ALERT_STATE" "$KASTELLAN_ALERT_WHAT" "$KASTELLAN_ALERT_OBJECT" "$KASTELLAN_ALERT_VALUE" > {OUT}/$$.new
mv {OUT}/$$.new {OUT}/$$
""")
    os.chmod(script, 0o700)
    with open(os.path.join(CONFIG, "kastellan.yaml"), "w", encoding="ascii") as file:
        file.write(f"""alerts:
  - {{name: copies, when: under-replicated > 0, resolved: true, run: "{script} '$(id)' x"}}
  - {{name: lost, on: broker-down, do: [bell, notify], run: {script}}}
  - {{name: new, on: topic-created, of: 'shop*', do: notify}}
  - {{name: behind, when: lag(readers) >= 4, resolved: true, do: bell}}
  - {{name: away, on: [disconnected, connected], do: notify}}
""")


def hooks():
    out = []
    for name in sorted(os.listdir(OUT)):
        if not name.endswith(".new"):
            with open(os.path.join(OUT, name), encoding="utf-8", errors="replace") as file:
                out.append(file.read())
    return sorted(out)


def notifications(terminal):
    return re.findall(rb"\x1b\]9;([^\x07]*)\x07", terminal.raw)


def bells(terminal):
    """Those that do not end a sequence."""
    return re.sub(rb"\x1b\][^\x07]*\x07", b"", terminal.raw).count(b"\x07")


def of_a_cluster():
    terminal = Terminal("dev", "--brokers", "3", "--port", "0", "--ephemeral", environment=PLACES)
    try:
        terminal.expect("three brokers", "connected", "Brokers    3", seconds=60)
        found = re.search(r"(127\.0\.0\.1|localhost):\d+", terminal.text)
        bootstrap = found.group(0)
        harness.kastellan("topics", "create", "shop-a", "-p", "3", "-r", "3", bootstrap=bootstrap)
        check("a topic that is meant is told", terminal.pump(15, lambda: notifications(terminal)), terminal.text)
        equal("in one line of text", notifications(terminal), [b"kastellan dev: new: topic created shop-a 3 partitions, replication factor 3"])
        harness.kastellan("topics", "create", "other", "-p", "1", bootstrap=bootstrap)
        terminal.pump(4)
        equal("and no other topic is, nor a bell rung", (len(notifications(terminal)), bells(terminal)), (1, 0))
        terminal.press("2", "g", "X")
        terminal.expect("faults are a menu", "Chaos on broker 1")
        terminal.press("k")
        check("a lost broker rings, and the copies with it", terminal.pump(40, lambda: len(notifications(terminal)) >= 2 and len(hooks()) >= 2), (notifications(terminal), hooks()))
        terminal.pump(6)
        texts = [text for text in notifications(terminal) if b"lost: broker" in text]
        check("who was lost is told once", len(texts) == 1 and b"broker 1" in texts[0], texts)
        equal("with one ring", bells(terminal), 1)
        equal("the hooks know what happened, and no shell saw it",
              [re.sub(r"\|\d+\|$", "|N|", text) for text in hooks()], ["$(id)|x|copies|firing|||N|", "lost|event|broker fenced|broker 1||"])
        terminal.press("2", "g", "X", "r")
        check("when it is over the hook hears that too", wait_until(lambda: terminal.pump(0.3) or any("resolved" in text for text in hooks()), 90), hooks())
        terminal.pump(4)
        equal("three runs in all", len(hooks()), 3)
        check("and still one ring", bells(terminal) == 1, bells(terminal))
        terminal.type(":q" + ENTER)
        equal("it ends well", terminal.ended(), 0)
    finally:
        terminal.close()


def of_a_group():
    """A group falls behind by four, though another view is on the screen; then the cluster goes away."""
    broker = harness.Broker().start()
    harness.kastellan("topics", "create", "orders", "-p", "1", bootstrap=broker.bootstrap)
    harness.kcat("-P", "-t", "orders", stdin=b"1\n2\n3\n", bootstrap=broker.bootstrap)
    harness.kcat("-G", "readers", "-e", "-X", "auto.offset.reset=earliest", "orders", bootstrap=broker.bootstrap)
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", "-c", "quotas", environment=PLACES)
    try:
        terminal.expect("another view is on the screen", "<quotas>", "connected")
        terminal.pump(6)
        equal("nothing to tell yet", bells(terminal), 0)
        harness.kcat("-P", "-t", "orders", stdin=b"4\n5\n6\n7\n8\n", bootstrap=broker.bootstrap)
        terminal.expect("the lag is seen all the same", "behind: lag(readers) is 5", seconds=20)
        equal("one ring", bells(terminal), 1)
        terminal.pump(7)
        equal("and no more of them with the next pictures", bells(terminal), 1)
        harness.kcat("-G", "readers", "-e", "orders", bootstrap=broker.bootstrap)
        check("its end rings once more", terminal.pump(20, lambda: bells(terminal) == 2), terminal.text)
        broker.kill()
        check("a cluster that is gone is told", terminal.pump(30, lambda: notifications(terminal)), terminal.text)
        check("as what it is", b"away: disconnected" in notifications(terminal)[0], notifications(terminal))
        broker.start()
        check("and its return", terminal.pump(40, lambda: len(notifications(terminal)) == 2), notifications(terminal))
        terminal.press("\x03")
        equal("it ends well", terminal.ended(), 0)
    finally:
        terminal.close()
        broker.stop()


def mistakes():
    with open(os.path.join(CONFIG, "kastellan.yaml"), "w", encoding="ascii") as file:
        file.write("alerts:\n  - when: luck > 3\n")
    code, _, err = harness.kastellan("console", "-b", "127.0.0.1:1", environment=PLACES)
    check("a rule that cannot be is refused with its line", code == 2 and "kastellan.yaml: line 2" in err, (code, err))


settings()
for step in [of_a_cluster, of_a_group, mistakes]:
    with checking(step.__name__):
        step()
done()
