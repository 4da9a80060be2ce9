# time: 150
"""Every call of our own client library against a broker, through a pipe (library.py): what the conformance matrix does not ask of each
client. Producers with callbacks, awaited, blocking, and fire and forget; partitioners; a full buffer; consumers by pattern, with listeners,
with max.poll.interval.ms; the processing loop with tries and dead letters; the rest of the admin calls. Others' clients look at the outcome."""

import time

from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import TopicPartition as ConfluentPartition

from harness import BOOTSTRAP, check, checking, done, equal, kastellan, wait_until
from library import LibraryAdmin, LibraryConsumer, LibraryError, LibraryProducer

SERVERS = {"bootstrap.servers": BOOTSTRAP}


def make(topic, partitions=1, *more):
    kastellan("topics", "create", topic, "-p", str(partitions), *more)
    return topic


def producer(**settings):
    return LibraryProducer(**SERVERS, **settings)


def consumer(group=None, **settings):
    more = {"group.id": group} if group else {}
    return LibraryConsumer(**SERVERS, **{"auto.offset.reset": "earliest", **more, **{k.replace("_", "."): v for k, v in settings.items()}})


def values(topic, partitions=1, count=1, group="look"):
    """What confluent-kafka reads of a topic: {partition: [value]}."""
    reader = ConfluentConsumer({**SERVERS, "group.id": group, "enable.auto.commit": False})
    reader.assign([ConfluentPartition(topic, p, 0) for p in range(partitions)])
    found, end = {}, time.monotonic() + 20
    while sum(map(len, found.values())) < count and time.monotonic() < end:
        for message in reader.consume(1000, 0.2):
            if not message.error():
                found.setdefault(message.partition(), []).append(message.value().decode())
    reader.close()
    return found


def plain(texts, partition=None, key=None):
    return [(partition, key, text.encode(), None, ()) for text in texts]


def refused(name, kind, action):
    """That a call throws an error of this kind; the error."""
    try:
        action()
    except LibraryError as error:
        check(name, error.kind == kind, error)
        return error
    check(name, False, "it was not refused")
    return None


def collect(reader, count, seconds=25):
    found, end = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += reader.poll(200)
    return found


def ways_to_send():
    topic = make("ways", 1)
    with_settings = [
        {"linger.ms": 0, "max.in.flight.requests.per.connection": 1}, {"batch.size": 200, "compression.type": "lz4"},
        {"enable.idempotence": "false", "acks": 1}, {"enable.idempotence": "false", "acks": 0},
    ]
    wanted = []
    for index, settings in enumerate(with_settings):
        one = producer(**settings)
        awaited = one.numbers("send", topic, 0, b"k", f"{index} awaited", None)
        check(f"{settings}: an awaited send tells where", awaited[0][1] == (-1 if settings.get("acks") == 0 else len(wanted)), awaited)
        one.write(topic, plain([f"{index} posted {n}" for n in range(50)], 0))
        one.write(topic, plain([f"{index} blocking {n}" for n in range(50)], 0), "post-blocking")
        one.write(topic, plain([f"{index} forgotten"], 0), "forget")
        outcomes = one.outcomes()
        check(f"{settings}: each callback is called once", [o[0] for o in outcomes] == ["ok"] * 100, outcomes[:2])
        one.close()
        wanted += [f"{index} awaited", *[f"{index} posted {n}" for n in range(50)], *[f"{index} blocking {n}" for n in range(50)],
                   f"{index} forgotten"]
    equal("what was sent in any way is there, in order", values(topic, 1, len(wanted)).get(0), wanted)


