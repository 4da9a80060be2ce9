# time: 200
"""Dead letters as Kafka Connect, Spring and our own client leave them, written by confluent-kafka and sent back by `kastellan redrive`;
runs that are killed and resumed; copies from cluster to cluster; seeks in rpk's grammar and filters in jq."""

import collections
import json
import os
import signal
import struct
import subprocess
import time

import harness
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from harness import BOOTSTRAP, PROGRAM, TMP, check, checking, done, equal

ENVIRONMENT = {**os.environ, "XDG_STATE_HOME": os.path.join(TMP, "state")}


def kastellan(*words, bootstrap=BOOTSTRAP, seconds=60):
    """Exit code, output, and what it complained of."""
    command = [PROGRAM, *words, "-b", bootstrap]
    run = subprocess.run(command, capture_output=True, timeout=seconds, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def create(*names, partitions=2, bootstrap=BOOTSTRAP):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        future.result(20)


def everything(topic, bootstrap=BOOTSTRAP):
    """All messages of a topic, by librdkafka: (partition, key, value, headers)."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "nobody", "enable.partition.eof": True, "enable.auto.commit": False})
    partitions = list(consumer.list_topics(topic, 10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found, ended, limit = [], set(), time.monotonic() + 30
    while len(ended) < len(partitions) and time.monotonic() < limit:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
        else:
            found.append((message.partition(), message.key(), message.value(), message.headers() or []))
    consumer.close()
    return found


def dead_letter(number):
    if number % 3 == 0:
        return [("__connect.errors.topic", b"orders"), ("__connect.errors.partition", b"1"), ("__connect.errors.offset", b"7"),
                ("__connect.errors.exception.message", b"no schema"), ("trace", b"t-%d" % number)]
    if number % 3 == 1:
        return [("kafka_dlt-original-topic", b"clicks"), ("kafka_dlt-original-partition", struct.pack(">i", 1)),
                ("kafka_dlt-original-offset", struct.pack(">q", number)), ("kafka_dlt-exception-fqcn", b"java.lang.Boom")]
    return [("dead-letter.topic", b"orders"), ("dead-letter.partition", b"0"), ("dead-letter.error", b"late")]


def fill(topic, count):
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
    for number in range(count):
        value = json.dumps({"n": number, "card": "1234"})
        producer.produce(topic, key=f"k{number % 11}", value=value, headers=dead_letter(number))
    producer.flush(30)


def numbers(topic):
    return collections.Counter(json.loads(value)["n"] for _, _, value, _ in everything(topic))


create("orders", "clicks", "orders.dlq", "archive", "killed.dlq", "target", "stray.dlq")
fill("orders.dlq", 300)

with checking("a dry run counts and writes nothing"):
    code, out, _ = kastellan("redrive", "orders.dlq", "--dry-run")
    equal("a dry run succeeds", code, 0)
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines() if line.startswith(("orders ", "clicks "))}
    equal("a dry run counts by origin", rows, {"clicks": "100", "orders": "200"})
    equal("a dry run writes nothing", len(everything("orders")) + len(everything("clicks")), 0)

with checking("dead letters go back to where they came from"):
    code, out, errors = kastellan("redrive", "orders.dlq", "-y", "-t", "del(.card) | .again = true")
    equal("redrive succeeds", (code, errors), (0, ""))
    back = everything("orders") + everything("clicks")
    equal("every letter once", (numbers("orders") + numbers("clicks")), collections.Counter(range(300)))
    check("the transform was applied", all(json.loads(value) == {"n": json.loads(value)["n"], "again": True} for _, _, value, _ in back))
    names = {name for _, _, _, headers in back for name, _ in headers}
    equal("error headers are gone, others stay", names, {"trace", "kastellan.copy-of"})
    keys = collections.defaultdict(set)
    for partition, key, _, _ in everything("orders"):
        keys[key].add(partition)
    check("a key stays in one partition", all(len(places) == 1 for places in keys.values()))
    equal("the source is as it was", len(everything("orders.dlq")), 300)

with checking("filters choose"):
    code, out, _ = kastellan("redrive", "orders.dlq", "--to", "archive", "-y", "-F", "h:Boom | .n < 100", "--keep-partitions", "--keep-error-headers")
    equal("a filtered redrive succeeds", code, 0)
    chosen = everything("archive")
    equal("only what matches is written", sorted(json.loads(value)["n"] for _, _, value, _ in chosen), list(range(1, 100, 3)))
    check("error headers were kept", all(any(name == "kafka_dlt-original-topic" for name, _ in headers) for _, _, _, headers in chosen))

with checking("what says no origin is left out, and said"):
    subprocess.run(["kcat", "-b", BOOTSTRAP, "-P", "-t", "stray.dlq"], input=b"one\ntwo\n", check=True)
    code, _, errors = kastellan("redrive", "stray.dlq", "-y")
    check("nothing to redrive is refused", code == 1 and "No message would be written" in errors, errors)
    code, _, errors = kastellan("copy", "stray.dlq", "stray.dlq", "-y")
    check("a copy to itself is refused", code == 2 and "to itself" in errors, errors)
    code, _, errors = kastellan("copy", "stray.dlq", "nowhere", "-y")
    check("a missing target is said", code == 1 and "no topic nowhere" in errors, errors)

with checking("a run that is killed is resumed without a message twice or none"):
    fill("killed.dlq", 6000)
    state = os.path.join(TMP, "state", "kastellan", "jobs")
    command = [PROGRAM, "copy", "killed.dlq", "target", "-y", "--rate", "2500", "-b", BOOTSTRAP]
    for attempt in range(3):
        resumed = command + (["--resume"] if attempt else [])
        process = subprocess.Popen(resumed, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        before = len(everything("target"))
        harness.wait_until(lambda: process.poll() is not None or len(everything("target")) > before + 300, 20)
        process.send_signal(signal.SIGKILL if attempt < 2 else signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        if attempt == 2:
            equal("ctrl-c ends it with 130", process.returncode, 130)
            check("and says how to go on", b"--resume" in errors, errors)
        check(f"a checkpoint is there after stop {attempt + 1}", os.path.isdir(state) and os.listdir(state), state)
    code, out, errors = kastellan("copy", "killed.dlq", "target", "-y", "--resume")
    equal("the resumed run succeeds", (code, errors), (0, ""))
    copied = numbers("target")
    equal("nothing is missing", len(copied), 6000)
    equal("nothing is there twice", [number for number, count in copied.items() if count > 1], [])
    equal("a finished run leaves no checkpoint", os.listdir(state), [])

with checking("a rate is kept"):
    began = time.monotonic()
    code, _, _ = kastellan("copy", "orders.dlq", "archive", "-y", "--rate", "150")
    took = time.monotonic() - began
    check("300 messages at 150 a second take two seconds", code == 0 and took >= 1.9, f"{took:.2f} s")

with checking("from cluster to cluster"):
    other = harness.Broker(data=os.path.join(TMP, "other"), scratch=os.path.join(TMP)).start()
    try:
        create("orders", bootstrap=other.bootstrap)
        code, _, errors = kastellan("copy", "orders.dlq", "orders", "-y", "--to-bootstrap", other.bootstrap, "--keep-times", "-z", "zstd")
        equal("a copy to another cluster succeeds", (code, errors), (0, ""))
        there = everything("orders", other.bootstrap)
        equal("it is all there", sorted(json.loads(value)["n"] for _, _, value, _ in there), list(range(300)))
    finally:
        other.kill()

with checking("seeks in rpk's grammar"):
    create("seek", partitions=1)
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    base = int(time.time() * 1000) - 3_600_000
    for number in range(60):
        producer.produce("seek", value=json.dumps({"n": number}), key=f"k{number % 5}", timestamp=base + number * 60_000)
    producer.flush(10)

    def offsets(*words):
        code, out, errors = kastellan("tail", "seek", "-f", "%o\\n", *words)
        return [int(line) for line in out.split()] if code == 0 else errors

    equal("start:+3", offsets("-o", "start:+3"), [0, 1, 2])
    equal("-3:end", offsets("-o", "-3:end"), [57, 58, 59])
    equal("+5:-52", offsets("-o", "+5:-52"), [5, 6, 7])
    equal("10:13", offsets("-o", "10:13"), [10, 11, 12])
    equal(":2", offsets("-o", ":2"), [0, 1])
    equal("@t1:t2 in milliseconds", offsets("-o", f"@{base + 600_000}:{base + 720_000}"), [10, 11])
    equal("@t:duration", offsets("-o", f"@{base + 600_000}:3m"), [10, 11, 12])
    around = offsets("-o", "@-30m:-20m")
    check("@-30m:-20m", isinstance(around, list) and len(around) == 10 and 28 <= around[0] <= 31, around)
    equal("a jq filter", offsets("-e", "-F", "| .n % 20 == 7"), [7, 27, 47])
    equal("terms and jq", offsets("-e", "-F", "k:k2 o:>40 | .n < 53"), [42, 47, 52])
    code, out, _ = kastellan("tail", "seek", "-o", "start:+2", "-F", "| {twice: (.n * 2), key: $key}")
    equal("a projection", out, '{"twice":0,"key":"k0"}\n{"twice":2,"key":"k1"}\n')

with checking("partitions are merged by time"):
    create("merged", partitions=4)
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 0})
    base = int(time.time() * 1000) - 100_000
    for number in range(4000):
        producer.produce("merged", partition=(number * 7) % 4, value=str(number), timestamp=base + number)
    producer.flush(20)
    code, out, _ = kastellan("tail", "merged", "-e", "-T")
    equal("in the order of time", out.split(), [str(number) for number in range(4000)])

with checking("internal topics are decoded"):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "billing", "auto.offset.reset": "earliest"})
    consumer.commit(offsets=[TopicPartition("seek", 0, 33)], asynchronous=False)
    consumer.close()
    code, out, _ = kastellan("tail", "__consumer_offsets", "-e", "-f", "%k %s\\n", "-F", "| .data.offset == 33")
    check("a commit in words", code == 0 and '"group":"billing"' in out and '"offset":33' in out, out)

done()
