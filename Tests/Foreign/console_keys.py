# time: 240
# broker: none
"""The console in a real terminal: an emulator on a pty reads what it draws, and keys drive it as a user would."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pyte

import harness
from harness import check, checking, done, equal

PROGRAM = sys.argv[1] if __name__ == "__main__" and len(sys.argv) > 1 else harness.PROGRAM
ENTER, ESC, TAB, RIGHT = "\r", "\x1b", "\t", "\x1b[C"


def kcat(*words, stdin=None, bootstrap):
    """What kcat prints."""
    _, out, _ = harness.kcat(*words, stdin=stdin, bootstrap=bootstrap)
    return out.decode(errors="replace")


class Screen(pyte.Screen):
    """What curses sends to an xterm and pyte leaves out: scrolling a region (SU, SD) and repeating a character (REP)."""

    last = " "

    def draw(self, data):
        self.last = data[-1:] or self.last
        super().draw(data)

    def repeat(self, count=1):
        super().draw(self.last * max(1, count))

    def scroll_up(self, count=1):
        self._at_top(self.delete_lines, count)

    def scroll_down(self, count=1):
        self._at_top(self.insert_lines, count)

    def _at_top(self, change, count):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        change(max(1, count))
        self.cursor.x, self.cursor.y = x, y


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, S="scroll_up", T="scroll_down", b="repeat")
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Terminal:
    """A program on a pty, and the screen that a terminal would show of it."""

    def __init__(self, *arguments, columns=120, rows=40, environment=None):
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        self.raw = b""
        self.status = None
        started = time.monotonic()
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            values = dict(os.environ, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8", SWIFT_BACKTRACE="enable=no")
            for name in ("NO_COLOR", "LINES", "COLUMNS"):
                values.pop(name, None)
            values.update(environment or {})
            os.execve(PROGRAM, [PROGRAM, *arguments], values)
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.descriptor)
        self.pump(10, lambda: self.raw)
        self.first_frame = time.monotonic() - started

    def resize(self, columns, rows):
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def pump(self, seconds, until=lambda: False):
        """Reads what is drawn until a condition holds; returns whether it came to hold."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return False
            ready, _, _ = select.select([self.descriptor], [], [], min(left, 0.2))
            if not ready:
                continue
            try:
                data = os.read(self.descriptor, 65536)
            except OSError:
                data = b""
            if not data:
                return until()
            self.raw += data
            self.stream.feed(data)
        return True

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def shows(self, *parts, seconds=20):
        return self.pump(seconds, lambda: all(part in self.text for part in parts))

    def expect(self, name, *parts, seconds=20):
        return check(name, self.shows(*parts, seconds=seconds), f"wanted {parts} on\n{self.text}")

    def falls_silent(self, seconds=3, within=40):
        """Whether no byte comes for so long, once the traffic of before has left the charts."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            before = len(self.raw)
            self.pump(seconds)
            if len(self.raw) == before:
                return True
        return False

    def press(self, *keys):
        """A pause after each key, so that Esc is not taken for the start of a sequence."""
        for key in keys:
            os.write(self.descriptor, key.encode())
            self.pump(0.12)

    def type(self, text):
        os.write(self.descriptor, text.encode())
        self.pump(0.15)

    def ended(self, seconds=10):
        """The exit code, or minus the signal; None while it runs."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            self.pump(0.05)
            found, status = os.waitpid(self.process, os.WNOHANG)
            if found:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def restored(self):
        """The modes of the terminal are what they were, and the alternate screen has been left."""
        now = termios.tcgetattr(self.descriptor)
        flags = [now[i] == self.before[i] for i in (0, 1, 3)]
        return all(flags) and self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")

    def close(self):
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.descriptor)


def apply(terminal, name):
    """Goes from a plan's Cancel, where the focus is, to Apply."""
    terminal.expect(f"{name}: its plan is shown", "[ Cancel ]")
    terminal.press(TAB, ENTER)
    terminal.expect(f"{name}: done, and checked", "Done, and the cluster now is as planned.")
    terminal.press(ENTER)


