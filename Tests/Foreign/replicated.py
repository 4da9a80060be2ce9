# time: 240
# broker: none
"""Three broker processes, looked at with other people's eyes: confluent-kafka's and kafka-python's admin clients see the same leaders, in-sync
replicas and reassignments as `kastellan` does, before and after brokers die; a group's members outlive their coordinator. What
clients do on several brokers as on one is in matrix.py."""

import json
import os
import re
import threading
import time

from confluent_kafka import Consumer, ElectionType, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from kafka import KafkaAdminClient
from kafka import TopicPartition as PythonPartition

from cluster import Cluster
from harness import check, checking, done, equal, kastellan, wait_until

TOPIC = "three"


class Eyes:
    """One cluster as three programs see it: {partition: (leader, [replicas], [isr])}."""

    def __init__(self, cluster):
        self.bootstrap = cluster.bootstrap
        self.confluent = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        self.python = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))

    def by_confluent(self, topic):
        found = self.confluent.describe_topics(TopicCollection([topic]), request_timeout=10)[topic].result(15)
        return {p.id: (p.leader.id if p.leader else -1, [n.id for n in p.replicas], sorted(n.id for n in p.isr)) for p in found.partitions}

    def by_python(self, topic):
        found = self.python.describe_topics([topic])[0]["partitions"]
        return {p["partition_index"]: (p["leader_id"], p["replica_nodes"], sorted(p["isr_nodes"])) for p in found}

    def by_kastellan(self, topic):
        code, out, err = kastellan("get", "partitions", topic, "-o", "json", bootstrap=self.bootstrap)
        if code != 0:
            raise RuntimeError(f"exit code {code}: {err}")
        return {p["partition"]: (-1 if p["leader"] is None else p["leader"], p["replicas"], sorted(p["isr"])) for p in json.loads(out)}

    def configure(self, kind, name, settings):
        """Sets keys, or deletes those whose value is None."""
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET)
            for key, value in settings.items()]
        for future in self.confluent.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)]).values():
            future.result(15)

    def agreed(self, topic):
        """What all three see, or None while they differ."""
        try:
            views = [self.by_confluent(topic), self.by_python(topic), self.by_kastellan(topic)]
        except Exception as error:  # noqa: BLE001 - a broker is away, or a leader not elected
            self.last = error
            return None
        self.last = views
        return views[0] if views[0] == views[1] == views[2] else None

    def agree_that(self, name, topic, condition, seconds=30):
        view = wait_until(lambda: (lambda seen: seen if seen is not None and condition(seen) else None)(self.agreed(topic)), seconds, 0.2)
        check(name, view is not None, self.last)
        return view or {}


def everybody_in_sync(view):
    return bool(view) and all(leader > 0 and isr == sorted(replicas) for leader, replicas, isr in view.values())


def produce(bootstrap, topic, count, size=100):
    """Writes and waits for all; returns the errors."""
    errors = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "log_level": 0})
    for index in range(count):
        while True:
            try:
                producer.produce(topic, os.urandom(size), str(index), on_delivery=lambda e, _: errors.append(str(e)) if e else None)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(60):
        errors.append("not all within 60 s")
    return errors


def placement_and_failover(cluster, eyes):
    eyes.confluent.create_topics([NewTopic(TOPIC, 6, 3)])[TOPIC].result(20)
    view = eyes.agree_that("all see the new topic, three replicas each in sync", TOPIC, lambda v: len(v) == 6 and everybody_in_sync(v))
    leaders = [leader for leader, _, _ in view.values()]
    equal("leaders are spread evenly", sorted(leaders.count(n) for n in (1, 2, 3)), [2, 2, 2])
    equal("the first replica leads", [replicas[0] for _, replicas, _ in view.values()], leaders)
    check("records are acknowledged by all", not produce(cluster.bootstrap, TOPIC, 2000))
    victim = cluster.node(3)
    victim.kill()
    began = time.monotonic()
    eyes.agree_that("after kill -9 all see the others lead, without it in sync", TOPIC,
                    lambda v: len(v) == 6 and all(leader in (1, 2) and isr == [1, 2] for leader, _, isr in v.values()))
    print(f"# seen by all {time.monotonic() - began:.1f} s after the kill", flush=True)
    check("records are acknowledged by the two that are left", not produce(cluster.bootstrap, TOPIC, 500))
    victim.start()
    check("the broker comes back", victim.wait_ready())
    eyes.agree_that("and is in sync again", TOPIC, everybody_in_sync)
    with checking("leaders are put back by confluent-kafka's elect_leaders"):
        # Without a time-out: confluent-kafka 2.16.1 fails on its own argument.
        outcome = eyes.confluent.elect_leaders(ElectionType.PREFERRED).result(30)
        bad = [(str(p), str(e)) for p, e in outcome.items() if e is not None and e.name() != "ELECTION_NOT_NEEDED"]
        check("leaders are put back by confluent-kafka's elect_leaders", not bad, bad)
    eyes.agree_that("all see the first replicas lead again", TOPIC,
                    lambda v: all(leader == replicas[0] for leader, replicas, _ in v.values()))