def partitioners():
    for name, spread in (("sticky", None), ("roundRobin", 20), ("last", None), ("standard", None)):
        topic = make(f"partitioner-{name}", 5)
        one = producer(partitioner=name, **{"linger.ms": 0})
        one.write(topic, plain([f"{n}" for n in range(100)]))
        places = [int(o[1]) for o in one.outcomes()]
        one.close()
        if name == "last":
            equal("a partitioner of one's own decides", set(places), {4})
        elif spread:
            equal("round robin gives each partition as many", [places.count(p) for p in range(5)], [spread] * 5)
        else:
            check(f"{name}: a partition gets several in a row", max(places.count(p) for p in range(5)) > 1, places)
    topic = make("explicit", 5)
    one = producer(**{"partitioner.class": "org.apache.kafka.clients.producer.RoundRobinPartitioner"})
    equal("a partition that is named", one.numbers("send", topic, 3, None, "x", None)[0][0], 3)
    one.close()


def full_buffer():
    """Nobody answers at the address, so that nothing leaves the buffer."""
    one = LibraryProducer(**{
        "bootstrap.servers": "127.0.0.1:1", "buffer.memory": 20000, "max.block.ms": 300, "delivery.timeout.ms": 2000,
        "request.timeout.ms": 1000, "linger.ms": 0})
    one.write("none", plain(["x" * 9000] * 2))
    refused("post: a full buffer is told at once", "bufferFull", lambda: one.ask("forget", "none", 0, None, b"x" * 9000, None))
    started = time.monotonic()
    refused("send: a full buffer is waited for", "bufferFull", lambda: one.ask("send", "none", 0, None, b"x" * 9000, None))
    check("… for max.block.ms", 0.25 < time.monotonic() - started < 2, time.monotonic() - started)
    outcomes = one.outcomes()
    check("what was buffered fails after delivery.timeout.ms", [o[0] for o in outcomes] == ["failed"] * 2, outcomes)
    equal("and leaves the buffer", [o[0] for o in (one.write("none", plain(["y"])), one.outcomes())[1]], ["failed"])
    one.close()
    one = producer(**{"max.request.size": 1000})
    refused("a record above max.request.size", "refused", lambda: one.ask("send", "ways", 0, None, b"x" * 2000, None))
    one.close()


def keys_by_name():
    for settings, kind in (
            ({"group.protocol": "consumer", "session.timeout.ms": 6000}, "session.timeout.ms"), ({"group.remote.assignor": "range"}, "group.remote"),
            ({"group.protocol": "consumer", "partition.assignment.strategy": "range"}, "partition.assignment"),
            ({"interceptor.classes": "x"}, "interceptor"), ({"lingerms": 1}, "linger.ms")):
        error = refused(f"{settings} is refused", "configuration", lambda: consumer("g", **settings))
        check("… by name", error and kind in error.text, error)


def transactions():
    topic = make("own-transactions")
    one = producer(**{"transactional.id": "own-1"})
    one.ask("init")
    one.ask("begin")
    one.write(topic, plain(["a", "b"], 0))
    one.ask("commit")
    one.ask("begin")
    one.write(topic, plain(["lost"], 0))
    one.ask("abort")
    two = producer(**{"transactional.id": "own-1"})
    two.ask("init")
    one.ask("begin")
    refused("a producer that another has replaced writes nothing", "refused", lambda: one.ask("send", topic, 0, None, "zombie", None))
    error = refused("and cannot commit", "refused", lambda: one.ask("commit"))
    check("… but has to abort", error and error.flags == "abort", error and error.flags)
    error = refused("which tells it that it is fenced", "refused", lambda: one.ask("abort"))
    check("… for good", error and error.flags == "fatal", error and error.flags)
    admin = LibraryAdmin(**SERVERS)
    admin.ask("fenceProducer", "own-1")
    refused("fenceProducer shuts the second out", "refused", lambda: (two.ask("begin"), two.ask("send", topic, 0, None, "z", None)))
    equal("no transaction hangs", admin.numbers("abortHanging", topic, 0), [[0]])
    admin.close()
    one.end()
    two.end()
    equal("only what was committed is read", values(topic, 1, 2)[0], ["a", "b"])


