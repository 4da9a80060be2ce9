# time: 300
# broker: none
"""kcat writes a file of 100,000 lines in every codec and reads it back byte for byte, before and after kill -9 and a restart."""

import os
import random

from harness import CODECS, TMP, Broker, check, checking, done, equal, kcat

LINES = 100_000


def make_file():
    """Lines as logs have them: of uneven length, not all ASCII, some of them alike."""
    chance = random.Random(20261121)
    words = [w + str(i) for i, w in enumerate(["order", "größe", "payment", "鍵", "click", "error", "user", "ok"] * 40)]
    path = os.path.join(TMP, "lines.txt")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(LINES):
            file.write(f"{number} " + " ".join(chance.choice(words) for _ in range(chance.randrange(1, 18))) + "\n")
    with open(path, "rb") as file:
        return path, file.read()


def read_back(topic, bootstrap):
    code, out, err = kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", bootstrap=bootstrap, seconds=90)
    return out if code == 0 else err


def main():
    path, text = make_file()
    broker = Broker().start()
    for codec in CODECS:
        with checking(f"{LINES} lines in {codec}"):
            topic = f"lines-{codec}"
            code, _, err = kcat("-P", "-t", topic, "-z", codec, "-l", path, bootstrap=broker.bootstrap, seconds=90)
            equal(f"kcat writes {LINES} lines in {codec}", (code, err if code else b""), (0, b""))
            check(f"and reads them back, {codec}", read_back(topic, broker.bootstrap) == text, "the bytes differ")
    broker.kill()
    broker.start()
    for codec in CODECS:
        with checking(f"after kill -9, {codec}"):
            check(f"reads the same after kill -9 and restart, {codec}", read_back(f"lines-{codec}", broker.bootstrap) == text, "the bytes differ")
    with checking("appending after recovery"):
        code, _, err = kcat("-P", "-t", "lines-none", stdin=b"one more\n", bootstrap=broker.bootstrap)
        equal("appends after the recovery", code, 0)
        check("and that line stands at the end", read_back("lines-none", broker.bootstrap) == text + b"one more\n", "the bytes differ")
    equal("stops cleanly", broker.stop(), 0)
    broker.start()
    with checking("after a clean stop"):
        check("reads the same after a clean stop", read_back("lines-zstd", broker.bootstrap) == text, "the bytes differ")
    broker.stop()
    done()


main()
