# time: 240
# broker: none
"""What a console has to put up with: storms of resizes, pasted text, records and names that are all control and escape sequences, terminals that
take nothing or little, a cluster that is killed while it is looked at."""

import os
import random
import re
import signal
import time

from confluent_kafka import Consumer, Producer

import harness
from console_keys import ENTER, ESC, Terminal
from harness import TMP, Broker, check, checking, done, equal, wait_until

PLACES = {"KASTELLAN_CONFIG_DIR": os.path.join(TMP, "config"), "XDG_STATE_HOME": os.path.join(TMP, "state"), "TMUX": ""}
PASTE, PASTED = "\x1b[200~", "\x1b[201~"
# What a terminal would obey, with a word behind that says which it was.
SEQUENCES = [
    b"\x1b]0;PWN\x07", b"\x1b]52;c;UFdO\x07", b"\x1b]8;;http://PWN\x1b\\", b"\x1bPPWN\x1b\\", b"\x1b_PWN\x1b\\", b"\x1b^PWN\x1b\\", b"\x1bXPWN\x1b\\",
    b"\x1b[2JPWN", b"\x1b[?1049lPWN", b"\x1b[31mPWN", b"\x1b[5;5HPWN", b"\x1b[6nPWN", b"\x1b[cPWN", b"\x1b[20tPWN", b"\x1b#8PWN", b"\x1b(0PWN", b"\x1bcPWN",
    b"\x1b[?2026hPWN", b"\x1b]9;PWN\x07", b"\x1b[200~PWN", b"\xc2\x9b2JPWN", b"\xc2\x9d0;PWN\xc2\x9c", b"\x9b2JPWN", b"\x9d0;PWN\x9c",
    b"\xe2\x80\xaePWN", b"\xe2\x80\x8bPWN", b"\xef\xbb\xbfPWN", b"\xf3\xa0\x80\x81PWN", b"\xff\xfePWN", b"\xc0\x9bPWN", b"\xed\xa0\x80PWN", b"%sPWN%n",
]
CONTROLS = [bytes([n]) + b"PWN" for n in [*range(0, 32), 127]] + [b"\xc2" + bytes([n]) + b"PWN" for n in range(0x80, 0xA0)]


def raw_ones(text):
    """Those of them that went to the terminal as they are. A newline, a return, a tab or a bare space of curses may well stand before a word."""
    harmless = {b"\nPWN", b"\rPWN", b"\tPWN", b"\x08PWN", b"%sPWN%n"}
    return [one for one in SEQUENCES + CONTROLS if one not in harmless and one in text]


def resizes(broker):
    chance = random.Random(11)
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", environment=PLACES)
    try:
        terminal.expect("it runs", "connected", "<overview>")
        for number in range(300):
            terminal.resize(chance.choice([1, 2, 20, 39, 40, 80, 133, 250]), chance.choice([1, 2, 9, 10, 24, 50, 90]))
            if number % 7 == 0:
                os.write(terminal.descriptor, chance.choice([b"1", b"2", b"3", b"4", b"5", b"?", b"\x1b[B", b"\t"]))
            terminal.pump(0.005)
        terminal.pump(0.5)
        terminal.resize(120, 40)
        terminal.press(ESC, ESC, "3")
        terminal.screen.reset()
        terminal.press("\x0c")
        terminal.expect("after three hundred resizes it is drawn as ever", "Topics(", "<topics>", "kastellan")
        equal("and lives", terminal.ended(0.2), None)
        terminal.press("\x03")
        equal("and ends well", terminal.ended(), 0)
    finally:
        terminal.close()


def pastes(broker):
    terminal = Terminal("-b", broker.bootstrap, "-c", "topics", environment=PLACES)
    try:
        terminal.expect("a list", "<topics>", "evil")
        terminal.type(PASTE + "q\ry\r:q\r\x04\x03 dropped\x1b[B" + PASTED)
        terminal.pump(0.5)
        check("a paste into a list does nothing", terminal.ended(0.2) is None and "Topics(" in terminal.text and "Type " not in terminal.text, terminal.text)
        terminal.press("/")
        terminal.type(PASTE + "ev\x07i\x1b]0;PWN\x07l\nx" + PASTED)
        terminal.pump(0.5)
        check("into a line it is text", "/ev" in terminal.text and terminal.ended(0.2) is None, terminal.text[-300:])
        check("and nothing of it is sent back raw", not raw_ones(terminal.raw), raw_ones(terminal.raw))
        terminal.press(ESC, ESC)
        terminal.type(PASTE + "x" * 2_000_000 + PASTED)
        terminal.press("4")
        terminal.expect("two million characters at once are got over", "<groups>", seconds=40)
        terminal.type(PASTE + "no end of it")
        terminal.pump(2.6)
        terminal.press("3")
        terminal.expect("a paste without an end is over after a while", "<topics>")
        terminal.press("\x03")
        equal("it ends well", terminal.ended(), 0)
    finally:
        terminal.close()


