"""The consumer protocol of KIP-848 with confluent-kafka (`group.protocol=consumer`): members come and go, static members, regular
expressions, commits, the server's assignors, a member that is killed, a coordinator that is killed, and a group that changes over from the
classic protocol and back while its members go on."""
# time: 120
# broker: none

import os
import signal
import subprocess
import sys
import threading

from cluster import Cluster
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, ConsumerGroupType, KafkaException, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from harness import check, checking, done, equal, wait_until

# Members come often and are missed soon, so that nothing here waits for Kafka's own five and 45 seconds.
SETTINGS_OF_BROKERS = {
    "group.consumer.heartbeat.interval.ms": "300", "group.consumer.min.heartbeat.interval.ms": "300",
    "group.consumer.min.session.timeout.ms": "1000", "group.consumer.assignment.interval.ms": "0",
}
SETTINGS = {"group.protocol": "consumer", "auto.offset.reset": "earliest", "auto.commit.interval.ms": 200}


class Member(threading.Thread):
    """A member that polls until it is stopped."""

    def __init__(self, bootstrap, name, group, topics, **more):
        super().__init__(daemon=True)
        self.settings = {"bootstrap.servers": bootstrap, "group.id": group, "client.id": name, **SETTINGS, **more}
        self.topics, self.owned, self.read, self.error, self.stopping = topics, [], set(), None, False
        self.start()

    def run(self):
        consumer = Consumer({key: value for key, value in self.settings.items() if value is not None})
        consumer.subscribe(self.topics)
        while not self.stopping:
            message = consumer.poll(0.05)
            if message and message.error():
                self.error = message.error()
            elif message:
                self.read.add((message.topic(), message.partition(), message.offset()))
            self.owned = sorted((p.topic, p.partition) for p in consumer.assignment())
        consumer.close()
        self.owned = []

    def stop(self):
        self.stopping = True
        self.join(15)


def told(members):
    return [(member.settings["client.id"], member.owned, member.error) for member in members]


def shared(members, count, seconds=20):
    """Whether all partitions are spread over the members, evenly and each once."""

    def even():
        owned = [p for member in members for p in member.owned]
        sizes = [len(member.owned) for member in members]
        return len(owned) == len(set(owned)) == count and max(sizes) - min(sizes) <= 1

    return wait_until(even, seconds)


def fill(bootstrap, topic, partitions, records=60):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 3)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(records):
        producer.produce(topic, str(number), partition=number % partitions)
    producer.flush(20)


def describe(admin, group):
    return admin.describe_consumer_groups([group])[group].result()


def members_come_and_go(bootstrap, admin):
    fill(bootstrap, "topic-1", 6)
    members = []
    for name in ("a", "b", "c"):
        members.append(Member(bootstrap, name, "g", ["topic-1"]))
        check(f"{len(members)} members share the partitions", shared(members, 6), told(members))
    check("it becomes stable", wait_until(lambda: describe(admin, "g").state == ConsumerGroupState.STABLE), describe(admin, "g").state)
    group = describe(admin, "g")
    equal("it is of the consumer protocol", (group.type, group.partition_assignor), (ConsumerGroupType.CONSUMER, "uniform"))
    wanted = {m.settings["client.id"]: m.owned for m in members}
    found = {m.client_id: sorted((p.topic, p.partition) for p in m.assignment.topic_partitions) for m in group.members}
    targets = {m.client_id: sorted((p.topic, p.partition) for p in m.target_assignment.topic_partitions) for m in group.members}
    equal("each member has what it was meant to have", (found, targets), (wanted, wanted))
    listed = {g.group_id: (g.type, g.state) for g in admin.list_consumer_groups().result().valid}
    equal("it is listed", listed.get("g"), (ConsumerGroupType.CONSUMER, ConsumerGroupState.STABLE))
    check("every record was read", wait_until(lambda: len(set().union(*(m.read for m in members))) == 60), [len(m.read) for m in members])
    members.pop().stop()
    check("a member leaves, the others take over", shared(members, 6), told(members))
    for member in members:
        member.stop()
    check("the group is empty", wait_until(lambda: describe(admin, "g").state == ConsumerGroupState.EMPTY), describe(admin, "g").state)
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("g")])["g"].result().topic_partitions
    equal("all that was read is committed", sum(p.offset for p in offsets), 60)
    admin.delete_consumer_groups(["g"])["g"].result()
    check("it is deleted", "g" not in [g.group_id for g in admin.list_consumer_groups().result().valid])


def static_member(bootstrap, admin):
    first = Member(bootstrap, "s1", "static", ["topic-1"], **{"group.instance.id": "one"})
    second = Member(bootstrap, "s2", "static", ["topic-1"], **{"group.instance.id": "two"})
    check("two static members share the partitions", shared([first, second], 6), told([first, second]))
    before = first.owned
    first.stop()
    again = Member(bootstrap, "s1", "static", ["topic-1"], **{"group.instance.id": "one"})
    check("a static member that comes back has what it had", wait_until(lambda: again.owned == before), told([again, second]))
    equal("by its instance", sorted(m.group_instance_id for m in describe(admin, "static").members), ["one", "two"])
    return [again, second]


