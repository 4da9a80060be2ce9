# time: 150
# broker: none
"""What groups commit: it survives a clean stop and a kill -9 of the broker, live members keep their generation over both, and administrators
read, reset and delete it with the tools of confluent-kafka and kafka-python."""

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer
from kafka import TopicPartition as PythonPartition
from kafka.admin import KafkaAdminClient

from group_players import Confluent, KafkaPython, committed, describe, make_topic, pause, settle, shared, told
from harness import Broker, check, checking, done, equal, kcat, wait_until


def read_and_commit(broker, group, topic, count):
    """Reads `count` records as a member of the group, commits, and leaves."""
    consumer = Consumer({
        "bootstrap.servers": broker.bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    got = []
    end = time.monotonic() + 20
    while len(got) < count and time.monotonic() < end:
        got += [m for m in consumer.consume(count - len(got), 0.3) if not m.error()]
    if got:
        consumer.commit(asynchronous=False)
    consumer.close()
    return [int(m.value()) for m in got]


def survives(broker, how):
    """A committed position, and the next record read after it, over a restart."""
    topic = f"t-{how}"
    make_topic(topic, partitions=1, records=100, bootstrap=broker.bootstrap)
    equal(f"{how}: forty are read", read_and_commit(broker, f"g-{how}", topic, 40), list(range(40)))
    restart(broker, how)
    equal(f"{how}: the commit is there", committed(f"g-{how}", topic, 1, broker.bootstrap), [40])
    equal(f"{how}: the group is there", describe(f"g-{how}", broker.bootstrap)[0], "EMPTY")
    equal(f"{how}: reading goes on behind it", read_and_commit(broker, f"g-{how}", topic, 60), list(range(40, 100)))


def restart(broker, how):
    if how == "kill":
        broker.kill()
    else:
        equal("a clean stop", broker.stop(), 0)
    broker.start()


def lives_on(broker, how):
    """Members of a group stay in their generation while the broker is away: it is in the log, and their sessions begin anew."""
    topic, group = f"t-live-{how}", f"g-live-{how}"
    make_topic(topic, records=60, bootstrap=broker.bootstrap)
    players = [Confluent(group, topic, client_id="l1", bootstrap=broker.bootstrap),
               KafkaPython(group, topic, client_id="l2", bootstrap=broker.bootstrap)]
    for player in players:
        player.start()
    check(f"live {how}: two members share the partitions", shared(players), told(players))
    wait_until(lambda: sum(committed(group, topic, 6, broker.bootstrap)) == 60)
    settle(players)
    times, owned = [p.assigned for p in players], [p.owned for p in players]
    restart(broker, how)
    make_topic(f"{topic}-more", bootstrap=broker.bootstrap)
    check(f"live {how}: the group is stable again", wait_until(lambda: describe(group, broker.bootstrap)[0] == "STABLE", 20), told(players))
    pause(2)
    equal(f"live {how}: nobody was rebalanced", ([p.assigned for p in players], [p.owned for p in players]), (times, owned))
    more(broker, topic)
    check(f"live {how}: they read on", wait_until(lambda: len({r for p in players for r in p.read}) == 120, 20), told(players))
    check(f"live {how}: and commit", wait_until(lambda: committed(group, topic, 6, broker.bootstrap) == [20] * 6, 20),
          committed(group, topic, 6, broker.bootstrap))
    for player in players:
        player.stop()


def more(broker, topic):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for index in range(60):
        producer.produce(topic, b"more", partition=index % 6)
    producer.flush(15)


def administration(broker):
    """Offsets listed, reset and deleted; groups listed, refused while alive, deleted when empty."""
    topic = "t-admin"
    make_topic(topic, partitions=2, records=20, bootstrap=broker.bootstrap)
    read_and_commit(broker, "g-admin", topic, 20)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    wanted = ConsumerGroupTopicPartitions("g-admin")
    found = admin.list_consumer_group_offsets([wanted])["g-admin"].result(15)
    equal("offsets are listed", sorted((p.partition, p.offset) for p in found.topic_partitions), [(0, 10), (1, 10)])
    reset = ConsumerGroupTopicPartitions("g-admin", [TopicPartition(topic, 0, 3)])
    admin.alter_consumer_group_offsets([reset])["g-admin"].result(15)
    equal("an offset is reset", committed("g-admin", topic, 2, broker.bootstrap), [3, 10])
    python = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    python.delete_group_offsets("g-admin", [PythonPartition(topic, 1)])
    equal("an offset is deleted", committed("g-admin", topic, 2, broker.bootstrap), [3, -1001])
    player = Confluent("g-admin", topic, client_id="a1", bootstrap=broker.bootstrap)
    player.start()
    check("the group is alive", shared([player], 2), told([player]))
    with checking("deleting a live group is refused"):
        try:
            admin.delete_consumer_groups(["g-admin"])["g-admin"].result(15)
            check("deleting a live group is refused", False, "it was not")
        except KafkaException as error:
            equal("deleting a live group is refused", error.args[0].name(), "NON_EMPTY_GROUP")
    refused = admin.alter_consumer_group_offsets([reset])["g-admin"].result(15).topic_partitions
    equal("resetting a live group is refused", [p.error and p.error.name() for p in refused], ["UNKNOWN_MEMBER_ID"])
    player.stop()
    admin.delete_consumer_groups(["g-admin"])["g-admin"].result(15)
    names = [g.group_id for g in admin.list_consumer_groups().result(15).valid]
    check("an empty group is deleted", "g-admin" not in names and "g-kill" in names, names)
    restart(broker, "kill")
    names = [g.group_id for g in admin.list_consumer_groups().result(15).valid]
    check("and stays deleted", "g-admin" not in names and "g-kill" in names, names)
    python.close()


def times(broker):
    """Where to begin by time, as consumers that join late ask."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for index in range(10):
        producer.produce("t-times", b"%d" % index, timestamp=1_700_000_000_000 + index * 1000)
    producer.flush(15)
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
    place = PythonPartition("t-times", 0)
    equal("offset for a time", consumer.offsets_for_times({place: 1_700_000_004_500})[place].offset, 5)
    equal("no record that late", consumer.offsets_for_times({place: 1_800_000_000_000})[place], None)
    consumer.close()


def kcat_group(broker):
    """kcat as a group member reads what the group has not read yet."""
    make_topic("t-kcat", partitions=3, records=30, bootstrap=broker.bootstrap)
    arguments = ["-G", "g-kcat", "-X", "auto.offset.reset=earliest", "-e", "-q", "t-kcat"]
    _, out, _ = kcat(*arguments, bootstrap=broker.bootstrap)
    equal("kcat reads all", len(out.split()), 30)
    _, out, _ = kcat(*arguments, bootstrap=broker.bootstrap)
    equal("kcat reads nothing twice", len(out.split()), 0)


with Broker(arguments=["--brokers", "1"]) as broker:
    for part in [
        lambda: survives(broker, "stop"), lambda: survives(broker, "kill"), lambda: lives_on(broker, "stop"), lambda: lives_on(broker, "kill"),
        lambda: administration(broker), lambda: times(broker), lambda: kcat_group(broker),
    ]:
        with checking("group offsets"):
            part()
done()
