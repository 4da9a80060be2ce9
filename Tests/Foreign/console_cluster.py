# time: 420
# broker: none
"""Three brokers driven from the console's keyboard while kcat goes on producing and consuming: a throttled reassignment is started, slowed down, watched
and cancelled, leaders are moved away, a broker is killed and started again, and nothing that was acknowledged is missing or there twice.

KASTELLAN_MOVE_MB says how much data the reassigned topic holds (default 48)."""

import os
import re
import subprocess
import tempfile
import threading
import time

import harness
from console_keys import ENTER, TAB, Terminal, apply
from harness import check, checking, done, equal

SPACE, DOWN, CTRL_D, CTRL_C = " ", "\x1b[B", "\x04", "\x03"
MEGABYTES = int(os.environ.get("KASTELLAN_MOVE_MB", "48"))


class Producer(threading.Thread):
    """An idempotent kcat that is given numbered lines, some hundred a second, until it is told to stop."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        words = ["kcat", "-b", bootstrap, "-P", "-t", "big", "-X", "acks=all", "-X", "enable.idempotence=true", "-X", "linger.ms=5"]
        self.kcat = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.stopping = threading.Event()
        self.count = 0

    def run(self):
        while not self.stopping.is_set():
            for _ in range(10):
                self.kcat.stdin.write(b"n%d\n" % self.count)
                self.count += 1
            self.kcat.stdin.flush()
            time.sleep(0.05)

    def stop(self):
        """The exit code of kcat, which is 0 where everything was acknowledged."""
        self.stopping.set()
        self.join()
        self.kcat.stdin.close()
        code = self.kcat.wait(60)
        return code, self.kcat.stderr.read().decode(errors="replace")


def fill(bootstrap):
    """So much in topic big, in records of a thousand bytes, as much in each partition: none is copied long before the others."""
    code, _, err = harness.kastellan("topics", "create", "big", "-p", "3", "-r", "2", bootstrap=bootstrap)
    equal("topic big is made", code, 0)
    line = (b"x" * 999 + b"\n") * 1000
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(max(1, MEGABYTES // 24)):
            file.write(line * 8)
        file.flush()
        for partition in "012":
            words = ["kcat", "-b", bootstrap, "-P", "-t", "big", "-p", partition, "-X", "acks=all", "-l", file.name]
            subprocess.run(words, check=True, timeout=300)


class Consumer(threading.Thread):
    """A kcat that reads the topic from its beginning and goes on; what it saw of the producer's lines, in its order."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        words = ["kcat", "-b", bootstrap, "-C", "-t", "big", "-u", "-q", "-f", "%s\n"]
        self.kcat = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lines = []

    def run(self):
        # What filled the topic before the producer came is not counted.
        for line in self.kcat.stdout:
            if line.startswith(b"n"):
                self.lines.append(line.decode().strip())

    def stop(self, wanted):
        """Waits until so many lines are there, and a moment for lines too many."""
        harness.wait_until(lambda: len(self.lines) >= wanted, 60)
        time.sleep(0.5)
        self.kcat.kill()
        self.kcat.wait()
        self.join()
        return self.lines


def left(terminal):
    """What the reassignments' title says is left, in bytes; None where it says nothing."""
    found = re.search(r"moving, ([0-9.]+) (B|KiB|MiB|GiB) left", terminal.text)
    return float(found.group(1)) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(found.group(2)) if found else None


def reassign(terminal):
    terminal.press("3")
    terminal.expect("the topic is listed", "big")
    terminal.press("m", TAB)
    terminal.type("3")
    terminal.press(TAB)
    terminal.type("512K")
    terminal.press(TAB, ENTER)
    terminal.expect("a reassignment says what it copies and how fast", "replicas to copy", "throttled to 512 KiB a second", "kafka-reassign")
    apply(terminal, "reassign")
    terminal.press("7")
    terminal.expect("it is watched: three on their way", "3 moving")
    terminal.expect("with what is left, a rate, and the throttle", "iB left", "/s", "512 KiB/s")
    first = left(terminal)
    check("less is left as time goes by", terminal.pump(20, lambda: (left(terminal) or first) < first), f"{first}\n{terminal.text}")

    terminal.press("T")
    terminal.expect("the form knows the throttle", "512 KiB/s on 1,2,3")
    terminal.type("256K")
    terminal.press(ENTER)
    terminal.expect("the plan shows both rates", "512 KiB/s", "256 KiB/s")
    apply(terminal, "throttle")
    terminal.expect("and it holds", "256 KiB/s")

    terminal.press(SPACE, SPACE, SPACE, CTRL_D)
    terminal.expect("what is copied so far goes", "COPIED SO FAR IS REMOVED FROM", "the throttle is removed")
    apply(terminal, "cancel")
    terminal.expect("nothing is on its way", "Nothing is being reassigned, and no throttle is left behind.")
    terminal.press("5")
    terminal.expect("the timeline tells it", "move cancelled", "replication.throttled")


def leaders_away(terminal):
    terminal.press("2", "D", ENTER, ENTER, ENTER)
    apply(terminal, "drain leaders")
    terminal.expect("they were elected elsewhere", "preferred leader elected")
    terminal.press("z")
    apply(terminal, "undo")


def kill_and_restart(terminal):
    terminal.press("g", "X")
    terminal.expect("faults are a menu", "Chaos on broker 1", "kill it, as by kill -9")
    terminal.press("k")
    terminal.expect("cause and effect", "! killed", "chaos", "broker fenced", "broker 1 is down", seconds=30)
    terminal.press("6", "f", "f")
    terminal.expect("what is under-replicated is found", "Partitions(under-replicated)", "big-", "in sync")
    terminal.press("2", "X", "r")
    terminal.expect("it comes back", "broker unfenced", "broker 1 caught up", seconds=60)
    terminal.press("8")
    terminal.expect("the quorum is whole", "Quorum(leader", "following")


def whole_story():
    terminal = Terminal("dev", "--brokers", "3", "--port", "0", "--ephemeral", columns=140, rows=45)
    try:
        terminal.expect("three brokers", "connected", "Brokers    3", seconds=60)
        bootstrap = re.search(r"127\.0\.0\.1:\d+", terminal.text).group(0)
        fill(bootstrap)
        producer, consumer = Producer(bootstrap), Consumer(bootstrap)
        producer.start()
        consumer.start()
        reassign(terminal)
        leaders_away(terminal)
        kill_and_restart(terminal)
        code, err = producer.stop()
        check("the producer lost nothing", code == 0 and "Delivery failed" not in err, f"{code} {err[-800:]}")
        read = consumer.stop(producer.count)
        wanted = {f"n{i}" for i in range(producer.count)}
        check("each of its messages was read once by a consumer that never stopped", len(read) == len(wanted) and set(read) == wanted,
              f"{len(read)} of {len(wanted)}; missing {sorted(wanted - set(read))[:9]}")
        terminal.press(CTRL_C)
        equal("the console quits, the cluster stops", terminal.ended(30), 0)
    finally:
        terminal.close()


if __name__ == "__main__":
    with checking("whole story"):
        whole_story()
    done()
