"""Our own client library, `Client`, driven through a pipe (Tests/LibraryDriver)."""

import hashlib
import subprocess
import time

import harness
from library import LibraryAdmin, LibraryConsumer, LibraryError, LibraryProducer, driver, words

from .base import SESSION_MS, STATIC_MS, Client, Failure, Member, Reader, Record, halves

QUICK = {"metadata.max.age.ms": 2000, "request.timeout.ms": 15000}


def settings(cell, **more):
    return {"bootstrap.servers": cell.bootstrap, **QUICK, **more}


def as_record(found):
    _, partition, offset, stamp, key, value, headers = found
    return Record(value, key, headers, stamp, partition, offset)


class LibraryReader(Reader):
    def __init__(self, cell, topic, group=None, partitions=None, reset="earliest", isolation="read_committed", auto_commit=False):
        self.topic, self.failed = topic, False
        made = {
            "auto.offset.reset": reset, "isolation.level": isolation, "enable.auto.commit": str(auto_commit).lower(),
            "auto.commit.interval.ms": 200, "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500}
        self.consumer = LibraryConsumer(**settings(cell, **({"group.id": group} if group else {}), **made))
        if partitions is None:
            self.consumer.ask("subscribe", topic)
            return
        self.consumer.ask("assign", topic, *partitions)
        for partition, offset in partitions.items():
            if offset is not None:
                self.seek(partition, offset)

    def poll(self, seconds):
        try:
            return [as_record(r) for r in self.consumer.poll(int(seconds * 1000))]
        except LibraryError as error:
            if "there is no reset" not in error.text:
                raise
            self.failed = True
            return []

    def no_offset_was_reported(self):
        return self.failed

    def seek(self, partition, offset):
        self.consumer.ask("seek", self.topic, partition, offset)

    def position(self, partition):
        found = self.consumer.texts("position", self.topic, partition)[0][0]
        return None if found is None else int(found)

    def pause(self, partitions):
        self.consumer.ask("pause", self.topic, *partitions)

    def resume(self, partitions):
        self.consumer.ask("resume", self.topic, *partitions)

    def told(self, offsets):
        return [word for pair in offsets.items() for word in pair]

    def commit(self, offsets=None):
        if offsets is None:
            self.consumer.ask("commit-consumed")
        else:
            self.consumer.ask("commit", self.topic, *self.told(offsets))

    def commit_async(self, offsets):
        self.consumer.ask("commit-async", self.topic, *self.told(offsets))

    def committed(self, partition):
        return dict(self.consumer.numbers("committed", self.topic, partition)).get(partition)

    def offset_for_time(self, partition, stamp):
        found = self.consumer.numbers("times", self.topic, partition, stamp)
        return found[0][0] if found else None

    def bounds(self, partition):
        return tuple(self.consumer.numbers("bounds", self.topic, partition)[0])

    def assignment(self):
        return sorted(int(p) for _, p in self.consumer.assignment())

    def metadata(self):
        return self.consumer.ask("metadata")[0]

    def close(self):
        self.consumer.close()


class Transactional:
    def __init__(self, cell, transactional_id, milliseconds=60000):
        self.producer = LibraryProducer(**settings(
            cell, **{"transactional.id": transactional_id, "transaction.timeout.ms": milliseconds, "linger.ms": 0}))

    def start(self):
        self.producer.ask("init")

    def begin(self):
        self.producer.ask("begin")

    def write(self, topic, records):
        self.producer.write(topic, [(r.partition or 0, r.key, r.value, r.timestamp, r.headers) for r in records])
        failed = [o for o in self.producer.outcomes() if o[0] != "ok"]
        if failed:
            raise Failure(f"{len(failed)} not written: {failed[:1]}")

    def offsets(self, reader, topic, offsets):
        self.producer.ask("offsets", *reader.metadata(), topic, *[word for pair in offsets.items() for word in pair])

    def commit(self):
        self.producer.ask("commit")

    def abort(self):
        self.producer.ask("abort")

    @staticmethod
    def fenced(error):
        # INVALID_PRODUCER_EPOCH, PRODUCER_FENCED
        return isinstance(error, LibraryError) and error.code in (47, 90) and error.flags == "fatal"

    def close(self):
        self.producer.close(3000)


class OwnLibrary(Client):
    name = "kastellan-client"
    not_offered = {"share-group": "no share consumer"}

    def __init__(self):
        found = subprocess.run([harness.PROGRAM, "version"], capture_output=True, text=True, check=False).stdout.split()
        self.version = found[-1] if found else "?"

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        producer = LibraryProducer(**settings(
            cell, **{"compression.type": codec, "acks": acks, "enable.idempotence": str(idempotent).lower(), "linger.ms": 10,
                     "delivery.timeout.ms": 60000, "max.in.flight.requests.per.connection": 5 if idempotent else 1}))
        try:
            found = []

            def half():
                found.extend(producer.outcomes())
                middle()

            waiting = []

            def hand_over():
                producer.write(topic, [(r.partition, r.key, r.value, r.timestamp, r.headers) for r in waiting])
                waiting.clear()

            for record in halves(records, middle and (lambda: (hand_over(), half()))):
                waiting.append(record)
            hand_over()
            found += producer.outcomes()
            failed = [o for o in found if o[0] != "ok"]
            if failed or len(found) != len(records):
                raise Failure(f"{len(failed)} of {len(found)} refused: {failed[:1]}")
        finally:
            producer.close(5000)

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        consumer = LibraryConsumer(**settings(cell, **{"auto.offset.reset": "earliest", "isolation.level": isolation}))
        try:
            if offsets is None:
                offsets = {p: 0 for p in consumer.numbers("partitions", topic)[0]}
            consumer.ask("assign", topic, *offsets)
            for partition, offset in offsets.items():
                consumer.ask("seek", topic, partition, offset)
            found, end = [], time.monotonic() + seconds
            while len(found) < count and time.monotonic() < end:
                found += [as_record(r) for r in consumer.poll(200)]
            return found[:count]
        finally:
            consumer.close()

    def consumer(self, cell, topic, **wanted):
        return LibraryReader(cell, topic, **wanted)

    def transactional(self, cell, transactional_id, **wanted):
        return Transactional(cell, transactional_id, **wanted)

    def join(self, cell, group, topic, assignor, instance=None):
        made = settings(cell, **{
            "group.id": group, "auto.offset.reset": "earliest", "auto.commit.interval.ms": 300})
        if assignor in ("uniform", "server-range"):
            made |= {"group.protocol": "consumer", "group.remote.assignor": assignor.replace("server-", "")}
        else:
            made |= {"session.timeout.ms": STATIC_MS if instance else SESSION_MS, "heartbeat.interval.ms": 300,
                     "partition.assignment.strategy": assignor}
        if instance:
            made["group.instance.id"] = instance
        return Member([driver(), "member", topic, *words(made)], cell)

    def admin(self, cell):
        return LibraryAdministrator(cell)


class LibraryAdministrator:
    """Admin's calls behind the face that rows_admin.py uses."""

    def __init__(self, cell):
        self.cell = cell
        self.driven = LibraryAdmin(**settings(cell, **{"default.api.timeout.ms": 15000}))

    def close(self):
        self.driven.close()

    def create_topic(self, name, partitions, replicas, configs):
        self.driven.ask("createTopics", name, partitions, replicas, *[word for pair in configs.items() for word in pair])

    def delete_topic(self, name):
        self.driven.ask("deleteTopics", name)

    def topics(self):
        return [row[0] for row in self.driven.texts("listTopics")]

    def partitions(self, name):
        return len(self.driven.ask("describeTopics", name))

    def add_partitions(self, name, total):
        self.driven.ask("createPartitions", name, total)

    def config(self, name, key):
        return dict(self.driven.texts("describeConfigs", "topic", name)).get(key)

    def set_config(self, name, key, value):
        self.driven.ask("alterConfigs", "topic", name, key, value)

    def unset_config(self, name, key):
        self.driven.ask("alterConfigs", "topic", name, key, None)

    def brokers(self):
        return sorted(int(row[0]) for row in self.driven.ask("describeCluster"))

    def groups(self):
        return [row[0] for row in self.driven.texts("listGroups")]

    def group(self, name):
        state, members, _ = self.driven.texts("describeGroup", name)[0]
        return state.lower(), int(members)

    def delete_group(self, name):
        self.driven.ask("deleteGroup", name)

    def group_offsets(self, group, topic):
        return {int(p): int(o) for t, p, o in self.driven.texts("listGroupOffsets", group) if t == topic}

    def alter_offsets(self, group, topic, offsets):
        self.driven.ask("alterGroupOffsets", group, topic, *[word for pair in offsets.items() for word in pair])

    def delete_offsets(self, group, topic, partitions):
        self.driven.ask("deleteGroupOffsets", group, topic, *partitions)

    def remove_member(self, group, instance):
        self.driven.ask("removeMembers", group, instance)

    def delete_records(self, topic, offsets):
        self.driven.ask("deleteRecords", topic, *[word for pair in offsets.items() for word in pair])

    def list_offsets(self, topic, stamp):
        return tuple(row[0] for row in self.driven.numbers("listOffsets", topic, 0, -2, -1, stamp))

    def elect(self, topic):
        self.driven.ask("electLeaders", topic, 0)

    def reassign(self, topic, replicas):
        for partition, brokers in replicas.items():
            self.driven.ask("alterReassignments", topic, partition, *brokers)

    def reassignments(self):
        return [row[0] for row in self.driven.texts("listReassignments")]

    def log_size(self, topic):
        return sum(int(size) for broker in self.brokers() for t, size in self.driven.texts("describeLogDirs", broker) if t == topic)

    def producers(self, topic):
        return [sequence for _, sequence, _ in self.driven.numbers("describeProducers", topic, 0)]

    def voters(self):
        return sorted(int(row[0]) for row in self.driven.ask("describeQuorum"))

    def features(self):
        return [row[0] for row in self.driven.texts("describeFeatures")]

    def config_resources(self):
        return [row[0] for row in self.driven.texts("listConfigResources")]

    def create_acl(self, topic):
        self.driven.ask("createAccess", topic)

    def acls(self, topic):
        return [principal for name, principal in self.driven.texts("describeAccess") if name == topic]

    def delete_acl(self, topic):
        self.driven.ask("deleteAccess", topic)

    def create_user(self, user):
        salt = b"0123456789abcdef"
        self.driven.ask("setUser", user, salt, hashlib.pbkdf2_hmac("sha256", b"secret", salt, 4096), 4096)

    def users(self, user):
        return [mechanism for name, mechanism, _ in self.driven.texts("describeUsers") if name == user]

    def delete_user(self, user):
        self.driven.ask("deleteUser", user)

    def transactions(self):
        return dict(self.driven.texts("listTransactions"))

    def transaction(self, name):
        state, *places = self.driven.texts("describeTransaction", name)[0]
        return state, [(places[i], int(places[i + 1])) for i in range(0, len(places), 2)]
