"""The console in line mode, behind pipes: a line goes in, lines come out."""

import os
import select
import subprocess
import time

from harness import PROGRAM, TMP, check

PLACES = {"KASTELLAN_CONFIG_DIR": os.path.join(TMP, "config"), "XDG_STATE_HOME": os.path.join(TMP, "state")}


class Lines:
    """The program behind two pipes: lines go in, lines come out."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **PLACES})
        self.text = b""
        self.seen = 0

    def pump(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.2)
            if ready:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    break
                self.text += data
        return until()

    def new(self):
        return self.text[self.seen:].decode(errors="replace")

    def type(self, line):
        self.seen = len(self.text)
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def expect(self, name, *parts, seconds=20):
        return check(name, self.pump(seconds, lambda: all(part in self.new() for part in parts)), f"wanted {parts} in {self.new()}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
