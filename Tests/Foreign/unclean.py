# time: 90
# broker: none
"""An unclean election asked for by the admin clients of confluent-kafka and kafka-python: who was in sync is dead and has records that
nobody else has; whoever is left leads on demand. What only the dead one had is gone for everybody: it is cut away when that broker comes
back, and no client is told of it any more.
"""

import hashlib
import os
import subprocess

from confluent_kafka import Consumer, ElectionType, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from kafka.admin import KafkaAdminClient

from cluster import Cluster
from harness import check, checking, done, equal, wait_until

BEFORE, LOST, AFTER = 100, 70, 30
TOPICS = {"unclean-confluent": "confluent-kafka", "unclean-python": "kafka-python"}


def produce(cluster, topic, values):
    """How many were not acknowledged by all who are in sync."""
    missing = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 15000,
                         "log_level": 0})
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=lambda error, _: missing.append(error) if error else None)
    return producer.flush(20) + len(missing)


def read(cluster, topic, group):
    """What a consumer of the group is given, from where the group is, up to the end."""
    consumer = Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.partition.eof": True,
        "check.crcs": True})
    found = []
    consumer.subscribe([topic])
    for _ in range(200):
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                break
            continue
        found.append(message.value().decode())
    consumer.commit(asynchronous=False) if found else None
    consumer.close()
    return found


def read_kcat(cluster, topic):
    out = subprocess.run(
        ["kcat", "-b", cluster.bootstrap, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%s\n"],
        capture_output=True, text=True, timeout=30)
    return out.stdout.split()


def state(admin, topic):
    """Leader and ISR as a broker tells them; the leader is -1 where there is none, -2 where the client had no answer: librdkafka keeps
    a question it put to a broker that died meanwhile for that broker."""
    try:
        found = admin.list_topics(topic, timeout=3).topics[topic].partitions[0]
    except KafkaException:
        return -2, []
    return found.leader, sorted(found.isrs)


def end(admin, topic):
    place = TopicPartition(topic, 0)
    return admin.list_offsets({place: OffsetSpec.latest()})[place].result(10).offset


def digest(node, topic):
    folder = os.path.join(node.directory, f"{topic}-0")
    found = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".log"):
            with open(os.path.join(folder, name), "rb") as file:
                found.update(file.read())
    return found.hexdigest()


def elect(cluster, admin, topic, kind):
    """Asks the client's own admin for an election; the error of the one partition as that client names it, None without one."""
    if TOPICS[topic] == "confluent-kafka":
        which = ElectionType.UNCLEAN if kind == "unclean" else ElectionType.PREFERRED
        place = TopicPartition(topic, 0)
        error = admin.elect_leaders(which, [place]).result(20)[place]
        return None if error is None else error.name() if hasattr(error, "name") else str(error)
    own = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    try:
        answer = own.elect_leaders(1 if kind == "unclean" else 0, {topic: [0]}, raise_errors=False)
        answer = answer if isinstance(answer, dict) else answer.to_dict()
        results = answer["replica_election_results"][0]["partition_result"][0]
        return None if results["error_code"] == 0 else str(results.get("error_message") or results["error_code"])
    finally:
        own.close()


def main():
    before = [f"before-{number}" for number in range(BEFORE)]
    lost = [f"lost-{number}" for number in range(LOST)]
    after = [f"after-{number}" for number in range(AFTER)]
    with Cluster() as cluster:
        first, second = cluster.node(1), cluster.node(2)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        made = admin.create_topics([
            NewTopic(topic, num_partitions=1, replica_assignment=[[1, 2]], config={"min.insync.replicas": "1"}) for topic in TOPICS])
        for future in made.values():
            future.result(10)
        for topic in TOPICS:
            equal(f"{topic}: written while both are in sync", produce(cluster, topic, before), 0)
        second.kill()
        for topic in TOPICS:
            check(f"{topic}: the dead follower leaves", wait_until(lambda t=topic: state(admin, t) == (1, [1]), 15), state(admin, topic))
            equal(f"{topic}: written to the one that is left", produce(cluster, topic, lost), 0)
            equal(f"{topic}: a group reads all of it", read(cluster, topic, f"{topic}-early"), before + lost)
        # The other one comes back while the first is gone: it has not got the end.
        first.kill()
        second.start()
        check("broker 2 is back", second.wait_ready(30), second.tail())
        for topic in TOPICS:
            check(f"{topic}: nobody leads", wait_until(lambda t=topic: state(admin, t)[0] == -1, 15), state(admin, topic))
            with checking(f"{topic}: a preferred election is refused"):
                error = elect(cluster, admin, topic, "preferred")
                check(f"{topic}: a preferred election is refused", error is not None, error)
            check(f"{topic}: nobody leads yet", wait_until(lambda t=topic: state(admin, t)[0] == -1, 10), state(admin, topic))
            with checking(f"{topic}: {TOPICS[topic]} elects uncleanly"):
                equal(f"{topic}: {TOPICS[topic]} elects uncleanly", elect(cluster, admin, topic, "unclean"), None)
            check(f"{topic}: broker 2 leads, alone in sync", wait_until(lambda t=topic: state(admin, t) == (2, [2]), 15),
                  state(admin, topic))
            equal(f"{topic}: it ends where broker 2 ends", end(admin, topic), BEFORE)
            equal(f"{topic}: kcat reads what broker 2 has", read_kcat(cluster, topic), before)
            equal(f"{topic}: it is written to", produce(cluster, topic, after), 0)
        first.start()
        check("broker 1 is back", first.wait_ready(30), first.tail())
        for topic in TOPICS:
            check(f"{topic}: broker 1 is in sync again", wait_until(lambda t=topic: state(admin, t) == (2, [1, 2]), 20),
                  state(admin, topic))
            check(f"{topic}: both logs are equal", wait_until(lambda t=topic: digest(first, t) == digest(second, t), 10))
            with checking(f"{topic}: the preferred leader leads again"):
                elect(cluster, admin, topic, "preferred")
                check(f"{topic}: the preferred leader leads again", wait_until(lambda t=topic: state(admin, t)[0] == 1, 15),
                      state(admin, topic))
            equal(f"{topic}: the end, from the broker that had lost it", end(admin, topic), BEFORE + AFTER)
            equal(f"{topic}: kcat is given nothing that is lost", read_kcat(cluster, topic), before + after)
            equal(f"{topic}: a new group is given nothing that is lost", read(cluster, topic, f"{topic}-late"), before + after)
            found = read(cluster, topic, f"{topic}-early")
            check(f"{topic}: a group that was past the new end is given nothing that is lost", not set(found) & set(lost), found[-3:])
        check("no broker died", not cluster.crashes(), str(cluster.crashes()))
    done()


if __name__ == "__main__":
    main()
