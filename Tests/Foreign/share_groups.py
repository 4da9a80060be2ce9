"""Share groups (KIP-932) with confluent-kafka's ShareConsumer, on one broker and on three: members read one topic together and each record
is delivered once; records are accepted, released and rejected; one that nobody accepts is given up after five deliveries; what a killed
member had goes to another; and leaders and coordinators are killed in the middle."""
# time: 300
# broker: none

import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time

from cluster import Cluster
from confluent_kafka import AcknowledgeType, KafkaException, Producer, ShareConsumer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from harness import TMP, check, checking, done, equal, kastellan, wait_until

# Members come often and are missed soon, and what they hold comes back soon.
SETTINGS_OF_BROKERS = {
    "group.share.heartbeat.interval.ms": "300", "group.share.min.heartbeat.interval.ms": "300",
    "group.share.min.session.timeout.ms": "1000", "group.share.session.timeout.ms": "4000",
    "group.share.assignment.interval.ms": "0", "group.share.min.record.lock.duration.ms": "1000",
    "group.share.record.lock.duration.ms": "3000",
}


PRODUCERS = {}  # one of each cluster: a new one takes half a second until it has written


class Member(threading.Thread):
    """A member that accepts all it is given, until it is stopped."""

    def __init__(self, bootstrap, name, group, topic, pause=0.0, **more):
        super().__init__(daemon=True)
        self.settings = {"bootstrap.servers": bootstrap, "group.id": group, "client.id": name, **more}
        self.topic, self.pause, self.read, self.errors, self.stopping = topic, pause, [], [], False
        self.start()

    def run(self):
        consumer = ShareConsumer(self.settings)
        consumer.subscribe([self.topic])
        while not self.stopping:
            try:
                batch = list(consumer.poll(0.3))
            except KafkaException as error:
                self.errors.append(str(error))
                continue
            for message in batch:
                if message.error():
                    self.errors.append(str(message.error()))
                else:
                    self.read.append((message.partition(), message.offset(), message.value().decode()))
            if batch and self.pause:
                time.sleep(self.pause)
        try:
            consumer.close()
        except KafkaException as error:
            self.errors.append(str(error))

    def stop(self):
        self.stopping = True
        self.join(30)