def brokers_and_quorum(cluster, eyes):
    with checking("all see the same brokers and controller"):
        confluent = eyes.confluent.describe_cluster(request_timeout=10).result(15)
        python = eyes.python.describe_cluster()
        own = json.loads(kastellan("get", "brokers", "-o", "json", bootstrap=eyes.bootstrap)[1])
        ids = [sorted(n.id for n in confluent.nodes), sorted(b["node_id"] if "node_id" in b else b["broker_id"] for b in python["brokers"]),
               sorted(b["broker"] for b in own)]
        equal("all see the same brokers", ids, [[1, 2, 3]] * 3)
        equal("and the same cluster id", {confluent.cluster_id, python["cluster_id"]}, {cluster.cluster_id})
    with checking("kafka-python describes the quorum"):
        quorum = eyes.python.describe_metadata_quorum()
        text = json.dumps(quorum, default=str)
        voters = quorum["topics"][0]["partitions"][0]["current_voters"] if "topics" in quorum else quorum["current_voters"]
        equal("kafka-python sees three voters", sorted(v["replica_id"] for v in voters), [1, 2, 3])
        check("one of them leads", re.search(r'"leader_id": [123]', text), text)


def reassignment(cluster, eyes):
    """A partition moves from two replicas to others, throttled, so that it can be looked at meanwhile."""
    topic = "moving"
    eyes.python.create_topics({topic: {"num_partitions": -1, "replication_factor": -1, "assignments": {0: [1, 2], 1: [2, 1]}}})
    eyes.agree_that("a topic with two replicas is made", topic, lambda v: len(v) == 2 and everybody_in_sync(v))
    check("it is filled", not produce(cluster.bootstrap, topic, 6000, 1000))
    rates = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"]
    replicas = ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"]
    with checking("a throttle is set by confluent-kafka"):
        eyes.configure(ResourceType.TOPIC, topic, {key: "*" for key in replicas})
        for number in (1, 2, 3):
            eyes.configure(ResourceType.BROKER, str(number), {key: "300000" for key in rates})
        check("a throttle is set by confluent-kafka", True)
    moved = {PythonPartition(topic, 0): [3, 1], PythonPartition(topic, 1): [3, 2]}
    with checking("kafka-python begins a reassignment"):
        errors = eyes.python.alter_partition_reassignments(moved)
        check("kafka-python begins a reassignment", not any(errors.values()), errors)
    with checking("the reassignment is listed"):
        listed = {(p.topic, p.partition): (sorted(r["adding_replicas"]), sorted(r["removing_replicas"]))
                  for p, r in eyes.python.list_partition_reassignments().items()}
        equal("kafka-python lists it", listed, {(topic, 0): ([3], [2]), (topic, 1): ([3], [1])})
        code, out, _ = kastellan("get", "reassignments", "-o", "json", bootstrap=eyes.bootstrap)
        if check("kastellan lists reassignments", code == 0, out):
            own = {(r["topic"], r["partition"]): (sorted(set(r["to"]) - set(r["from"])), sorted(set(r["from"]) - set(r["to"])))
                   for r in json.loads(out)}
            equal("kastellan lists the same", own, listed)
        seen = eyes.agreed(topic)
        check("all see the added replica among the replicas", seen is None or all(3 in replicas for _, replicas, _ in seen.values()), seen)
    with checking("one of the two is cancelled"):
        errors = eyes.python.alter_partition_reassignments({PythonPartition(topic, 1): None})
        check("one of the two is cancelled", not any(errors.values()), errors)
    check("records are acknowledged meanwhile", not produce(cluster.bootstrap, topic, 200))
    with checking("the throttle is lifted"):
        eyes.configure(ResourceType.TOPIC, topic, {key: None for key in replicas})
        for number in (1, 2, 3):
            eyes.configure(ResourceType.BROKER, str(number), {key: None for key in rates})
        check("the throttle is lifted", True)
    eyes.agree_that("all see the moved one moved and the cancelled one where it was", topic,
                    lambda v: sorted(v[0][1]) == [1, 3] and sorted(v[1][1]) == [1, 2] and everybody_in_sync(v), 60)
    with checking("nothing is left of the reassignment"):
        equal("nothing is left of the reassignment", eyes.python.list_partition_reassignments(), {})
    count = 0
    reader = Consumer({"bootstrap.servers": eyes.bootstrap, "group.id": "check", "auto.offset.reset": "earliest", "log_level": 0})
    reader.assign([TopicPartition(topic, 0, 0), TopicPartition(topic, 1, 0)])
    end = time.monotonic() + 30
    while count < 6200 and time.monotonic() < end:
        count += sum(1 for m in reader.consume(1000, 0.5) if not m.error())
    reader.close()
    equal("every record is still there", count, 6200)


