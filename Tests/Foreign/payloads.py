# time: 90
"""MessagePack and CBOR as their own libraries write them, read by `kastellan tail` as JSON: by their look, and where the format is said."""

import datetime
import json
import random

import cbor2
import msgpack
from confluent_kafka import Producer
from harness import BOOTSTRAP, check, checking, done, equal, kastellan

LIBRARIES = {"msgpack": msgpack.packb, "cbor": cbor2.dumps}


def write(topic, values, key=None):
    kastellan("topics", "create", topic, "-p", "1")
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for value in values:
        producer.produce(topic, value=value, key=key)
    producer.flush(20)


def tail(topic, *words):
    code, out, err = kastellan("tail", topic, "-e", *words)
    return code, out.split("\n")[:-1], err


def anything(dice, depth=0):
    """A value that JSON has too."""
    kind = dice.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return dice.random() < 0.5
    if kind == 2:
        return dice.choice(
            [0, 23, 24, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, -1, -32, -33, -128, -129, -2**31, -2**63])
    if kind == 3:
        return dice.choice([0.5, -2.25, 1e100, 0.1, 3.0e-5])
    if kind in (4, 5):
        return "".join(dice.choice(["a", "ü", "\n", "\"", "\\", "😀", "x" * 40]) for _ in range(dice.randrange(12)))
    if kind in (6, 7):
        return {f"k{dice.randrange(1000)}": anything(dice, depth + 1) for _ in range(dice.randrange(6))}
    return [anything(dice, depth + 1) for _ in range(dice.randrange(20))]


def random_documents():
    dice = random.Random(9)
    for name, pack in LIBRARIES.items():
        documents = [{"id": n, "is it": b"\xff".hex(), "it": anything(dice)} for n in range(300)]
        # Text wins: a document whose bytes happen to be text stays as it is. Above 0x80 they begin, and nothing of UTF-8 does.
        write(f"any-{name}", [pack(document) for document in documents])
        code, lines, err = tail(f"any-{name}")
        check(f"{name}: documents are read by their look", code == 0 and [json.loads(line) for line in lines] == documents, (code, err))
        code, lines, err = tail(f"any-{name}", "-F", "| .id % 3 == 0 and (.it | type) == \"object\"")
        wanted = [d for d in documents if d["id"] % 3 == 0 and isinstance(d["it"], dict)]
        check(f"{name}: and filtered by jq", [json.loads(line) for line in lines] == wanted and wanted, (code, err))
        _, lines, _ = tail(f"any-{name}", "-F", "v:id.:17,")
        equal(f"{name}: and by expressions", [json.loads(line)["id"] for line in lines], [17])


def scalars():
    values = [0, -7, True, None, "text", b"\x00\x01", 2**64 - 1, 0.25, [1, [2, {}]], {"a": {"b": []}}]
    wanted = [0, -7, True, None, "text", "0x0001", 2**64 - 1, 0.25, [1, [2, {}]], {"a": {"b": []}}]
    for name, pack in LIBRARIES.items():
        write(f"one-{name}", [pack(value) for value in values])
        code, lines, err = tail(f"one-{name}", "--decode", name)
        check(f"{name}: anything is, where it is said to be", [json.loads(line) for line in lines] == wanted, (lines, err))
        code, lines, err = tail(f"one-{name}", "--decode", "none", "-f", "%S\\n")
        equal(f"{name}: and bytes where nothing is to be read", lines, [str(len(pack(value))) for value in values])
    when = datetime.datetime(2026, 11, 21, 10, 30, 0, 250000, tzinfo=datetime.timezone.utc)
    write("times", [msgpack.packb({"at": when}, datetime=True), cbor2.dumps({"at": when}),
                    cbor2.dumps({"at": when}, datetime_as_timestamp=True)])
    _, lines, _ = tail("times")
    equal("times", [json.loads(line)["at"].replace("00:00", "").rstrip("Z+") for line in lines],
          ["2026-11-21T10:30:00.25", "2026-11-21T10:30:00.250000", "2026-11-21T10:30:00.25"])
    write("more", [cbor2.dumps(value) for value in
                   [2**80, -2**80, -2**64, cbor2.undefined, float("inf"), cbor2.CBORSimpleValue(99), {1: "one", (1, 2): "two"}]])
    _, lines, _ = tail("more", "--decode", "cbor")
    equal("what JSON has not", [json.loads(line) for line in lines],
          ["0x0100000000000000000000", "-1-0xffffffffffffffffffff", -2**64, None, "inf", "simple(99)", {"1": "one", "[1,2]": "two"}])


def text_wins():
    texts = [b"plain", b"{\"a\": 1}", "ünï".encode(), "ܐܘ".encode(), b"<a><b/></a>", b""]
    write("texts", texts)
    _, lines, _ = tail("texts")
    equal("text stays what it is", [line.encode() for line in lines], texts)
    binary = [b"\x80", b"\x82\xa1a\x01", b"\xff\xfe\x00", b"\x93\x01\x02", msgpack.packb([1, 2]) + b"\x00"]
    write("neither", binary)
    code, lines, err = tail("neither", "-f", "%S\\n")
    check("and what is no whole document its bytes", lines == [str(len(value)) for value in binary] and err == "", (lines, err))
    write("keyed", [b"v"], key=msgpack.packb({"id": 4}))
    _, lines, _ = tail("keyed", "-f", "%k %s\\n")
    equal("keys too", lines, ["{\"id\":4} v"])
    code, lines, err = tail("neither", "--decode", "msgpack", "-f", "%S\\n")
    check("what does not go as said is told once", code == 0 and err.count("is no MessagePack") == 1, err)


def transforms():
    write("letters", [msgpack.packb({"id": 1})])
    kastellan("topics", "create", "copies", "-p", "1")
    code, out, err = kastellan("copy", "letters", "copies", "--yes", "--transform", ".id")
    check("a transform does not write JSON in its place", code != 0 and "No message would be written" in err, (code, out, err))
    kastellan("copy", "letters", "copies", "--yes", "--filter", "| .id == 1")
    code, lines, _ = tail("copies", "--raw", "-f", "%S\\n")
    equal("a filter reads it, and its bytes are copied", lines, [str(len(msgpack.packb({"id": 1})))])


with checking("random documents"):
    random_documents()
with checking("scalars"):
    scalars()
with checking("text wins"):
    text_wins()
with checking("transforms"):
    transforms()
done()