def fill(broker):
    harness.kastellan("topics", "create", "evil", "-p", "1", bootstrap=broker.bootstrap)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for one in SEQUENCES + CONTROLS:
        text = one.decode(errors="replace").replace("\x00", "?")
        producer.produce("evil", key=one, value=b'{"a":"' + one + b'"}' if one[:1] == b"\xc2" else one, headers=[(text, one), ("h", one + one)])
    producer.flush(30)


def hostile(broker):
    evil = "\x1b]0;PWN\x07\x1b[2JPWN\u009b2JPWN\u202ePWN"
    consumer = Consumer({
        "bootstrap.servers": broker.bootstrap, "group.id": "g" + evil, "client.id": "c" + evil, "auto.offset.reset": "earliest", "enable.auto.commit": True})
    consumer.subscribe(["evil"])
    for _ in range(200):
        if consumer.poll(0.1):
            break
    consumer.commit(asynchronous=False)
    words = ["quotas", "set", "--user", "u" + evil, "--client", "c" + evil, "--set", "producer_byte_rate=100000000", "--yes"]
    code, out, err = harness.kastellan(*words, bootstrap=broker.bootstrap)
    check("a quota is made, and told without a control", code == 0 and not raw_ones((out + err).encode()), (code, out, err))
    writer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "t" + evil})
    writer.init_transactions(30)
    writer.begin_transaction()
    writer.produce("evil", b"open")
    writer.flush(20)
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", columns=200, rows=60, environment=PLACES)
    try:
        terminal.expect("it runs", "connected")
        for key, sign in [("\x14", "t^[]0;PWN^G"), ("Q", "u^[]0;PWN^G")]:
            terminal.press(key)
            terminal.expect(f"a view of such names ({sign[0]})", sign)
            terminal.press(ENTER, ESC, "d", ESC)
        terminal.press("5")
        terminal.expect("events", "<events>")
        terminal.press("4")
        terminal.expect("a group of that name", "g^[]0;PWN^G")
        terminal.press(ENTER)
        terminal.expect("and its member", "c^[]0;PWN^G")
        for keys in ["d", ESC, "w", ESC, "\t", "d", "1"]:
            terminal.press(keys)
        terminal.expect("elsewhere", "<overview>")
        terminal.type(":tail evil begin" + ENTER)
        terminal.expect("its records", "Tail(evil)", "PWN")
        for keys in ["h", "x", "x", "w", "p", "g", ENTER, "x", "x", ESC, "G", ENTER, ESC, "p", "w"]:
            terminal.press(keys)
        for _ in range(40):
            terminal.press("k")
        terminal.press("y")
        terminal.type("/PWN" + ENTER)
        terminal.type(":tail evil PWN\x9b" + ENTER)
        terminal.pump(1)
        check("none of a hundred sequences reaches the terminal", not raw_ones(terminal.raw), raw_ones(terminal.raw))
        check("nor does it change the title, or leave the screen", b"\x1b]0;" not in terminal.raw and terminal.raw.count(b"\x1b[?1049l") == 0, "")
        terminal.press("\x03")
        equal("it ends well", terminal.ended(), 0)
        check("and the terminal is as it was", terminal.restored(), terminal.raw[-200:])
    finally:
        terminal.close()
        consumer.close()
        writer.abort_transaction(20)


def clog(terminal):
    """Whole screens, far more than a pty holds, and nobody reads them."""
    for _ in range(60):
        os.write(terminal.descriptor, b"\x0c3\x0c4")
        time.sleep(0.03)