def begin(bootstrap, group, topic, partitions, replicas):
    """A topic, and a group that begins at its beginning."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, replicas)])[topic].result()
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=[
        ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)])
    list(admin.incremental_alter_configs([resource]).values())[0].result()


def fill(bootstrap, topic, values):
    if bootstrap not in PRODUCERS:
        PRODUCERS[bootstrap] = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})
    producer = PRODUCERS[bootstrap]
    for value in values:
        # By its key: without one a producer writes a batch here and the next one there, or all to one partition.
        producer.produce(topic, value, key=value)
        producer.poll(0)
    producer.flush(30)


def values(members):
    return [value for member in members for _, _, value in member.read]


def groups(bootstrap, *words):
    code, out, err = kastellan("groups", *words, "-o", "json", bootstrap=bootstrap)
    return json.loads(out) if code == 0 and out else err


def members_share_a_topic(bootstrap, replicas):
    begin(bootstrap, "together", "shared", 2, replicas)
    members = [Member(bootstrap, f"m{n}", "together", "shared", pause=0.02) for n in range(3)]
    # Who comes when all is read gets nothing.
    wait_until(lambda: told_members(bootstrap) == ["m0", "m1", "m2"], 20)
    equal("the members are told of", told_members(bootstrap), ["m0", "m1", "m2"])
    wanted = [f"record {n}" for n in range(600)]
    for start in range(0, 600, 50):
        fill(bootstrap, "shared", wanted[start:start + 50])
    check("all records are read", wait_until(lambda: len(set(values(members))) == 600, 40), len(set(values(members))))
    counts = collections.Counter(values(members))
    equal("each once", [v for v, count in counts.items() if count > 1], [])
    check("by more than one member", sum(1 for m in members if m.read) >= 2, [len(m.read) for m in members])
    rows = wait_until(lambda: lag_is(groups(bootstrap, "describe", "together"), 0), 20)
    check("nothing is left to read", rows, groups(bootstrap, "describe", "together"))
    for member in members:
        member.stop()
    equal("nobody met an error", [e for m in members for e in m.errors], [])
    check("the group is empty", wait_until(lambda: state(bootstrap, "together") == "Empty", 10), state(bootstrap, "together"))


def told_members(bootstrap):
    rows = groups(bootstrap, "describe", "together", "--members")
    return sorted(row.get("CLIENT-ID", row.get("clientId", "")) for row in rows if isinstance(row, dict))


def state(bootstrap, group):
    rows = groups(bootstrap, "list")
    found = [row for row in rows if isinstance(row, dict) and group in row.values()]
    return next((v for row in found for k, v in row.items() if k.lower() == "state"), None)


def lag_is(rows, wanted):
    if not isinstance(rows, list) or not rows:
        return None
    lags = [row.get("LAG", row.get("lag")) for row in rows]
    return rows if all(lag is not None and int(lag) == wanted for lag in lags) else None


def poll_until(consumer, condition, seconds=20):
    """What a consumer that acknowledges by itself is given, until the condition holds of it."""
    got, end = [], time.monotonic() + seconds
    while time.monotonic() < end and not condition(got):
        got += [m for m in consumer.poll(0.3) if not m.error()]
        if got and not condition(got):
            break
    return got


def acknowledgements(bootstrap, replicas):
    begin(bootstrap, "choosy", "acks", 1, replicas)
    fill(bootstrap, "acks", ["accept", "release", "reject"])
    consumer = ShareConsumer({"bootstrap.servers": bootstrap, "group.id": "choosy", "share.acknowledgement.mode": "explicit"})
    consumer.subscribe(["acks"])
    seen, end = collections.Counter(), time.monotonic() + 30
    while time.monotonic() < end and seen["release"] < 3:
        for message in consumer.poll(0.3):
            value = message.value().decode()
            seen[value] += 1
            kind = {"accept": AcknowledgeType.ACCEPT, "reject": AcknowledgeType.REJECT}.get(value)
            if kind is None:
                kind = AcknowledgeType.RELEASE if seen[value] < 3 else AcknowledgeType.ACCEPT
            consumer.acknowledge(message, kind)
        consumer.commit_sync(10.0)
    equal("a released record comes again, others do not", dict(seen), {"accept": 1, "release": 3, "reject": 1})
    rows = wait_until(lambda: lag_is(groups(bootstrap, "describe", "choosy"), 0), 10)
    check("all is done with", rows, groups(bootstrap, "describe", "choosy"))
    fill(bootstrap, "acks", ["poison", "good"])
    seen, end, last = collections.Counter(), time.monotonic() + 30, time.monotonic()
    while time.monotonic() < end and time.monotonic() - last < 3:
        for message in consumer.poll(0.3):
            last = time.monotonic()
            value = message.value().decode()
            seen[value] += 1
            consumer.acknowledge(message, AcknowledgeType.RELEASE if value == "poison" else AcknowledgeType.ACCEPT)
        consumer.commit_sync(10.0)
    equal("a record that nobody accepts is delivered five times", dict(seen), {"poison": 5, "good": 1})
    consumer.close()


def killed_member(bootstrap, replicas):
    begin(bootstrap, "mortal", "graves", 1, replicas)
    fill(bootstrap, "graves", [f"record {n}" for n in range(20)])
    victim = subprocess.Popen([sys.executable, os.path.abspath(__file__), "victim", bootstrap], stdout=subprocess.PIPE)
    held = json.loads(victim.stdout.readline())
    check("a member holds records", len(held) == 20, held)
    survivor = Member(bootstrap, "survivor", "mortal", "graves")
    time.sleep(0.5)
    equal("while it lives nobody else is given them", survivor.read, [])
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    check("what it held goes to another", wait_until(lambda: sorted(values([survivor])) == sorted(held), 20), survivor.read)
    survivor.stop()


def victim(bootstrap):
    consumer = ShareConsumer({"bootstrap.servers": bootstrap, "group.id": "mortal", "share.acknowledgement.mode": "explicit"})
    consumer.subscribe(["graves"])
    held = []
    while not held:
        held = [m.value().decode() for m in consumer.poll(0.3)]
    print(json.dumps(held), flush=True)
    signal.pause()


def administration(bootstrap, replicas):
    begin(bootstrap, "office", "desk", 2, replicas)
    fill(bootstrap, "desk", [f"record {n}" for n in range(30)])
    member = Member(bootstrap, "clerk", "office", "desk")
    check("a group reads", wait_until(lambda: len(member.read) == 30, 30), len(member.read))
    code, _, err = kastellan("groups", "reset-offsets", "office", "--all-topics", "--to-earliest", "--yes", bootstrap=bootstrap)
    check("a group with members is not reset", code != 0, err)
    member.stop()
    wait_until(lambda: state(bootstrap, "office") == "Empty", 10)
    code, out, err = kastellan("groups", "reset-offsets", "office", "--all-topics", "--to-earliest", "--yes", bootstrap=bootstrap)
    equal("an empty one is", code, 0) or print(out, err)
    again = Member(bootstrap, "clerk", "office", "desk")
    check("and reads all again", wait_until(lambda: len(again.read) == 30, 30), len(again.read))
    again.stop()
    wait_until(lambda: state(bootstrap, "office") == "Empty", 10)
    code, out, err = kastellan("groups", "delete", "office", "--yes", bootstrap=bootstrap)
    equal("it is deleted", (code, state(bootstrap, "office")), (0, None)) or print(out, err)


def failover(cluster):
    """Leaders and coordinators die, one broker after the other, while members read: every record is read, and few twice."""
    bootstrap = cluster.bootstrap
    begin(bootstrap, "over", "long", 3, 3)
    members = [Member(bootstrap, f"f{n}", "over", "long", pause=0.01) for n in range(3)]
    wanted = [f"record {n}" for n in range(900)]
    fill(bootstrap, "long", wanted[:150])
    check("members read", wait_until(lambda: len(set(values(members))) == 150, 30), len(set(values(members))))
    for round_, number in enumerate((1, 2, 3)):
        node = cluster.node(number)
        fill(bootstrap, "long", wanted[150 + 250 * round_:275 + 250 * round_])
        node.kill()
        fill(bootstrap, "long", wanted[275 + 250 * round_:400 + 250 * round_])
        have = 400 + 250 * round_
        check(f"without broker {number} all {have} records are read", wait_until(lambda: len(set(values(members))) == have, 45),
              [len(set(values(members))), [m.errors[-2:] for m in members]])
        node.start()
        node.wait_ready() if hasattr(node, "wait_ready") else None
        wait_until(lambda: isinstance(groups(bootstrap, "describe", "over"), list), 20)
    for member in members:
        member.stop()
    counts = collections.Counter(values(members))
    twice = sum(1 for count in counts.values() if count > 1)
    check("what is read again are those whose acknowledgement was lost", twice <= 300, twice)
    rows = wait_until(lambda: lag_is(groups(bootstrap, "describe", "over"), 0), 30)
    check("in the end all is done with", rows, groups(bootstrap, "describe", "over"))


def main():
    for count in (1, 3):
        with Cluster(count, SETTINGS_OF_BROKERS, directory=os.path.join(TMP, f"cluster-{count}")) as cluster:
            for part in (members_share_a_topic, acknowledgements, killed_member, administration):
                with checking(f"{part.__name__} on {count} without an exception"):
                    part(cluster.bootstrap, count)
            if count == 3:
                with checking("failover without an exception"):
                    failover(cluster)
            equal(f"no broker of {count} fell", cluster.crashes(), [])
    done()


if __name__ == "__main__":
    victim(sys.argv[2]) if len(sys.argv) > 2 else main()
