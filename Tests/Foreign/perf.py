# time: 150
"""`kastellan perf`: what it says that it wrote is what kcat and librdkafka read, and what it says that it read is there; its lines are
those of Kafka's tools; at a rate a pause of the broker is told with all that should have been written in it."""

import json
import os
import re
import signal
import subprocess
import threading

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from harness import BOOTSTRAP, PROGRAM, TMP, Broker, check, checking, done, equal, kastellan, kcat, run

LINE = re.compile(
    r"^(\d+) records sent, [\d.]+ records/sec \([\d.]+ MB/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, "
    r"\d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99\.9th\.$", re.M)
WINDOW = re.compile(
    r"^(\d+) records sent, [\d.]+ records/sec \([\d.]+ MB/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency\.$", re.M)


def values(topic, *more):
    _, out, _ = kcat("-C", "-t", topic, "-e", "-q", *more)
    return out.split(b"\n")[:-1]


def end(topic, partitions, isolation="read_committed"):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "ends", "isolation.level": isolation})
    high = sum(consumer.get_watermark_offsets(TopicPartition(topic, p), 10)[1] for p in range(partitions))
    consumer.close()
    return high


def writing():
    kastellan("topics", "create", "load", "-p", "3")
    code, out, err = kastellan("perf", "produce", "load", "-n", "20000", "-s", "200", "--reporting-interval", "100")
    lines = LINE.findall(out)
    check("the last line is that of Kafka's tool", code == 0 and lines == ["20000"] and err == "", (code, out, err))
    found = values("load")
    check("kcat reads as many, of that size", len(found) == 20000 and all(len(v) == 200 for v in found), len(found))
    check("no two are alike, all of letters", len(set(found)) == 20000 and re.fullmatch(rb"[A-Z]+", b"".join(found)) is not None)
    # The windows' records together are all of them, but for those that came after the last.
    check("the windows do not count twice", sum(map(int, WINDOW.findall(out))) <= 20000, out)
    code, out, err = kastellan(
        "perf", "produce", "load", "--num-records", "1000", "--record-size", "10", "--producer-props", "acks=1", "--producer-props",
        "compression.type=zstd", "--producer-props", "linger.ms=0", "-o", "json")
    figures = json.loads(out)
    check("json has the same figures", code == 0 and figures["recordsSent"] == 1000 and figures["recordsFailed"] == 0, out)
    check("percentiles are in order", 0 < figures["latencyP50Ms"] <= figures["latencyP99Ms"] <= figures["latencyMaxMs"], out)
    equal("kcat reads those too", len(values("load")), 21000)
    kastellan("topics", "create", "addressed", "-p", "1")
    code, out, err = run(
        PROGRAM, "perf", "produce", "addressed", "-n", "10", "--producer-props", f"bootstrap.servers={BOOTSTRAP}", "--producer-props", "acks=1",
        environment={"KASTELLAN_BOOTSTRAP": "127.0.0.1:1"})
    check("the address as Kafka's tool is told it", code == 0 and b"10 records sent" in out, (code, out, err))


def payloads():
    kastellan("topics", "create", "lines", "-p", "1")
    path = os.path.join(TMP, "payloads")
    with open(path, "w", encoding="utf-8") as file:
        file.write("alpha\nbeta\n\ngamma")
    code, _, err = kastellan("perf", "produce", "lines", "-n", "300", "--payload-file", path)
    check("values are lines of a file", code == 0 and set(values("lines")) == {b"alpha", b"beta", b"gamma"}, err)
    kastellan("topics", "create", "numbers", "-p", "1")
    kastellan("perf", "produce", "numbers", "-n", "300", "--payload-monotonic")
    equal("values count up", values("numbers"), [b"%d" % i for i in range(300)])


def transactions():
    kastellan("topics", "create", "paid", "-p", "2")
    code, out, err = kastellan(
        "perf", "produce", "paid", "-n", "900", "-r", "600", "--transactional-id", "perf-1", "--transaction-duration-ms", "200",
        "-o", "json")
    check("transactions are written", code == 0 and json.loads(out)["recordsSent"] == 900, (code, out, err))
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "paid", "isolation.level": "read_committed",
                         "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.assign([TopicPartition("paid", p, 0) for p in range(2)])
    seen = 0
    while (message := consumer.poll(3)) is not None:
        seen += message.error() is None
        if seen == 900:
            break
    consumer.close()
    equal("all of them are committed", seen, 900)
    check("in several transactions", end("paid", 2, "read_uncommitted") >= 900 + 5, end("paid", 2, "read_uncommitted"))