def deaf_terminals(broker):
    """Terminals that take nothing any more: the console neither hangs nor stays."""
    for name, number, codes in [("SIGTERM", signal.SIGTERM, (0,)), ("SIGHUP", signal.SIGHUP, (1,)), ("ctrl-c", None, (0,))]:
        terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", columns=200, rows=60, environment=PLACES)
        try:
            terminal.expect(f"{name}: it runs", "connected")
            clog(terminal)
            if number:
                os.kill(terminal.process, number)
            else:
                os.write(terminal.descriptor, b"\x03")
            wait_until(lambda: gone(terminal), 8)
            check(f"{name}: it ends though nobody reads", terminal.status in codes, terminal.status)
        finally:
            terminal.close()
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", columns=200, rows=60, environment=PLACES)
    try:
        terminal.expect("it runs", "connected")
        clog(terminal)
        os.write(terminal.descriptor, b"4")
        time.sleep(1)
        terminal.expect("one that listens again gets the screen as it is", "<groups>", "connected")
        terminal.expect("and is told that it was slow", "kB/s")
        check("until it is not", terminal.pump(40, lambda: "kB/s" not in terminal.text), terminal.text[:300])
        terminal.press("\x03")
        equal("and it ends well", terminal.ended(), 0)
    finally:
        terminal.close()
    terminal = Terminal("-b", broker.bootstrap, environment=PLACES)
    terminal.expect("it runs", "connected")
    os.close(terminal.descriptor)
    check("a terminal that goes away ends it", wait_until(lambda: gone(terminal), 8) and terminal.status not in (None, -signal.SIGKILL), terminal.status)
    if terminal.status is None:
        os.kill(terminal.process, signal.SIGKILL)


def gone(terminal):
    found, status = os.waitpid(terminal.process, os.WNOHANG)
    if found:
        terminal.status = os.waitstatus_to_exitcode(status)
    return bool(found)


def slow_links(broker):
    """A cap on what is sent, while something changes all the time."""
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", "--max-bytes-per-second", "600", environment=PLACES)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    try:
        terminal.expect("the header says what is sent, and the cap", "of 0.6 kB/s", seconds=30)
        terminal.pump(12)
        before, began = len(terminal.raw), time.monotonic()
        while time.monotonic() - began < 12:
            producer.produce("evil", b"x" * random.randrange(900))
            producer.poll(0)
            terminal.pump(0.02)
        rate = (len(terminal.raw) - before) / (time.monotonic() - began)
        print(f"{rate:.0f} bytes a second of 600", flush=True)
        check("over time no more than that is sent", 0 < rate <= 660, rate)
        terminal.press("3")
        terminal.expect("keys are answered all the same", "<topics>", seconds=30)
        producer.flush(10)
        terminal.expect("and in the end nothing is sent", "0 of 0.6 kB/s", seconds=40)
        check("not even the figure", terminal.falls_silent(3, 40), terminal.raw[-200:])
        terminal.press("\x03")
        equal("it ends well", terminal.ended(), 0)
    finally:
        terminal.close()


def whole_frames(broker):
    """A terminal that says it can take frames as one gets them so; others are never sent a mark."""
    for answer, able in [("2", True), ("0", False), ("", False)]:
        terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", environment=PLACES)
        try:
            check("it asks", terminal.pump(5, lambda: b"\x1b[?2026$p" in terminal.raw), terminal.raw[:200])
            if answer:
                os.write(terminal.descriptor, f"\x1b[?2026;{answer}$y".encode())
            terminal.expect(f"answer {answer or 'none'}: it runs", "connected", "<overview>")
            terminal.press("3", "4", "2")
            terminal.expect("views", "<brokers>")
            begun, ended = terminal.raw.count(b"\x1b[?2026h"), terminal.raw.count(b"\x1b[?2026l")
            check(f"answer {answer or 'none'}: {'frames between marks' if able else 'no marks'}", begun == ended and (begun > 0) == able, (begun, ended))
            if able:
                inside = re.findall(rb"\x1b\[\?2026h(.*?)\x1b\[\?2026l", terminal.raw, re.S)
                check("and no mark inside a frame", all(b"2026" not in one for one in inside), "")
            check("the answer is not taken for keys", "2026" not in terminal.text, terminal.text)
            terminal.press("\x03")
            equal("it ends well", terminal.ended(), 0)
        finally:
            terminal.close()


def killed(broker):
    terminal = Terminal("-b", broker.bootstrap, "--refresh", "1", "-c", "topics", environment=PLACES)
    try:
        terminal.expect("a topic", "evil", "connected")
        broker.kill()
        terminal.expect("what was seen stays, with its age", "disconnected, last data", "ago", "evil", seconds=30)
        check("which grows", terminal.shows("last data 3s") and terminal.shows("last data 6s") and "evil" in terminal.text, terminal.text[:900])
        terminal.press(ENTER)
        terminal.expect("one can go on looking", "Partitions(", "disconnected")
        terminal.press(ESC)
        broker.start()
        terminal.expect("and it comes back", "● connected", "evil", seconds=60)
        terminal.press("\x03")
        equal("it ends well", terminal.ended(), 0)
    finally:
        terminal.close()


with Broker() as shared:
    with checking("fill"):
        fill(shared)
    for part in [resizes, pastes, hostile, deaf_terminals, whole_frames, slow_links, killed]:
        with checking(part.__name__):
            part(shared)
done()