def create_produce_tail(terminal, bootstrap):
    terminal.press("3")
    terminal.expect("an empty list says what to do next", "No topics yet.", "creates one here")
    terminal.press("n")
    terminal.type("shop")
    terminal.press(ENTER)
    terminal.type("2")
    terminal.press(ENTER, ENTER, ENTER, ENTER, ENTER)
    terminal.expect("the plan shows Kafka's own command", "kafka-topics.sh", "--create --topic shop")
    apply(terminal, "create topic")
    listing = kcat("-L", "-t", "shop", bootstrap=bootstrap)
    check("kcat sees the topic", 'topic "shop" with 2 partitions' in listing, listing)

    terminal.press("p")
    terminal.type("k1")
    terminal.press(ENTER)
    terminal.type("hello from the keyboard")
    terminal.press(ENTER, ENTER, ENTER, ENTER, ENTER, ENTER)
    apply(terminal, "produce")
    read = kcat("-C", "-t", "shop", "-e", "-f", "%k=%s\n", bootstrap=bootstrap)
    check("kcat reads the message", "k1=hello from the keyboard\n" in read, read)

    terminal.press("l")
    terminal.expect("the tail shows what is there", "Tail(shop)", "hello from the keyboard", "following")
    evil = b'{"order":7,"note":"\x1b]0;pwned\x07\x1b[31m"}\n'
    kcat("-P", "-t", "shop", stdin=b"first line\nsecond line\n" + evil, bootstrap=bootstrap)
    terminal.expect("and what comes, within a second", "first line", "second line", '"order"', seconds=3)
    check("payloads do not reach the terminal raw", b"]0;pwned" not in terminal.raw.replace(b"^[]0;pwned^G", b""), "")
    terminal.press("/")
    terminal.type("v:second")
    terminal.press(ENTER)
    terminal.expect("a filter narrows", "</v:second>", "[1/4]")
    # The title may have come a moment before the rows of the same frame.
    terminal.pump(3, lambda: "first line" not in terminal.text)
    check("to what matches", "first line" not in terminal.text, terminal.text[700:])
    terminal.press(ESC, ESC)


def reset_and_delete(terminal, bootstrap):
    kcat("-G", "readers", "-e", "-X", "auto.offset.reset=earliest", "shop", bootstrap=bootstrap)
    terminal.press("4")
    terminal.expect("the group is there, and empty", "readers", "Empty")
    terminal.press("s", ENTER, ENTER, ENTER)
    terminal.expect("the plan has a row for each partition", "BEFORE", "AFTER", "--to-earliest")
    apply(terminal, "reset offsets")
    again = kcat("-G", "readers", "-e", "shop", bootstrap=bootstrap)
    check("the group reads everything again", again.count("\n") == 4, again)

    terminal.press("3", "\x04")
    terminal.expect("deleting wants the name typed", "Type shop to go on")
    terminal.press(ENTER, TAB, TAB, ENTER)
    listing = kcat("-L", bootstrap=bootstrap)
    check("and nothing happens without it", 'topic "shop"' in listing, listing)
    if "Type shop" not in terminal.text:
        terminal.press("\x04")
    terminal.shows("Type shop to go on")
    terminal.press("\x1b[Z", "\x15")
    terminal.press("\x1b")
    terminal.press("\x04")
    terminal.shows("Type shop to go on")
    terminal.type("shop")
    terminal.press(ENTER, ENTER)
    terminal.expect("delete topic: done, and checked", "Done, and the cluster now is as planned.")
    terminal.press(ENTER)
    listing = kcat("-L", bootstrap=bootstrap)
    check("kcat does not see it any more", 'topic "shop"' not in listing, listing)
    terminal.press("5")
    terminal.expect("the timeline has it all", "topic created", "offsets reset", "topic deleted")