def reading():
    code, out, err = kastellan("perf", "consume", "load", "-n", "21000")
    lines = out.splitlines()
    check("its columns are those of Kafka's tool", code == 0 and lines[0] == (
        "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, "
        "fetch.MB.sec, fetch.nMsg.sec"), (code, out, err))
    cells = lines[1].split(", ")
    check("and counts what is there", len(lines) == 2 and len(cells) == 10 and cells[4] == "21000", lines)
    equal("the bytes are those of the values", cells[2], "%.4f" % ((20000 * 200 + 1000 * 10) / 2**20))
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    groups = [g.group_id for g in admin.list_consumer_groups().result(10).valid]
    check("without a group none is left behind", not any(g.startswith("perf") for g in groups), groups)
    code, out, err = kastellan("perf", "consume", "load", "numbers", "-n", "999999", "--timeout", "1500", "--hide-header", "-o", "json")
    check("what is not there is said, with 124", code == 124 and json.loads(out)["recordsRead"] == 21300 and "21300 of 999999" in err,
          (code, out, err))
    code, out, err = kastellan(
        "perf", "consume", "load", "-n", "21000", "--group", "perf-group", "--consumer-props", "group.protocol=consumer")
    check("with a group", code == 0 and out.splitlines()[1].split(", ")[4] == "21000", (code, out, err))
    described = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("perf-group")])
    offsets = list(described.values())[0].result(10).topic_partitions
    equal("it has committed as far as it read", sum(p.offset for p in offsets if p.offset > 0), end("load", 3))
    code, out, _ = kastellan("perf", "consume", "load", "-n", "21000", "--show-detailed-stats", "--reporting-interval", "100")
    lines = out.splitlines()
    check("with details the last line has them all", code == 0 and lines[0].startswith("time, threadId") and
          lines[-1].split(", ")[4] == "21000", out)


def refusals():
    for words, wanted in [
        (["perf", "produce", "nowhere", "-n", "1"], 1), (["perf", "produce", "load"], 2), (["perf", "produce", "load", "-n", "0"], 2),
        (["perf", "produce", "load", "-n", "5", "-r", "0"], 2), (["perf", "produce", "load", "-n", "5", "-r", "fast"], 2),
        (["perf", "produce", "load", "-n", "5", "--warmup-records", "5"], 2),
        (["perf", "produce", "load", "-n", "5", "-s", "5", "--payload-monotonic"], 2),
        (["perf", "produce", "load", "-n", "5", "--producer-props", "acks=2"], 2),
        (["perf", "produce", "load", "-n", "5", "--producer-props", "sasl.mechanism=PLAIN"], 2),
        (["perf", "produce", "load", "-n", "5", "--producer-props", "no.such.key=1"], 2),
        (["perf", "produce", "load", "-n", "5", "--payload-file", "/nowhere"], 1), (["perf", "consume", "nowhere", "-n", "1"], 1),
        (["perf", "consume", "load"], 2), (["perf", "produce", "load", "-n", "5", "-s", "2000000"], 1),
    ]:
        code, out, err = kastellan(*words)
        check(f"refused: {' '.join(words[1:])}", code == wanted and out.count("records sent") <= 1 and err.startswith("kastellan: "),
              (code, out, err))


def stopped():
    """A broker that stands still for two seconds: 200 records a second were due meanwhile."""
    with Broker() as broker:
        kastellan("topics", "create", "slow", "-p", "1", "-b", broker.bootstrap)
        command = [PROGRAM, "perf", "produce", "slow", "-r", "200", "--reporting-interval", "1000", "-b", broker.bootstrap]
        load = subprocess.Popen([*command, "-n", "1000", "-o", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check("a window is told when it ends", json.loads(load.stdout.readline())["recordsSent"] > 0)
        broker.process.send_signal(signal.SIGSTOP)
        threading.Timer(2, lambda: broker.process.send_signal(signal.SIGCONT)).start()
        out, err = load.communicate(timeout=60)
        figures = json.loads(out.splitlines()[-1])
        check("all are written in the end", load.returncode == 0 and figures["recordsSent"] == 1000, (out, err))
        # 400 of 1000 were due in the pause: the later half of them waited for a second and less, the first two seconds.
        check("the pause is in the percentiles, not only in the maximum",
              figures["latencyMaxMs"] >= 1800 and figures["latencyP95Ms"] >= 1000, figures)
        load = subprocess.Popen([*command, "-n", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        load.stdout.readline()
        load.send_signal(signal.SIGINT)
        out, err = load.communicate(timeout=30)
        written = LINE.findall(out.decode())
        check("ctrl-c ends it with what was measured", load.returncode == 130 and len(written) == 1, (load.returncode, out, err))
        _, found, _ = run("kcat", "-b", broker.bootstrap, "-C", "-t", "slow", "-e", "-q")
        equal("and no more is there than it says", found.count(b"\n"), 1000 + int((written or ["-1"])[0]))


with checking("writing"):
    writing()
with checking("values"):
    payloads()
with checking("transactions"):
    transactions()
with checking("reading"):
    reading()
with checking("refusals"):
    refusals()
with checking("a broker that stands still"):
    stopped()
done()
