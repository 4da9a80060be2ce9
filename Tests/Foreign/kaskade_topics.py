# time: 90
"""kaskade 5.1, another terminal program for Kafka, started against the broker in a pseudo terminal: it shows the topics, and the records of one.

It has a Python environment of its own (requirements-kaskade.txt, `make kaskade`), named by KASKADE or found in .build/venv-kaskade."""

import os
import sys
import time

import pexpect
import pyte

from harness import BOOTSTRAP, TMP, check, checking, done, equal, kastellan

PLACES = [os.environ.get("KASKADE"), os.path.join(os.getcwd(), ".build", "venv-kaskade", "bin", "kaskade")]


class Screen:
    """A program in a pseudo terminal of 120 × 40, and what its screen shows."""

    def __init__(self, program, *words):
        self.screen = pyte.Screen(120, 40)
        self.stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            program, list(words), dimensions=(40, 120), timeout=1,
            env={**os.environ, "TERM": "xterm-256color", "HOME": TMP, "LANG": "C.UTF-8"})

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def shows(self, *words, seconds=40):
        """Whether all the words come to stand on the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not all(word in self.text() for word in words):
            try:
                self.stream.feed(self.process.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                break
        return all(word in self.text() for word in words)

    def close(self):
        self.process.close(force=True)


def main():
    program = next((p for p in PLACES if p and os.path.exists(p)), None)
    if not check("kaskade is there", program is not None, "run `make kaskade`"):
        return
    for topic in ("oranges", "lemons"):
        equal(f"topic {topic} is made", kastellan("topics", "create", topic, "-p", "3")[0], 0)
    equal("a record is written", kastellan("produce", "oranges", "-k", "spain", stdin="bitter\n")[0], 0)
    with checking("kaskade lists the topics"):
        admin = Screen(program, "admin", "-b", BOOTSTRAP)
        check("kaskade lists the topics", admin.shows("oranges", "lemons"), admin.text()[-500:])
        admin.close()
    with checking("kaskade shows a record"):
        consumer = Screen(program, "consumer", "-b", BOOTSTRAP, "-t", "oranges", "--earliest", "-v", "string")
        check("kaskade shows a record", consumer.shows("bitter"), consumer.text()[-500:])
        consumer.close()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    done()