def terminal_manners(terminal):
    terminal.press("3")
    terminal.shows("Topics(")
    check("nothing is sent while nothing changes", terminal.falls_silent(), terminal.raw[-300:])
    terminal.resize(70, 20)
    terminal.expect("it follows a resize", "Topics(", "<topics>")
    terminal.resize(30, 5)
    terminal.expect("and says when there is too little room", "needs 40x10")
    terminal.resize(120, 40)
    terminal.expect("and comes back", "Topics(", "Cluster")
    os.kill(terminal.process, signal.SIGTSTP)
    _, status = os.waitpid(terminal.process, os.WUNTRACED)
    terminal.pump(0.3)
    check("a stop leaves the terminal to the shell", os.WIFSTOPPED(status) and terminal.restored(), status)
    os.kill(terminal.process, signal.SIGCONT)
    terminal.screen.reset()
    terminal.expect("and it draws itself anew when continued", "Topics(", "<topics>")


def whole_story():
    terminal = Terminal("dev", "--brokers", "1", "--port", "0", "--ephemeral")
    try:
        terminal.expect("the console opens on its cluster", "kastellan", "connected", "<overview>")
        print(f"first bytes after {terminal.first_frame * 1000:.0f} ms", flush=True)
        found = re.search(r"127\.0\.0\.1:\d+|localhost:\d+", terminal.text)
        if not check("the header tells the address", bool(found), terminal.text):
            return
        bootstrap = found.group(0)
        create_produce_tail(terminal, bootstrap)
        reset_and_delete(terminal, bootstrap)
        terminal_manners(terminal)
        terminal.press("q", "y")
        equal("q and y quit", terminal.ended(), 0)
        check("and the terminal is as it was", terminal.restored(), terminal.raw[-200:])
    finally:
        terminal.close()


def ends_well(name, number, code):
    terminal = Terminal("dev", "--brokers", "1", "--port", "0", "--ephemeral")
    try:
        terminal.shows("connected")
        os.kill(terminal.process, number)
        ended = terminal.ended()
        check(f"{name} ends it", ended is not None and (code is None or ended == code), ended)
        check(f"{name} leaves the terminal as it was", terminal.restored(), terminal.raw[-200:])
    finally:
        terminal.close()


def other_terminals():
    for name, values, sign in [
        ("vt100", {"TERM": "vt100"}, "┌"), ("NO_COLOR", {"NO_COLOR": "1"}, "┌"), ("a locale without UTF-8", {"LANG": "C", "LC_ALL": "C", "TERM": "tmux-256color"}, "+--"),
    ]:
        terminal = Terminal("dev", "--brokers", "1", "--port", "0", "--ephemeral", columns=80, rows=24, environment=values)
        try:
            terminal.expect(f"{name}: it draws", "kastellan", "connected", sign)
            colours = re.search(rb"\x1b\[[0-9;]*(3[0-8]|4[0-8])[;m]", terminal.raw)
            if name != "a locale without UTF-8":
                check(f"{name}: without colours", colours is None, colours and colours.group(0))
            terminal.press("\x03")
            equal(f"{name}: ctrl-c quits", terminal.ended(), 0)
        finally:
            terminal.close()
    terminal = Terminal("dev", "--brokers", "1", "--port", "0", "--ephemeral", environment={"TERM": "nonesuch"})
    try:
        check("a type nobody knows: refused", terminal.ended() == 1, terminal.status)
        check("with the reason", b"is not known here" in terminal.raw, terminal.raw)
    finally:
        terminal.close()


if __name__ == "__main__":
    for step in [whole_story, other_terminals]:
        with checking(step.__name__):
            step()
    for name, number, code in [("SIGTERM", signal.SIGTERM, 0), ("SIGHUP", signal.SIGHUP, None), ("a crash", signal.SIGSEGV, -signal.SIGSEGV)]:
        with checking(name):
            ends_well(name, number, code)
    done()
