"""kcat's other modes: metadata, keys, headers, partitions, offsets for times, acks, errors, a consumer group."""

import json
import re

from harness import BOOTSTRAP, check, checking, done, equal, kastellan, kcat, run


def consume(topic, *words):
    code, out, err = kcat("-C", "-t", topic, "-e", "-q", *words)
    return out if code == 0 else err


def keys_headers_and_partitions():
    equal("topics create by our own command", kastellan("topics", "create", "four", "-p", "4")[0], 0)
    lines = b"".join(b"key%d:value%d\n" % (i, i) for i in range(200))
    equal("kcat writes keys and headers", kcat("-P", "-t", "four", "-K:", "-H", "a=1", "-H", "a=2", stdin=lines)[0], 0)
    out = consume("four", "-o", "beginning", "-f", "%p %k %s %h\n").decode().splitlines()
    equal("all 200 come back", len(out), 200)
    check("with their headers", all(line.endswith(" a=1,a=2") for line in out), out[:2])
    check("keys and values still belong together", all(re.match(r"\d key(\d+) value\1 ", line) for line in out), out[:2])
    partitions = {line.split()[1]: line.split()[0] for line in out}
    equal("over four partitions", sorted(set(partitions.values())), ["0", "1", "2", "3"])
    equal("one partition by number", kcat("-P", "-t", "four", "-p", "3", stdin=b"here\n")[0], 0)
    check("reads its last record", consume("four", "-p", "3", "-o", "-1") == b"here\n", "")


def metadata():
    code, out, _ = kcat("-L", "-J")
    equal("kcat lists metadata", code, 0)
    listing = json.loads(out)
    topics = {t["topic"]: t for t in listing["topics"]}
    equal("one broker", len(listing["brokers"]), 1)
    equal("four partitions with leaders", [p["leader"] for p in topics["four"]["partitions"]], [listing["brokers"][0]["id"]] * 4)


def offsets_for_times():
    kastellan("topics", "create", "times", "-p", "1")
    for index in range(3):
        kcat("-P", "-t", "times", stdin=b"t%d\n" % index)
    stamps = [int(s) for s in consume("times", "-o", "beginning", "-f", "%T\n").split()]
    for index, stamp in enumerate(stamps):
        if stamps.index(stamp) == index:
            _, out, err = run("kcat", "-Q", "-b", BOOTSTRAP, "-t", f"times:0:{stamp}")
            check(f"offset for the time of record {index}", out.decode().strip() == f"times [0] offset {index}", (out, err))
    _, out, err = run("kcat", "-Q", "-b", BOOTSTRAP, "-t", f"times:0:{stamps[-1] + 1}")
    check("a time after the last record has none", out.decode().strip().endswith("offset -1"), (out, err))
    check("reads from a time", consume("times", "-o", f"s@{stamps[0]}").startswith(b"t0\n"), "")


def acks_and_transactions_flags():
    for acks in ["0", "1", "-1"]:
        equal(f"writes with acks={acks}", kcat("-P", "-t", "acks", "-X", f"acks={acks}", stdin=b"a\n")[0], 0)
    equal("idempotent producer", kcat("-P", "-t", "acks", "-X", "enable.idempotence=true", stdin=b"i\n" * 50)[0], 0)
    equal("all of them are there", len(consume("acks", "-o", "beginning").splitlines()), 53)
    out = consume("acks", "-o", "beginning", "-X", "isolation.level=read_uncommitted")
    equal("the same uncommitted", len(out.splitlines()), 53)
    big = b"x" * 900_000 + b"\n"
    equal("a record of 900 kB", kcat("-P", "-t", "big", stdin=big)[0], 0)
    check("comes back", consume("big", "-o", "beginning") == big, "")
    code, _, err = kcat("-P", "-t", "big", "-X", "message.max.bytes=3000000", stdin=b"x" * 2_000_000 + b"\n")
    check("one of 2 MB is refused by the broker", code != 0 and b"large" in err.lower(), (code, err[-200:]))


def bad_names():
    code, _, err = kcat("-P", "-t", "bad name!", "-X", "message.timeout.ms=4000", stdin=b"a\n")
    check("a bad topic name is refused", code != 0, (code, err[-200:]))
    code, out, err = kcat("-C", "-t", "nosuch", "-p", "7", "-e", "-X", "allow.auto.create.topics=false", seconds=20)
    check("an unknown topic is an error", b"Unknown" in err or code != 0, (code, err[-200:]))


def group():
    code, out, err = run("timeout", "20", "kcat", "-b", BOOTSTRAP, "-G", "kcat-group", "-e", "-q", "-o", "beginning",
                         "-X", "auto.offset.reset=earliest", "four", seconds=30)
    equal("a kcat consumer group reads all", len(out.splitlines()), 201)


for part in [keys_headers_and_partitions, metadata, offsets_for_times, acks_and_transactions_flags, bad_names, group]:
    with checking(part.__name__):
        part()
done()