def regular_expression(bootstrap, admin):
    fill(bootstrap, "topic-2", 2)
    member = Member(bootstrap, "r", "regex", ["^topic-[0-9]"], **{"group.remote.assignor": "range"})
    check("a regular expression subscribes", wait_until(lambda: len(member.owned) == 8), told([member]))
    fill(bootstrap, "topic-3", 2)
    check("a topic that appears is read", wait_until(lambda: ("topic-3", 1) in member.owned), told([member]))
    equal("the assignor that it asked for", describe(admin, "regex").partition_assignor, "range")
    admin.delete_topics(["topic-3"])["topic-3"].result()
    check("a topic that vanishes is let go", wait_until(lambda: len(member.owned) == 8), told([member]))
    wrong = Member(bootstrap, "w", "wrong", ["topic-1"], **{"group.remote.assignor": "nope"})
    check("an unknown assignor is refused", wait_until(lambda: wrong.error), told([wrong]))
    return [member, wrong]


def killed_member(bootstrap, admin):
    resource = ConfigResource(ResourceType.GROUP, "killed")
    admin.incremental_alter_configs([
        ConfigResource(ResourceType.GROUP, "killed", incremental_configs=[
            ConfigEntry("consumer.session.timeout.ms", "2000", incremental_operation=AlterConfigOpType.SET)])])[resource].result()
    described = admin.describe_configs([resource])[resource].result()["consumer.session.timeout.ms"]
    equal("a group has settings of its own", (described.value, described.source), ("2000", 8))
    survivor = Member(bootstrap, "survivor", "killed", ["topic-1"])
    victim = subprocess.Popen([sys.executable, os.path.abspath(__file__), "victim", bootstrap], stdout=subprocess.PIPE)
    victim.stdout.readline()
    check("the other process has its share", wait_until(lambda: len(survivor.owned) == 3), told([survivor]))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    check("its share comes back when its session is over", wait_until(lambda: len(survivor.owned) == 6), told([survivor]))
    return [survivor]


def victim(bootstrap):
    member = Member(bootstrap, "victim", "killed", ["topic-1"])
    wait_until(lambda: len(member.owned) == 3)
    print("ready", flush=True)
    signal.pause()


def migration(bootstrap, admin):
    from group_players import Confluent, KafkaPython

    fill(bootstrap, "moving", 6)
    classics = [Confluent("moving", "moving", client_id="old", bootstrap=bootstrap)]
    classics[0].start()
    check("a classic member has all", wait_until(lambda: len(classics[0].owned) == 6), classics[0].owned)
    new = Member(bootstrap, "new", "moving", ["moving"])
    numbers = lambda: [len(c.owned) for c in classics] + [len(new.owned)]  # noqa: E731
    check("a classic and a consumer member share a group", wait_until(lambda: numbers() == [3, 3]), numbers())
    equal("which is of the consumer protocol now", describe(admin, "moving").type, ConsumerGroupType.CONSUMER)
    classics.append(KafkaPython("moving", "moving", client_id="python", bootstrap=bootstrap))
    classics[1].start()
    check("a classic kafka-python member joins", wait_until(lambda: numbers() == [2, 2, 2]), numbers())
    new.stop()
    check("without the newer member they go on", wait_until(lambda: sorted(len(c.owned) for c in classics) == [3, 3]), numbers())
    check("as a classic group", wait_until(lambda: describe(admin, "moving").type == ConsumerGroupType.CLASSIC))
    for classic in classics:
        check(f"{classic.name} ends", classic.stop() and not classic.error, classic.error)


def failover(cluster):
    """The group's coordinator is killed: another broker reads the group from the log, and the members go on in their epochs."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    fill(cluster.bootstrap, "topic", 6)
    members = [Member(cluster.bootstrap, f"f{n}", "over", ["topic"]) for n in range(2)]
    check("two members on three brokers", shared(members, 6), told(members))
    wait_until(lambda: describe(admin, "over").state == ConsumerGroupState.STABLE)
    before, owned = describe(admin, "over").coordinator.id, [m.owned for m in members]
    cluster.node(before).kill()

    def elsewhere():
        try:
            group = describe(admin, "over")
        except KafkaException:
            return False
        return group.coordinator.id != before and group.state == ConsumerGroupState.STABLE

    check("another coordinator knows the group", wait_until(elsewhere, 30))
    equal("and nobody has lost anything", [m.owned for m in members], owned)
    members.append(Member(cluster.bootstrap, "f2", "over", ["topic"]))
    check("a third member joins there", shared(members, 6), told(members))
    return members


def main():
    with Cluster(3, SETTINGS_OF_BROKERS) as cluster:
        bootstrap = cluster.bootstrap
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for part in (members_come_and_go, static_member, regular_expression, killed_member, migration):
            with checking(f"{part.__name__} without an exception"):
                for member in part(bootstrap, admin) or []:
                    member.stop()
        with checking("failover without an exception"):
            for member in failover(cluster):
                member.stop()
        equal("no broker fell", cluster.crashes(), [])
    done()


if __name__ == "__main__":
    victim(sys.argv[2]) if len(sys.argv) > 2 else main()
