"""What rows and clients share: records, the cell that is being run, and the face of a client."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from asyncio import CancelledError
from typing import NamedTuple

import kafka_codec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
SESSION_MS = 4000  # after which a group gives up a member that was killed; the broker's own least is lowered for it
STATIC_MS = 15000  # of static members, whom nobody is to miss
# Seconds that librdkafka's admin client is given. Shorter ones run out while a broker is away, and 2.16 counts its references wrongly then
# and ends the process ("rd_kafka_enq_once_del_source_return: Assertion `eonce->refcnt > 0' failed").
PATIENCE = 60
EPOCH = 1_700_000_000_000  # the time stamp of record 0, where a client sets them, in ms


class Record(NamedTuple):
    """One record, to be written or read. `timestamp` in ms, None where the client does not set or show it; `headers` [(name, bytes or None)]."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple = ()
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None


class Failure(Exception):
    """What a cell found to be otherwise than it should be."""


def expect(condition, what, *seen):
    if not condition:
        raise Failure(what + (": " + ", ".join(repr(s) for s in seen))[:500] if seen else what)


def same(what, got, wanted):
    expect(got == wanted, f"{what}: got {got!r}"[:300] + f", wanted {wanted!r}"[:300])


def until(condition, seconds=30.0, step=0.05):
    """The first true value of `condition`, or its last after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def java_hash(text):
    value = 0
    for unit in text:
        value = (value * 31 + ord(unit)) & 0xFFFFFFFF
    return value


def coordinator_partition(name):
    """Which of the fifty partitions a group's or transaction's coordinator leads: the sign bit is cleared as Kafka does."""
    signed = java_hash(name)
    signed = signed - (1 << 32) if signed & 0x80000000 else signed
    return (0 if signed == -(1 << 31) else abs(signed)) % 50


def ask(address, api, version, body):
    """One request to one broker, with a codec that is neither ours nor a client's."""
    host, port = address.rsplit(":", 1)
    frame = kafka_codec.encode_request(api, version, body)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack_from(">i", data)[0]:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError(f"{address} closed the connection")
            data += more
    return kafka_codec.decode_response(api, version, data[4:])[1]


def partitions_known(address, topic):
    """How many partitions with a leader one broker knows of a topic."""
    found = ask(address, "Metadata", 8, {"Topics": [{"Name": topic}], "AllowAutoTopicCreation": False})["Topics"][0]
    return sum(1 for p in found["Partitions"] if p["LeaderId"] >= 0 and p["ErrorCode"] == 0)


