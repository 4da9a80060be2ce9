# time: 40
"""Access lists and quotas as other people's admin clients set them, and what a producer and a consumer feel of them."""

import contextlib
import os
import socket
import struct
import subprocess
import time

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, NewTopic, ResourcePatternType, ResourceType)
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourcePatternFilter)
from kafka.admin import ResourceType as PythonResourceType
from kafka.errors import SecurityDisabledError

import harness
import kafka_codec
from harness import check, checking, done, equal, wait_until

SETTINGS = [
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users=User:nobody",
    "allow.everyone.if.no.acl.found=true",
]


def outcome(call):
    """The name of the error, or what came of it."""
    try:
        return call()
    except KafkaException as error:
        return error.args[0].name()


def only(futures):
    (future,) = futures.values()
    return future.result(20)


def binding(kind, name, pattern, operation, permission, principal="User:ANONYMOUS", host="*"):
    return AclBinding(kind, name, pattern, principal, host, operation, permission)


def everything(kind=ResourceType.ANY):
    return AclBindingFilter(
        kind, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)


def delivered(bootstrap, topic, value, **settings):
    """By a producer of its own: librdkafka remembers that a topic was refused."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 10000, **settings})
    errors = []
    producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    return errors[0].name() if errors and errors[0] else "ok"


def access_lists(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for name in ["open", "closed", "prefix-a"]:
        only(admin.create_topics([NewTopic(name, 1, 1)]))
    with checking("librdkafka: nobody has made any"):
        equal("list", only({0: admin.describe_acls(everything())}), [])
    deny = binding(ResourceType.TOPIC, "closed", ResourcePatternType.LITERAL, AclOperation.WRITE, AclPermissionType.DENY)
    prefixed = binding(ResourceType.TOPIC, "prefix-", ResourcePatternType.PREFIXED, AclOperation.READ, AclPermissionType.ALLOW)
    only(admin.create_acls([deny]))
    only(admin.create_acls([prefixed]))
    found = only({0: admin.describe_acls(everything(ResourceType.TOPIC))})
    equal("librdkafka: what was made is told", sorted(acl.name for acl in found), ["closed", "prefix-"])
    check("librdkafka: it is told as it was made", deny in found and prefixed in found)
    match = AclBindingFilter(
        ResourceType.TOPIC, "prefix-a", ResourcePatternType.MATCH, None, None, AclOperation.ANY, AclPermissionType.ANY)
    equal("librdkafka: what a name falls under", [acl.name for acl in only({0: admin.describe_acls(match)})], ["prefix-"])

    equal("a topic that nobody mentions is open", delivered(bootstrap, "open", b"1"), "ok")
    equal("a denial is felt", delivered(bootstrap, "closed", b"1"), "TOPIC_AUTHORIZATION_FAILED")
    equal("what is mentioned is closed to others", delivered(bootstrap, "prefix-a", b"1"), "TOPIC_AUTHORIZATION_FAILED")

    python = KafkaAdminClient(bootstrap_servers=bootstrap)
    allow = ACL("User:ANONYMOUS", "*", ACLOperation.WRITE, ACLPermissionType.ALLOW, ResourcePattern(PythonResourceType.TOPIC, "prefix-a"))
    made = python.create_acls([allow])
    check("kafka-python: creates", not made["failed"], str(made))
    equal("what was allowed is possible", delivered(bootstrap, "prefix-a", b"2"), "ok")
    anything = ACLFilter(
        principal=None, host=None, operation=ACLOperation.ANY, permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(PythonResourceType.ANY, None, ACLResourcePatternType.ANY))
    described = python.describe_acls(anything)
    equal("kafka-python: describes", len(described[0] if isinstance(described, tuple) else described), 3)
    python.delete_acls([anything])
    equal("kafka-python: deletes, librdkafka sees it", only({0: admin.describe_acls(everything())}), [])
    equal("nothing is mentioned any more", delivered(bootstrap, "closed", b"2"), "ok")
    closed = binding(ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL, AclOperation.ALTER, AclPermissionType.DENY)
    only(admin.create_acls([closed]))
    equal("who may no longer alter cannot give itself back what it lost",
          outcome(lambda: only(admin.create_acls([prefixed]))), "CLUSTER_AUTHORIZATION_FAILED")
    python.close()


def without_authorizer(bootstrap):
    python = KafkaAdminClient(bootstrap_servers=bootstrap)
    anything = ACLFilter(
        principal=None, host=None, operation=ACLOperation.ANY, permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(PythonResourceType.ANY, None, ACLResourcePatternType.ANY))
    try:
        told = python.describe_acls(anything)
    except SecurityDisabledError as error:
        told = str(error)
    check("without an authorizer", "No Authorizer is configured on the broker" in str(told), told)
    python.close()


def quotas(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    only(admin.create_topics([NewTopic("limited", 1, 1)]))
    set_quota(bootstrap, "producer_byte_rate", 100_000.0)
    throttled = []
    producer = Producer({
        "bootstrap.servers": bootstrap, "client.id": "limited", "linger.ms": 0,
        "throttle_cb": lambda event: throttled.append(event.throttle_time)})
    for _ in range(12):
        producer.produce("limited", b"x" * 100_000)
        producer.flush(20)
    wait_until(lambda: producer.poll(0.05) is None or throttled, 3)
    check("a producer above its quota is told to wait", throttled and max(throttled) > 0, str(throttled))
    begun = time.monotonic()
    producer.produce("limited", b"late")
    equal("and waits: its next record comes late", producer.flush(20), 0)
    check("as long as it was told", time.monotonic() - begun > 0.5, f"{time.monotonic() - begun:.2f} s")
    begun = time.monotonic()
    equal("another client is not held back", delivered(bootstrap, "limited", b"now", **{"client.id": "other"}), "ok")
    check("at all", time.monotonic() - begun < 2)


def set_quota(bootstrap, key, value):
    """AlterClientQuotas by another codec: neither client library here has a call for it."""
    host, port = bootstrap.rsplit(":", 1)

    def ask(api, version, body):
        with socket.create_connection((host, int(port)), 10) as connection:
            frame = kafka_codec.encode_request(api, version, body)
            connection.sendall(struct.pack(">i", len(frame)) + frame)
            size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
            return kafka_codec.decode_response(api, version, connection.recv(size, socket.MSG_WAITALL))[1]

    entity = [{"EntityType": "client-id", "EntityName": "limited"}]
    answer = ask("AlterClientQuotas", 1, {
        "Entries": [{"Entity": entity, "Ops": [{"Key": key, "Value": value, "Remove": False}]}], "ValidateOnly": False})
    equal("a quota is set", [entry["ErrorCode"] for entry in answer["Entries"]], [0])
    told = ask("DescribeClientQuotas", 1, {
        "Components": [{"EntityType": "client-id", "MatchType": 0, "Match": "limited"}], "Strict": True})
    equal("and told", [(v["Key"], v["Value"]) for e in told["Entries"] for v in e["Values"]], [(key, value)])


@contextlib.contextmanager
def guarded():
    """A broker with an authorizer: nobody is known, and what nobody mentions is open."""
    path = os.path.join(harness.TMP, "guarded.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"node.id=1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={harness.TMP}/guarded\n" + "\n".join(SETTINGS) + "\n")
    process = subprocess.Popen([harness.PROGRAM, "broker", path], stdout=subprocess.PIPE)
    try:
        yield process.stdout.readline().decode().strip().removeprefix("bootstrap.servers=")
    finally:
        process.kill()
        process.wait()


with guarded() as address:
    with checking("access lists"):
        access_lists(address)
with checking("without an authorizer"):
    without_authorizer(harness.BOOTSTRAP)
with checking("quotas"):
    quotas(harness.BOOTSTRAP)
done()
