"""What the replay of recorded behaviours is made of: a connection that asks in the words of a recording, with the ids that this cluster handed
out in place of the recorded ones, and the comparison of two answers: error codes, null against empty, and which fields there are."""

import json
import socket
import struct
import time

import kafka_codec as codec

# Values that the answers hand out and later requests bring back: recorded value -> ours.
CARRIED = {"ProducerId", "MemberId", "TopicId", "SessionId", "Leader", "GenerationId"}
# Values that may differ freely.
FREE = CARRIED | {
    "Host", "Port", "NodeId", "ControllerId", "Rack", "ClusterId", "BaseOffset", "LogAppendTimeMs", "HighWatermark", "LastStableOffset",
    "LogStartOffset", "Offset", "Timestamp", "LeaderEpoch", "EndOffset", "Records", "ReplicaNodes", "IsrNodes", "OfflineReplicas",
    "LeaderId", "ClientHost", "ClientId", "LogDir", "TotalBytes", "UsableBytes", "PartitionSize", "PartitionLeaderEpoch",
    "CommittedOffset", "LowWatermark", "ErrorMessage", "Message", "BatchIndexErrorMessage", "TransactionStartTimeMs", "ThrottleTimeMs", "EligibleLeaderReplicas", "LastKnownElr",
    "CurrentLeader", "NodeEndpoints", "CoordinatorId", "ReplicationFactor", "NumPartitions", "FinalizedFeaturesEpoch",
}

ALIASES = {"V3AndBelowProducerId": "ProducerId"}  # other names of the same
SILENCE = b"no answer, connection left open"
WAIT = 2  # seconds until an answer that does not come is taken for none


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Probe:
    """`addresses`: of the brokers, in the order of their ids from 1; the first is asked where nobody else is named."""

    def __init__(self, bootstrap):
        self.addresses = [(a.rsplit(":", 1)[0], int(a.rsplit(":", 1)[1])) for a in bootstrap.split(",")]
        self.carried = {}
        self.versions = {}
        frame = self.exchange(codec.encode_request("ApiVersions", 0, {}))
        for key in codec.decode_response("ApiVersions", 0, frame)[1]["ApiKeys"]:
            self.versions[key["ApiKey"]] = key["MaxVersion"]

    def connect(self, address=None):
        connection = socket.create_connection(address or self.addresses[0], timeout=WAIT)
        connection.settimeout(WAIT)
        return connection

    def exchange(self, frame, size=None, connection=None, address=None):
        """The answer's frame, or None where the broker closed the connection without one."""
        own = connection is None
        connection = connection or self.connect(address)
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

    def call(self, api, version, body, connection=None, address=None):
        """The decoded answer, None where there was none, SILENCE where the connection stayed open without one."""
        frame = self.exchange(codec.encode_request(api, version, body), connection=connection, address=address)
        return frame if frame is None or frame is SILENCE else self.decoded(api, version, frame)

    @staticmethod
    def decoded(api, version, frame):
        correlation, answer, rest = codec.decode_response(api, version, frame)
        assert correlation == 7, f"correlation id {correlation}"
        assert rest == 0, f"{rest} bytes after the answer"
        return answer

    def coordinator(self, key, kind=0):
        """Address of the coordinator of a group (kind 0) or a transactional id (1); the topic behind it is made when it is first asked for."""
        if not key:
            return self.addresses[0]
        end = time.monotonic() + 10
        while True:
            found = self.call("FindCoordinator", 1, {"Key": key, "KeyType": kind})
            if found["ErrorCode"] != 15 or time.monotonic() > end:
                return self.addresses[found["NodeId"] - 1] if found["ErrorCode"] == 0 else self.addresses[0]
            time.sleep(0.02)

    def substitute(self, value, name=""):
        """The recorded request with the ids that this broker handed out in place of the recorded ones."""
        if isinstance(value, dict):
            if set(value) == {"hex"}:
                return {"hex": self.patch_batch(value["hex"])} if name == "Records" else value
            return {k: self.substitute(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.substitute(v, name) for v in value]
        name = ALIASES.get(name, name)
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
            if name == "Members" and len(recorded) > 1:
                return  # Nobody says which is which: their order is the broker's own.
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