class Cell:
    """One row with one client on one topology. `victim`: the broker that will be killed at `middle()`, None where none is.

    Topics made here are led by the victim in all partitions, and groups and transactional ids are named so that the victim coordinates them.
    """

    def __init__(self, row, client, bootstrap, brokers, victim, at_middle, directory):
        self.row, self.client, self.bootstrap, self.brokers, self.victim = row, client, bootstrap, brokers, victim
        self.directory = directory
        self.name = f"{row}-{client}"
        self.leftovers = []  # members that are still running when the cell ends are killed
        self._at_middle = at_middle
        self._eyes = None
        self._middle_was_called = False
        self._lock = threading.Lock()

    @property
    def faulty(self):
        return self.victim is not None

    @property
    def eyes(self):
        """confluent-kafka's admin client, for making topics and for looking at outcomes."""
        with self._lock:
            if self._eyes is None:
                self._eyes = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "topic.metadata.refresh.interval.ms": 1000})
            return self._eyes

    def middle(self):
        """In the middle of the test: where a broker is to be killed, it has been when this returns."""
        if not self._middle_was_called:
            self._middle_was_called = True
            self._at_middle()

    def patiently(self, action, seconds=25.0, always=False):
        """What `action` returns; while brokers come and go, an exception is only a reason to try again, as an administrator would.
        `always`: also where none is killed, for what only prepares the test."""
        end = time.monotonic() + seconds
        while True:
            try:
                return action()
            except Failure:
                raise
            except (Exception, CancelledError):  # noqa: BLE001 - each client has its own
                if not (self.faulty or always) or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def topic(self, suffix="", partitions=1, configs=None, replicas=3):
        """A new topic that every broker knows, led by the victim. Records are written with time stamps of long ago: it keeps them."""
        configs = {"retention.ms": "-1", **(configs or {})}
        name = self.name + suffix
        replicas = min(replicas, self.brokers)
        if self.victim is None:
            new = NewTopic(name, partitions, replicas, config=configs)
        else:
            others = [b for b in range(1, self.brokers + 1) if b != self.victim]
            new = NewTopic(name, partitions, replica_assignment=[[self.victim, *others][:replicas]] * partitions, config=configs)

        def create():
            try:
                self.eyes.create_topics([new], request_timeout=PATIENCE)[name].result(PATIENCE)
            except KafkaException as error:
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise

        self.patiently(create, always=True)
        # The controller answers once it is committed; brokers hear of it each at its own time, and clients ask any of them.
        for address in self.bootstrap.split(","):
            expect(until(lambda: partitions_known(address, name) == partitions, 20, 0.02), "every broker knows a new topic", address)
        return name

    def named(self, suffix, topic):
        """A name whose coordinator is the victim: `topic` is __consumer_offsets or __transaction_state."""
        name = f"{self.name}{suffix}"
        if self.victim is None:
            return name
        partitions = self.eyes.list_topics(topic, timeout=10).topics[topic].partitions
        led = {index for index, partition in partitions.items() if partition.leader == self.victim}
        for number in range(2000):
            if coordinator_partition(f"{name}-{number}") in led:
                return f"{name}-{number}"
        return name

    def group(self, suffix=""):
        return self.named(f"-g{suffix}", "__consumer_offsets")

    def ask_coordinator(self, group, api, version, body):
        """One request to the group's coordinator, wherever that is by now."""
        alive = self.bootstrap.split(",")[0 if self.victim != 1 else 1]
        found = ask(alive, "FindCoordinator", 1, {"Key": group, "KeyType": 0})
        if found["ErrorCode"]:
            raise ConnectionError(f"no coordinator: error {found['ErrorCode']}")
        return ask(f"{found['Host']}:{found['Port']}", api, version, body)

    def group_is_gone(self, group):
        """Whether its coordinator knows nothing of it."""
        def look():
            error = self.ask_coordinator(group, "DescribeGroups", 6, {"Groups": [group]})["Groups"][0]["ErrorCode"]
            if error not in (0, 69):
                raise ConnectionError(f"error {error}")
            return error == 69

        return self.patiently(look, always=True)

    def committed(self, group, topic, partition=0):
        """What is committed for the group; None where nothing is. Not asked with librdkafka's admin client, whose process ends when the
        coordinator is not the one any more (2.16: rd_kafka_handle_OffsetFetch takes the admin client for a group member)."""
        def look():
            body = {"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [partition]}], "RequireStable": True}
            answer = self.ask_coordinator(group, "OffsetFetch", 7, body)
            found = answer["Topics"][0]["Partitions"][0]
            if answer["ErrorCode"] or found["ErrorCode"]:
                raise ConnectionError(f"error {answer['ErrorCode']} {found['ErrorCode']}")
            return found["CommittedOffset"] if found["CommittedOffset"] >= 0 else None

        return self.patiently(look, always=True)

    def transactional_id(self, suffix=""):
        return self.named(f"-x{suffix}", "__transaction_state")


class Client:
    """The face of a client. Subclasses say which rows they do not offer, and why; what those rows would use need not be there."""

    name = ""
    version = ""
    not_offered = {}  # row -> why
    fragile = {}  # row -> why it is not run while brokers die, though the client offers it
    sets = frozenset({"keys", "nulls", "headers", "timestamps"})  # what its producer can put into a record
    commits_metadata = True

    def lacks(self, row):
        """Whether the client does not offer what the row is about."""
        return row in self.not_offered

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        """Writes all records and waits until they are acknowledged; `middle` is called when half of them are on their way."""
        raise NotImplementedError

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        """The first `count` records of all partitions, from the beginning or from {partition: offset}; fewer after `seconds`."""
        raise NotImplementedError

    def consumer(self, cell, **settings):
        """An open consumer (see Reader)."""
        raise NotImplementedError

    def member(self, group, topic, bootstrap, assignor, instance):
        """A generator of ("owned", [partitions]) and ("read", partition, offset), run in a process of its own by member.py."""
        raise NotImplementedError

    def join(self, cell, group, topic, assignor, instance=None):
        """A member of a group in a process of its own, started."""
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "member.py")
        words = [sys.executable, path, self.name, cell.bootstrap, group, topic, assignor, *([instance] if instance else [])]
        return Member(words, cell)


