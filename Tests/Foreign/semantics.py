#!/usr/bin/env python3
# broker: none
# time: 200
"""Asks a broker what a real Apache Kafka 4.3.1 was asked, in the same order, and compares what it answers: error codes, null against
empty, and which fields there are. argv: [BOOTSTRAP]; without it, a broker started here from a server.properties like the recorded one's. One line per behaviour that differs, then `N passed, N failed, N skipped`.

Ids, offsets, times and addresses vary; a difference is one of the kinds above. `EXPECTED` lists behaviours that differ on purpose."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

import kafka_codec as codec

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDING = os.path.join(HERE, "..", "Fixtures", "semantics", "semantics.jsonl")

# Values that the answers hand out and later requests bring back: recorded value -> ours.
CARRIED = {"ProducerId", "MemberId", "TopicId", "SessionId", "Leader", "GenerationId"}
# Values that may differ freely.
FREE = CARRIED | {
    "Host", "Port", "NodeId", "ControllerId", "Rack", "ClusterId", "BaseOffset", "LogAppendTimeMs", "HighWatermark", "LastStableOffset",
    "LogStartOffset", "Offset", "Timestamp", "LeaderEpoch", "EndOffset", "Records", "ReplicaNodes", "IsrNodes", "OfflineReplicas",
    "LeaderId", "ClientHost", "ClientId", "LogDir", "TotalBytes", "UsableBytes", "PartitionSize", "PartitionLeaderEpoch",
    "CommittedOffset", "LowWatermark", "ErrorMessage", "Message", "ThrottleTimeMs", "EligibleLeaderReplicas", "LastKnownElr",
    "CurrentLeader", "NodeEndpoints", "CoordinatorId", "ReplicationFactor", "NumPartitions", "FinalizedFeaturesEpoch",
}

with open(os.path.join(HERE, "semantics_expected.json"), encoding="utf-8") as _file:
    _EXPECTED = json.load(_file)
EXPECTED, OUT_OF_SCOPE, TOPICS = _EXPECTED["differs"], _EXPECTED["skipped"], _EXPECTED["topics"]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


SILENCE = b"no answer, connection left open"


class Probe:
    def __init__(self, bootstrap):
        host, port = bootstrap.split(",")[0].rsplit(":", 1)
        self.address = (host, int(port))
        self.carried = {}
        self.versions = {}
        frame = self.exchange(codec.encode_request("ApiVersions", 0, {}))
        for key in codec.decode_response("ApiVersions", 0, frame)[1]["ApiKeys"]:
            self.versions[key["ApiKey"]] = key["MaxVersion"]

    def connect(self):
        connection = socket.create_connection(self.address, timeout=2)
        connection.settimeout(2)
        return connection

    def exchange(self, frame, size=None, connection=None):
        """The answer's frame, or None where the broker closed the connection without one."""
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.sendall(struct.pack(">i", len(frame) if size is None else size) + frame)
            if size is not None and size > len(frame) and size <= 104857600:
                connection.shutdown(socket.SHUT_WR)
            head = self.receive(connection, 4)
            return None if head is None else self.receive(connection, struct.unpack(">i", head)[0])
        except (ConnectionError, BrokenPipeError):
            return None
        except TimeoutError:
            return SILENCE
        finally:
            if own:
                connection.close()

    @staticmethod
    def receive(connection, count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                return None
            data += more
        return data

    def version(self, api, wanted):
        """Where the broker does not yet offer a version, the newest that it does offer asks the same question."""
        best = self.versions.get(codec.REQUESTS[api]["apiKey"], wanted)
        return best if best < wanted and wanted < 50 and api in ("ListOffsets",) else wanted

    def call(self, api, version, body, connection=None):
        frame = self.exchange(codec.encode_request(api, version, body), connection=connection)
        if frame is None or frame is SILENCE:
            return frame
        correlation, answer, rest = codec.decode_response(api, version, frame)
        assert correlation == 7, f"correlation id {correlation}"
        assert rest == 0, f"{rest} bytes after the answer"
        return answer

    def substitute(self, value, name=""):
        """The recorded request with the ids that this broker handed out in place of the recorded ones."""
        if isinstance(value, dict):
            if set(value) == {"hex"}:
                return {"hex": self.patch_batch(value["hex"])} if name == "Records" else value
            return {k: self.substitute(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.substitute(v, name) for v in value]
        return self.carried.get((name, value), value) if name in CARRIED and not isinstance(value, (dict, list)) else value

    def patch_batch(self, text):
        raw = bytearray.fromhex(text)
        if len(raw) < 61 or raw[16] != 2:
            return text
        producer = struct.unpack_from(">q", raw, 43)[0]
        ours = self.carried.get(("ProducerId", producer))
        end = 12 + struct.unpack_from(">i", raw, 8)[0]
        if ours is None or ours == producer or end != len(raw) or crc32c(raw[21:end]) != struct.unpack_from(">I", raw, 17)[0]:
            return text
        struct.pack_into(">q", raw, 43, ours)
        struct.pack_into(">I", raw, 17, crc32c(raw[21:end]))
        return raw.hex()

    def learn(self, recorded, ours, name=""):
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded:
                if key in ours:
                    self.learn(recorded[key], ours[key], key)
        elif isinstance(recorded, list) and isinstance(ours, list):
            for a, b in zip(recorded, ours):
                self.learn(a, b, name)
        elif name in CARRIED and isinstance(recorded, (int, str)) and recorded not in ("", -1, 0) and type(recorded) is type(ours):
            self.carried.setdefault((name, recorded), ours)
        elif name in CARRIED and recorded == 0 and name == "ProducerId" and isinstance(ours, int) and ours >= 0:
            self.carried.setdefault((name, 0), ours)


def differences(recorded, ours, path=""):
    name = path.rsplit(".", 1)[-1].split("[")[0]
    if (recorded is None) != (ours is None):
        if name == "ErrorMessage":
            return []
        yield f"{path}: {show(recorded)} became {show(ours)}"
    elif isinstance(recorded, dict) and isinstance(ours, dict) and set(recorded) != {"hex"}:
        for key in recorded:
            if key not in ours:
                if key not in FREE:
                    yield f"{path}.{key} is missing"
            else:
                yield from differences(recorded[key], ours[key], f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(ours, list):
        if name in FREE or name in ("Brokers", "ApiKeys", "SupportedFeatures", "FinalizedFeatures", "Members", "CurrentVoters", "Nodes", "Observers"):
            return
        if len(recorded) != len(ours):
            yield f"{path}: {len(recorded)} entries became {len(ours)}"
        for index, (a, b) in enumerate(zip(recorded, ours)):
            yield from differences(a, b, f"{path}[{index}]")
    elif name not in FREE and recorded != ours:
        yield f"{path}: {show(recorded)} became {show(ours)}"


def show(value):
    return json.dumps(value)[:60]


def scrub(value):
    """Lists of things named by a key in an order of their own."""
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items()}
    if isinstance(value, list):
        items = [scrub(v) for v in value]
        for key in ("Name", "Key", "GroupId", "Topic", "TopicName", "ResourceName", "PartitionIndex"):
            if items and all(isinstance(i, dict) and key in i for i in items):
                return sorted(items, key=lambda i: (str(i[key] or ""), i.get("ErrorCode", 0)))
        return items
    return value


CLOSED = re.compile(r"closed the connection|no answer|connection was closed")


def replay(probe, row):
    """The differences between what was recorded and what this broker answers."""
    request, observed = row["request"], row["observed"]
    if "frame" in request:
        raw = bytes.fromhex(request["frame"].get("hex", ""))
        frame = probe.exchange(raw, request.get("size_field"))
        if isinstance(observed, str):
            return [] if frame is None else [f"answered {frame[:40].hex()} where Kafka: {observed}"]
        return ["closed the connection"] if frame is None else []
    body = probe.substitute(request["body"])
    answer = probe.call(request["api"], probe.version(request["api"], request["version"]), body)
    deadline = time.monotonic() + 5
    while request["api"] == "FindCoordinator" and answer.get("ErrorCode") == 15 and time.monotonic() < deadline:
        time.sleep(0.02)  # The offsets topic is being made; every client asks again.
        answer = probe.call(request["api"], request["version"], body)
    if isinstance(observed, str):
        if "left open" in observed:
            return [] if answer is SILENCE else [f"answered {show(answer)} where Kafka: {observed}"]
        if CLOSED.search(observed):
            return [] if answer is None else [f"answered {show(answer)} where Kafka: {observed}"]
        return []
    if answer is None or answer is SILENCE:
        return ["closed the connection without an answer" if answer is None else "did not answer"]
    probe.learn(observed, answer)
    return list(differences(scrub(observed), scrub(answer)))


def create_topics(probe):
    topics = [
        {"Name": name, "NumPartitions": spec.get("partitions", 1), "ReplicationFactor": 1, "Assignments": [],
         "Configs": [{"Name": k, "Value": v} for k, v in spec.get("configs", {}).items()]}
        for name, spec in TOPICS.items()
    ]
    # The recorded cluster had this as a dynamic default of its brokers.
    configs = [{"Name": "min.insync.replicas", "ConfigOperation": 0, "Value": "2"}]
    probe.call("IncrementalAlterConfigs", 1, {"Resources": [{"ResourceType": 4, "ResourceName": "", "Configs": configs}], "ValidateOnly": False})
    answer = probe.call("CreateTopics", 7, {"Topics": topics, "timeoutMs": 10000, "validateOnly": False})
    for topic in answer["Topics"]:
        assert topic["ErrorCode"] == 0, topic
        recorded = TOPICS[topic["Name"]].get("id")
        if recorded:
            probe.carried[("TopicId", recorded)] = topic["TopicId"]


def start_broker(directory):
    """A broker of one node with the recorded cluster's settings; (process, bootstrap address)."""
    path = os.path.join(directory, "server.properties")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"""node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:19093
log.dirs={directory}/data
num.partitions=3
log.segment.bytes=1073741824
log.retention.hours=168
unclean.leader.election.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
""")
    log = open(os.path.join(directory, "broker.log"), "wb")
    program = os.environ.get("KASTELLAN_PROGRAM", ".build/release/kastellan")
    process = subprocess.Popen([program, "broker", path], stdout=subprocess.PIPE, stderr=log, text=True)
    line = process.stdout.readline()
    if not line.startswith("bootstrap.servers="):
        process.kill()
        sys.exit(f"the broker did not start: {line!r}")
    return process, line.strip().split("=", 1)[1]


def main():
    if len(sys.argv) > 1 and sys.argv[1]:
        return compare(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="kastellan-semantics-") as directory:
        process, bootstrap = start_broker(directory)
        try:
            return compare(bootstrap)
        finally:
            process.terminate()
            process.wait(20)


def compare(bootstrap):
    probe = Probe(bootstrap)
    passed = failed = skipped = 0
    create_topics(probe)
    with open(RECORDING, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        name, api = row["behaviour"], row["request"].get("api")
        if name in OUT_OF_SCOPE or api in OUT_OF_SCOPE or ("body" not in row["request"] and "frame" not in row["request"]):
            skipped += 1
            continue
        try:
            found = replay(probe, row)
        except Exception as error:  # A decoder that chokes is a finding like any other.
            found = [f"{type(error).__name__}: {error}"]
        if bool(found) != (name in EXPECTED):
            failed += 1
            print(f"FAIL {name}: " + ("; ".join(found)[:300] if found else "was expected to differ and does not"))
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
