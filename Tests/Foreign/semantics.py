#!/usr/bin/env python3
# broker: none
# time: 200
"""Asks a cluster of three what a real Apache Kafka 4.3.1 was asked, in the same order, and compares what it answers: error codes, null against
empty, and which fields there are. Every recorded behaviour is asked; those that differ on purpose stand with their reason in the table of
ARCHITECTURE.md, and one that is listed and no longer differs fails like one that differs and is not listed.


Ids, offsets, times and addresses vary; a difference is one of the kinds above."""

import argparse
import json
import os
import re
import struct
import sys
import time

import harness
import kafka_codec as codec
from cluster import Cluster
from semantics_probe import SILENCE, Probe, crc32c, differences, scrub, show

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDING = os.path.join(HERE, "..", "Fixtures", "semantics", "semantics.jsonl")
HOUSE = os.path.join(HERE, "..", "..", "ARCHITECTURE.md")
BEGIN, END = "<!-- differences: begin -->", "<!-- differences: end -->"

# The topics of the recording, one partition each; `id`: as it stands in later requests.
TOPICS = {
    "sem": {"id": "mrlHyq1gQV-Fx_LnsXKx2w"}, "sem-txn": {}, "sem-empty": {}, "sem-f": {}, "sem-p1": {},
    "sem-compact": {"configs": {"cleanup.policy": "compact"}}, "sem-lat": {"configs": {"message.timestamp.type": "LogAppendTime"}},
    "sem-isr": {"configs": {"min.insync.replicas": "2"}}, "hwleo": {},
}
SETTINGS = {
    "num.partitions": "3", "log.segment.bytes": "1073741824", "log.retention.hours": "168", "unclean.leader.election.enable": "false",
    "group.initial.rebalance.delay.ms": "0", "auto.leader.rebalance.enable": "false", "replica.lag.time.max.ms": "30000",
    # A busy machine is not to be taken for a death.
    "broker.session.timeout.ms": "9000", "controller.quorum.fetch.timeout.ms": "4000",
}
CLOSED = re.compile(r"closed the connection|no answer|connection was closed")
PAUSED = "(followers paused: high watermark 2, log end 4)"
OF_CONTROLLERS = {"AllocateProducerIds", "BrokerHeartbeat", "BrokerRegistration", "Vote", "FetchSnapshot", "BeginQuorumEpoch"}
OF_TRANSACTIONS = {"InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "DescribeTransactions"}
JOIN = 287  # the parked JoinGroup, whose request the recording leaves out; it was sent before row 283


def listed():
    """{behaviour: why} of ARCHITECTURE's table."""
    with open(HOUSE, encoding="utf-8") as file:
        text = file.read().split(BEGIN)[1].split(END)[0]
    found = {}
    for line in text.strip().split("\n")[2:]:
        names, why = re.match(r"\| (.*) \| ([^|]*) \|$", line).groups()
        for name in re.findall(r"`([^`]+)`", names):
            found[name] = why.strip()
    return found


class Replay:
    def __init__(self, cluster):
        self.cluster = cluster
        self.probe = Probe(cluster.bootstrap)
        self.parked = None  # the connection of the second member, whose JoinGroup waits
        self.paused = False

    def create_topics(self):
        """All led by broker 1, with three replicas; min.insync.replicas is 2 by a dynamic default, as the recorded brokers had it."""
        configs = [{"Name": "min.insync.replicas", "ConfigOperation": 0, "Value": "2"}]
        self.probe.call("IncrementalAlterConfigs", 1, {
            "Resources": [{"ResourceType": 4, "ResourceName": "", "Configs": configs}], "ValidateOnly": False})
        topics = [
            {"Name": name, "NumPartitions": -1, "ReplicationFactor": -1, "Assignments": [{"PartitionIndex": 0, "BrokerIds": [1, 2, 3]}],
             "Configs": [{"Name": k, "Value": v} for k, v in spec.get("configs", {}).items()]}
            for name, spec in TOPICS.items()
        ]
        answer = self.probe.call("CreateTopics", 7, {"Topics": topics, "timeoutMs": 10000, "validateOnly": False})
        for topic in answer["Topics"]:
            assert topic["ErrorCode"] == 0, topic
            recorded = TOPICS[topic["Name"]].get("id")
            if recorded:
                self.probe.carried[("TopicId", recorded)] = topic["TopicId"]
        wanted = [{"TopicId": "AAAAAAAAAAAAAAAAAAAAAA", "Name": name} for name in TOPICS]
        for address in self.probe.addresses:
            harness.wait_until(lambda address=address: all(
                t["ErrorCode"] == 0 and len(t["Partitions"][0]["IsrNodes"]) == 3 for t in self.probe.call(
                    "Metadata", 12, {"Topics": wanted, "AllowAutoTopicCreation": False}, address=address)["Topics"]))

    # Where a request goes.

    def place(self, name, request):
        """The broker that was asked: leader, coordinator or broker 1, unless the name says otherwise."""
        api, body = request["api"], request["body"]
        addresses = self.probe.addresses
        if re.search(r"(to|at|from) a follower", name):
            return addresses[1]
        if (api in OF_CONTROLLERS and "on a broker listener" not in name) or "of a controller" in name:
            return self.controller()
        key, kind = body.get("GroupId"), 0
        if api in OF_TRANSACTIONS:
            key, kind = body.get("TransactionalId") or body.get("V3AndBelowTransactionalId"), 1
            key = key or next(iter(body.get("TransactionalIds") or [""]), None)
            key = key or next((t["TransactionalId"] for t in body.get("Transactions") or ()), None)
        for field in ("Groups", "GroupsNames", "GroupIds"):
            if body.get(field):
                first = body[field][0]
                key = first if isinstance(first, str) else first.get("GroupId", first.get("groupId"))
        if not key:
            return addresses[0]
        coordinator = self.probe.coordinator(key, kind)
        if "wrong coordinator" in name or "is not the coordinator" in name:
            return next(a for a in addresses if a != coordinator)
        return coordinator

    def coordinator_of_nobody(self):
        """Who coordinates the empty group id: the leader of the first partition."""
        found = self.probe.call("Metadata", 8, {"Topics": [{"Name": "__consumer_offsets"}], "AllowAutoTopicCreation": False})
        return self.probe.addresses[next(p["LeaderId"] for p in found["Topics"][0]["Partitions"] if p["PartitionIndex"] == 0) - 1]

    def controller(self):
        """The controller listener of node 1, which is the active controller (main saw to that)."""
        with open(self.cluster.node(1).file, encoding="utf-8") as file:
            return ("127.0.0.1", int(re.search(r"CONTROLLER://127.0.0.1:(\d+)", file.read()).group(1)))

    # What the recording leaves out.

    def prepare(self, name, body):
        """Does beforehand what was not recorded, and puts in what the recording shortened."""
        if name == "Heartbeat by the first member in PreparingRebalance":
            self.join_second()
        if name.endswith(PAUSED) and not self.paused:
            self.pause(self.rows[478]["request"]["body"])
        if name == "Fetch from 2 after the followers went on":
            self.resume()
        if name.startswith("Produce 1.2 MB"):
            body["TopicData"][0]["PartitionData"][0]["Records"] = {"hex": big_batch(1_200_000).hex()}
        if name == "Produce timestamp 2 h ahead":
            part = body["TopicData"][0]["PartitionData"][0]
            part["Records"] = {"hex": restamped(bytes.fromhex(part["Records"]["hex"]), int(time.time() * 1000) + 7_200_000).hex()}
        if name == "Fetch new session (epoch 0)":
            body["Topics"][0]["Partitions"][0]["FetchOffset"] = self.latest("sem")
        if name == "Fetch incremental after one produce":
            one = self.rows[68]["request"]["body"]["TopicData"][0]["PartitionData"][0]["Records"]
            topic = {"Name": "sem", "PartitionData": [{"Index": 0, "Records": one}]}
            self.probe.call("Produce", 9, {"TransactionalId": None, "Acks": -1, "TimeoutMs": 5000, "TopicData": [topic]})
        if name == "Fetch beyond the end":
            body["Topics"][0]["Partitions"][0]["FetchOffset"] = 100_000

    def latest(self, topic):
        partition = {"PartitionIndex": 0, "CurrentLeaderEpoch": -1, "Timestamp": -1}
        answer = self.probe.call("ListOffsets", 7, {"ReplicaId": -1, "Topics": [{"Name": topic, "Partitions": [partition]}]})
        return answer["Topics"][0]["Partitions"][0]["Offset"]

    def join_second(self):
        """A second member's JoinGroup, which waits for the first member to rejoin."""
        body = {**self.probe.substitute(self.rows[277]["request"]["body"]), "MemberId": ""}
        address = self.probe.coordinator(body["GroupId"])
        body["MemberId"] = self.probe.call("JoinGroup", 9, body, address=address)["MemberId"]
        self.parked = self.probe.connect(address)
        self.parked.settimeout(8)
        frame = codec.encode_request("JoinGroup", 9, body)
        self.parked.sendall(struct.pack(">i", len(frame)) + frame)
        describe = {"Groups": [body["GroupId"]]}
        harness.wait_until(lambda: self.probe.call("DescribeGroups", 5, describe, address=address)["Groups"][0]["GroupState"] == "PreparingRebalance")

    def pause(self, produce):
        """Two records that everybody has; then the followers stand still."""
        self.probe.call("Produce", 9, {**produce, "Acks": -1})
        harness.wait_until(lambda: self.latest("hwleo") == 2)
        for node in self.cluster.nodes[1:]:
            node.pause()
            harness.wait_until(lambda node=node: stands_still(node.process.pid))
        self.paused = True

    def resume(self):
        self.cluster.node(2).resume()
        self.cluster.node(3).resume()
        body = self.rows[490]["request"]["body"]
        harness.wait_until(
            lambda: self.probe.call("Fetch", 11, body)["Responses"][0]["Partitions"][0]["HighWatermark"] == 5)

    # One row.

    def differences(self, row):
        """How this cluster's answer differs from what was recorded."""
        name, request, observed = row["behaviour"], row["request"], row["observed"]
        if "sent" in request:
            return self.pipelined(observed)
        if "waited" in request:
            head = self.probe.receive(self.parked, 4)
            answer = self.probe.decoded("JoinGroup", 9, self.probe.receive(self.parked, struct.unpack(">i", head)[0]))
            self.parked.close()
            self.probe.learn(observed, answer)
            return list(differences(scrub({k: v for k, v in observed.items() if k != "after_s_about"}), scrub(answer)))
        if "frame" in request:
            frame = self.probe.exchange(bytes.fromhex(request["frame"].get("hex", "")), request.get("size_field"))
            if isinstance(observed, str):
                return [] if frame is None else [f"answered {frame[:40].hex()} where Kafka: {observed}"]
            return ["closed the connection"] if frame is None else []
        body = self.probe.substitute(json.loads(json.dumps(request["body"])))
        self.prepare(name, body)
        answer = self.ask(name, request, body)
        if isinstance(observed, str):
            return self.silent(observed, answer)
        if answer is None or answer is SILENCE:
            return ["closed the connection without an answer" if answer is None else "did not answer"]
        self.probe.learn(observed, answer)
        if "repeated at once" in name and answer["ErrorCode"] == 0:
            return []  # The transaction before it was over already, and the next row asks that.
        if name == "ElectLeaders all (null)":
            # It lists whatever topics there are, and elections that a busy machine has made necessary.
            for topic in answer["ReplicaElectionResults"]:
                topic["PartitionResult"] = [p for p in topic["PartitionResult"] if p["ErrorCode"] != 0]
            keep = {t["Topic"] for t in answer["ReplicaElectionResults"]} & {t["Topic"] for t in observed["ReplicaElectionResults"]}
            for side in (answer, observed):
                side["ReplicaElectionResults"] = [t for t in side["ReplicaElectionResults"] if t["Topic"] in keep]
        return list(differences(scrub(observed), scrub(answer)))

    def ask(self, name, request, body):
        if request["api"] == "DeleteGroups" and len(body["GroupsNames"]) > 1:
            # Each group at its own coordinator, as clients do; the recorded one led both.
            answers = [self.probe.call("DeleteGroups", request["version"], {"GroupsNames": [group]}, address=self.probe.coordinator(group) if group
                                       else self.coordinator_of_nobody()) for group in body["GroupsNames"]]
            return {**answers[0], "Results": [result for answer in answers for result in answer["Results"]]}
        if request["api"] == "DescribeTransactions":
            answers = [self.probe.call("DescribeTransactions", request["version"], {"TransactionalIds": [one]}, address=self.probe.coordinator(one, 1))
                       for one in body["TransactionalIds"]]
            return {**answers[0], "TransactionStates": [state for answer in answers for state in answer["TransactionStates"]]}
        place = self.place(name, {**request, "body": body})
        if request["api"] == "ListTransactions" and "Ongoing" in body["StateFilters"]:
            # A coordinator lists its own; the recorded broker was that of the one that is open.
            place = self.probe.coordinator("sem-t1-b", 1)
        answer = self.probe.call(request["api"], request["version"], body, address=place)
        end = time.monotonic() + 10
        # Coordinators that are being made or loaded, or that end a transaction, are asked again, as every client does; the recording kept only what came then.
        while "first answer" not in name and "at once" not in name and time.monotonic() < end and isinstance(answer, dict) and (
                answer.get("ErrorCode") in (14, 15, 51) or ("after the commit" in name and '"ErrorCode": 88' in json.dumps(answer)) or any(c["ErrorCode"] == 15 for c in answer.get("Coordinators") or ())):
            time.sleep(0.02)
            answer = self.probe.call(request["api"], request["version"], body, address=place)
        return answer

    @staticmethod
    def silent(observed, answer):
        if "left open" in observed:
            return [] if answer is SILENCE else [f"answered {show(answer)} where Kafka: {observed}"]
        if CLOSED.search(observed):
            return [] if answer is None else [f"answered {show(answer)} where Kafka: {observed}"]
        return [f"the recording says {observed!r}, which nothing here understands"]

    def pipelined(self, observed):
        """Two requests in one write: a Fetch that waits 700 ms on an empty partition, then Metadata."""
        fetch = {"MaxWaitMs": 700, "MinBytes": 1, "MaxBytes": 1048576, "IsolationLevel": 0, "SessionId": 0, "SessionEpoch": -1, "ReplicaId": -1,
                 "Topics": [{"Topic": "sem-empty", "Partitions": [
                     {"Partition": 0, "CurrentLeaderEpoch": -1, "FetchOffset": 0, "PartitionMaxBytes": 1048576}]}]}
        frames = [codec.encode_request("Fetch", 11, fetch), codec.encode_request("Metadata", 1, {"Topics": []})]
        frames = [frame[:4] + struct.pack(">i", index + 1) + frame[8:] for index, frame in enumerate(frames)]
        connection, started = self.probe.connect(), time.monotonic()
        connection.sendall(b"".join(struct.pack(">i", len(f)) + f for f in frames))
        seen = []
        for _ in frames:
            frame = self.probe.receive(connection, struct.unpack(">i", self.probe.receive(connection, 4))[0])
            seen.append((struct.unpack_from(">i", frame)[0], (time.monotonic() - started) * 1000))
        connection.close()
        if [number for number, _ in seen] != [observed["first_answer_correlation_id"], observed["second_answer_correlation_id"]]:
            return [f"answered in the order {seen}"]
        return [] if seen[0][1] >= 650 else [f"the first answer came after {seen[0][1]:.0f} ms"]


def stands_still(pid):
    """Whether every thread of a process has been stopped: the signal is on its way for a moment."""
    def state(thread):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    return all(state(thread) == "T" for thread in os.listdir(f"/proc/{pid}/task"))


def sealed(batch):
    struct.pack_into(">I", batch, 17, crc32c(batch[21:]))
    return bytes(batch)


def restamped(batch, stamp):
    """The batch with another first and last time stamp."""
    batch = bytearray(batch)
    struct.pack_into(">qq", batch, 27, stamp, stamp)
    return sealed(batch)


def big_batch(size):
    """One record whose value has `size` bytes."""
    def varint(value):
        return codec.uvarint((value << 1) ^ (value >> 63))

    record = b"\0\0\0\x01" + varint(size) + bytes(size) + b"\0"
    body = varint(len(record)) + record
    head = struct.pack(">qiibIhiqqqhii", 0, 49 + len(body), -1, 2, 0, 0, 0, 0, 0, -1, -1, -1, 1)
    # Its checksum is that of the bytes; computed in Python it would take seconds, and is looked at after the size.
    return head + body


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--known", action="store_true")
    parser.add_argument("address", nargs="*")
    arguments = parser.parse_args()
    with open(RECORDING, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    expected = listed()
    unknown = set(expected) - {row["behaviour"] for row in rows}
    for name in sorted(unknown):
        print(f"FAIL ARCHITECTURE lists a behaviour that was not recorded: {name}")
    passed, failed = 0, len(unknown)
    cluster = Cluster(3, SETTINGS)
    for node in cluster.nodes[1:]:
        # Node 1 is the first to stand for election, as it led in the recording.
        with open(node.file, "a", encoding="utf-8") as file:
            file.write("controller.quorum.election.timeout.ms=5000\n")
    with cluster:
        replay = Replay(cluster)
        replay.rows = rows
        first = True
        for row in rows:
            name = row["behaviour"]
            if first and "first answer" not in name:
                replay.create_topics()
                first = False
            try:
                found = replay.differences(row)
            except Exception as error:  # noqa: BLE001 - a decoder that chokes is a finding like any other
                found = [f"{type(error).__name__}: {error}"]
            if bool(found) != (name in expected):
                failed += 1
                print(f"FAIL {name}: " + ("; ".join(found)[:300] if found else "is listed as different and is not"))
            else:
                passed += 1
                if found and arguments.known:
                    print(f"# {name}: {'; '.join(found)[:200]} ({expected[name]})")
        for crash in cluster.crashes():
            failed += 1
            print(f"FAIL {crash[:400]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