class Member(threading.Thread):
    """A process that is one member of a group. `owned`: its partitions; `read`: {(partition, offset)}."""

    def __init__(self, command, cell):
        super().__init__(daemon=True)
        self.owned, self.read, self.changes = [], set(), 0
        self.log = os.path.join(cell.directory, f"{cell.name}-{id(self)}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        cell.leftovers.append(self)
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.take(line)
        self.owned = []

    def take(self, line):
        event = json.loads(line)
        if event[0] == "read":
            self.read.add((event[1], event[2]))
        else:
            self.owned = event[1]
            self.changes += 1

    def leave(self):
        """In an orderly way; whether it ended by itself within its time."""
        self.process.stdin.close()
        try:
            return self.process.wait(20) == 0
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        """kill -9: nobody is told."""
        self.process.kill()
        self.process.wait()
        self.owned = []

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-300:]


class Reader:
    """An open consumer of the three libraries that have one. Partitions are numbers of the one topic it was made for.

    poll(seconds) → [Record]; seek(partition, offset); position(partition); pause([p]); resume([p]); commit({p: next} or None); commit_async(…);
    committed(p); offset_for_time(p, ms); bounds(p) → (first, end); assignment() → [p]; close().
    """

    def collect(self, count, seconds=30.0):
        """`count` records, or fewer after `seconds`."""
        found, end = [], time.monotonic() + seconds
        while len(found) < count and time.monotonic() < end:
            found += self.poll(0.2)
        return found


def halves(records, middle):
    """Yields every record, and calls `middle` before the one in the middle."""
    for index, record in enumerate(records):
        if middle and index == len(records) // 2:
            middle()
        yield record


def content(client, count=60, tag=""):
    """The records that a client writes for others to read: all that its producer can set, and a value that compresses."""
    found = []
    for index in range(count):
        value = b"%d %s " % (index, client.name.encode()) + tag.encode() + b" kastellan" * (index % 40)
        if "nulls" in client.sets and index % 10 == 3:
            value = None
        key = b"key-%d" % index if "keys" in client.sets else None
        headers = ()
        if "headers" in client.sets:
            headers = (("h", b"%d" % index), ("h", b"again"), ("empty", b""))
        elif "same headers" in client.sets:
            headers = (("h", b"same"), ("h", b"again"))
        found.append(Record(value, key, headers, EPOCH + index * 1000 if "timestamps" in client.sets else None, 0))
    return found


def same_records(what, got, wanted):
    """Each record as it was written, in order. A time stamp is looked at where the client set one."""
    def face(record, stamped):
        headers = tuple((name, bytes(value) if value is not None else None) for name, value in record.headers)
        return (record.key, record.value, headers, record.timestamp if stamped else None)

    stamped = bool(wanted) and wanted[0].timestamp is not None
    seen, should = [face(r, stamped) for r in got], [face(r, stamped) for r in wanted]
    if seen == should:
        return
    for index, (a, b) in enumerate(zip(seen, should)):
        if a != b:
            raise Failure(f"{what}: record {index} is {str(a)[:200]}, was written as {str(b)[:200]} ({len(seen)} of {len(should)} read)")
    raise Failure(f"{what}: {len(seen)} records read, {len(should)} written")