class Member(threading.Thread):
    def __init__(self, bootstrap, group, topic):
        super().__init__(daemon=True)
        self.assignments, self.revocations, self.read = 0, 0, 0
        self.stopping = threading.Event()
        self.topic = topic
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": 10000,
            "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 500, "reconnect.backoff.max.ms": 500, "log_level": 0})

    def on_assign(self, *_):
        self.assignments += 1

    def on_revoke(self, *_):
        self.revocations += 1

    def run(self):
        self.consumer.subscribe([self.topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        while not self.stopping.is_set():
            message = self.consumer.poll(0.2)
            if message is not None and not message.error():
                self.read += 1
        self.consumer.close()


def coordinator_failover(cluster, eyes):
    """The coordinator dies: its group goes on at another broker, with the same members in the same generation."""
    group = "outlives"
    members = [Member(cluster.bootstrap, group, TOPIC) for _ in range(2)]
    for member in members:
        member.start()

    def description():
        # A new client each time: librdkafka 2.16's admin client may wait for ever for a coordinator that has died, and ends the process when
        # that wait times out.
        try:
            admin = AdminClient({"bootstrap.servers": eyes.bootstrap, "log_level": 0})
            return admin.describe_consumer_groups([group], request_timeout=60)[group].result(10)
        except (KafkaException, TimeoutError):
            return None

    def is_stable(found):
        return found is not None and found.state.name == "STABLE" and len(found.members) == 2 and all(
            len(m.assignment.topic_partitions) == 3 for m in found.members)

    check("a group of two is stable", wait_until(lambda: is_stable(description()), 30))
    check("it has read what there is", wait_until(lambda: sum(m.read for m in members) >= 2500, 30), [m.read for m in members])
    time.sleep(1)
    before = description()
    turns = [(m.assignments, m.revocations) for m in members]
    victim = cluster.node(before.coordinator.id)
    victim.kill()
    check("records are written while the coordinator is dead", not produce(cluster.bootstrap, TOPIC, 300))
    check("and read by the group", wait_until(lambda: sum(m.read for m in members) >= 2800, 30), [m.read for m in members])
    after = wait_until(lambda: (lambda f: f if is_stable(f) and f.coordinator.id != victim.id else None)(description()), 30)
    check("the group is stable at another coordinator", after, description())
    if after:
        equal("with the same members", sorted(m.member_id for m in after.members), sorted(m.member_id for m in before.members))
    time.sleep(2)
    equal("nobody was rebalanced", [(m.assignments, m.revocations) for m in members], turns)
    victim.start()
    check("the old coordinator comes back", victim.wait_ready())
    eyes.agree_that("and is in sync again", TOPIC, everybody_in_sync)
    for member in members:
        member.stopping.set()
    for member in members:
        member.join(20)
    with checking("the group's offsets are at the end"):
        found = eyes.python.list_group_offsets(group) if hasattr(eyes.python, "list_group_offsets") else {}
        text = str(found)
        check("kafka-python reads the group's offsets", TOPIC in text, text)


def main():
    with Cluster(3) as cluster:
        eyes = Eyes(cluster)
        for part in (brokers_and_quorum, placement_and_failover, coordinator_failover, reassignment):
            with checking(part.__name__):
                part(cluster, eyes)
        check("no broker ended by itself", not cluster.crashes(), cluster.crashes()[:2])
    done()


if __name__ == "__main__":
    main()