def subscriptions():
    for name in ("match-a", "match-b", "other"):
        make(name, 2)
        one = producer()
        one.write(name, plain([name], 0))
        one.outcomes()
        one.close()
    for group, settings, command, pattern in (
            ("by-match", {}, "matching", "match-.*"), ("by-match-848", {"group.protocol": "consumer"}, "matching", "match-.*"),
            ("by-pattern", {"group.protocol": "consumer"}, "pattern", "match-.+")):
        reader = consumer(group, **{"metadata.max.age.ms": 500}, **settings)
        reader.ask(command, pattern)
        found = collect(reader, 2)
        equal(f"{group}: topics that match are read", sorted(r[5] for r in found), [b"match-a", b"match-b"])
        late = make(f"match-late-{group}")
        one = producer()
        one.write(late, plain(["late"], 0))
        one.outcomes()
        one.close()
        equal(f"{group}: also one that is made later", [r[0] for r in collect(reader, 1, 30)], [late])
        heard = reader.texts("heard")
        check(f"{group}: the listener was told", any(h[0] == "assigned" and "match-a:0" in h[1] for h in heard), heard)
        reader.close()
        kastellan("topics", "delete", late, "--yes")
    reader = consumer("not-848")
    refused("a pattern for the coordinator wants KIP-848", "illegalState", lambda: reader.ask("pattern", "a.*"))
    reader.close()
    reader = consumer("bad-pattern", **{"group.protocol": "consumer"})
    reader.ask("pattern", "a(")
    error = refused("a pattern that cannot be read", "refused", lambda: [reader.poll(200) for _ in range(50)])
    check("… is told with Kafka's error", error and "INVALID_REGULAR_EXPRESSION" in error.text, error)
    reader.end()


def reading():
    topic = make("reading", 2)
    one = producer()
    for partition in (0, 1):
        one.write(topic, plain([f"{partition}-{n}" for n in range(20)], partition))
    one.outcomes()
    reader = consumer("reading", **{"max.poll.records": 5, "enable.auto.commit": "false"})
    reader.ask("subscribe", topic)
    equal("max.poll.records", len(collect(reader, 1)), 5)
    found = [LibraryConsumer.record(row) for row in reader.ask("records", 10)]
    equal("record by record", len(found), 10)
    reader.ask("commit-consumed")
    reader.ask("commit-async", topic, 0, 3)
    meanwhile = []
    check("a commit that nobody waits for is told",
          wait_until(lambda: (meanwhile.extend(reader.poll(50)), ["committed"] in reader.texts("heard"))[1], 10))
    equal("committed", dict(reader.numbers("committed", topic, 0)), {0: 3})
    equal("the rest is read", len(meanwhile) + len(collect(reader, 25 - len(meanwhile))), 25)
    reader.ask("seek", topic, 0, "committed")
    again = collect(reader, 17)
    check("seekToCommitted goes back to it", min(r[2] for r in again if r[1] == 0) == 3, again[:2])
    refused("what is not assigned cannot be sought", "illegalState", lambda: reader.ask("seek", "nothing", 0, 5))
    reader.ask("wakeup")
    refused("wakeup ends a poll", "wokenUp", lambda: reader.poll(5000))
    reader.close()


def leaves_when_nobody_polls():
    for protocol in ("classic", "consumer"):
        topic, group = make(f"slow-{protocol}"), f"slow-{protocol}"
        one = producer()
        one.write(topic, plain(["a", "b"], 0))
        one.outcomes()
        reader = consumer(group, **{"group.protocol": protocol, "max.poll.interval.ms": 1500, "enable.auto.commit": "false"})
        reader.ask("subscribe", topic)
        equal(f"{protocol}: it reads", len(collect(reader, 2)), 2)
        admin = LibraryAdmin(**SERVERS)
        check(f"{protocol}: a member that polls stays", wait_until(lambda: admin.texts("describeGroup", group)[0][1] == "1", 5))
        gone = wait_until(lambda: admin.texts("describeGroup", group)[0][1] == "0", 10)
        check(f"{protocol}: one that does not leaves", gone, admin.texts("describeGroup", group))
        refused(f"{protocol}: it cannot commit any more", "refused", lambda: reader.ask("commit", topic, 0, 2))
        back = collect(reader, 2)
        equal(f"{protocol}: when it polls again it is back, and reads what it had not committed", [r[5] for r in back], [b"a", b"b"])
        heard = [h[0] for h in reader.texts("heard")]
        equal(f"{protocol}: the listener was told", heard, ["assigned", "lost", "assigned"])
        reader.close()
        admin.close()


def processing():
    topic, dead = make("work", 2), make("work.failed")
    one = producer()
    for partition, words in ((0, ["good 1", "bad 1", "weak 1", "good 2"]), (1, ["skip 1", "good 3", "bad 2"])):
        one.write(topic, plain(words, partition, b"key"))
    one.outcomes()
    reader = consumer("work", **{"enable.auto.commit": "false"})
    reader.ask("subscribe", topic)
    rows = reader.texts("process", BOOTSTRAP, dead, 3, 7)
    equal("what can be processed is", sorted(r[1] for r in rows if r[0] == "done"), ["good 1", "good 2", "good 3", "weak 1"])
    equal("in as many tries as it takes", {r[1]: int(r[2]) for r in rows if r[0] == "tries"},
          {"good 1": 1, "bad 1": 3, "weak 1": 3, "good 2": 1, "skip 1": 1, "good 3": 1, "bad 2": 3})
    letters = consumer()
    letters.ask("assign", dead, 0)
    found = sorted(collect(letters, 2), key=lambda r: r[5])
    equal("what cannot goes to the dead letters", [r[5] for r in found], [b"bad 1", b"bad 2"])
    headers = dict(found[0][6])
    equal("with where it came from", (headers["dead-letter.topic"], headers["dead-letter.partition"], headers["dead-letter.offset"],
                                      headers["dead-letter.attempts"]), (b"work", b"0", b"1", b"3"))
    letters.close()
    equal("everything is committed", dict(reader.numbers("committed", topic, 0, 1)), {0: 4, 1: 3})
    one.write(topic, plain(["bad 3", "good 4"], 0))
    one.outcomes()
    one.close()
    refused("without a dead-letter topic processing ends with the error", "other", lambda: reader.ask("process", BOOTSTRAP, None, 2, 2))
    equal("and the record is not committed", dict(reader.numbers("committed", topic, 0)), {0: 4})
    reader.close()


def administration():
    admin = LibraryAdmin(**SERVERS)
    admin.ask("validateTopics", "only-asked", 3)
    check("validateOnly makes nothing", "only-asked" not in [r[0] for r in admin.texts("listTopics")])
    refused("a topic that there is", "refused", lambda: admin.ask("createTopics", "ways", 1, 1))
    admin.ask("alterQuotas", "bob", "producer_byte_rate", "1048576")
    check("a quota is set", wait_until(lambda: ["bob", "producer_byte_rate", "1048576.0"] in admin.texts("describeQuotas"), 5))
    admin.ask("alterQuotas", "bob", "producer_byte_rate", "x")
    check("and taken away", wait_until(lambda: not [r for r in admin.texts("describeQuotas") if r[0] == "bob"], 5))
    level = dict(admin.texts("describeFeatures"))["metadata.version"]
    admin.ask("updateFeatures", "metadata.version", level)
    refused("a feature above what brokers have", "refused", lambda: admin.ask("updateFeatures", "metadata.version", 99))
    admin.ask("alterConfigs", "group", "some-group", "consumer.session.timeout.ms", "50000")
    check("a group's setting", wait_until(
        lambda: dict(admin.texts("describeConfigs", "group", "some-group")).get("consumer.session.timeout.ms") == "50000", 5))
    broker = admin.texts("describeCluster")[0][0]
    check("a broker's settings are told", "num.partitions" in dict(admin.texts("describeConfigs", "broker", broker)))
    refused("a broker that there is not cannot be unregistered", "refused", lambda: admin.ask("unregisterBroker", 77))
    admin.close()


if __name__ == "__main__":
    for what in (ways_to_send, partitioners, full_buffer, keys_by_name, transactions, subscriptions, reading, leaves_when_nobody_polls,
                 processing, administration):
        with checking(what.__name__.replace("_", " ")):
            what()
    done()
