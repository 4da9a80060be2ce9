# time: 90
# broker: none
"""Access rules about people who log in, as confluent-kafka and kafka-python feel them as alice, bob, carol and root: allowed, denied, by
prefix, for every name, super user. What changes on a listener while the broker runs: its certificate, when the file does and by
AlterConfigs, and who may log in. And an address that makes too many connections."""

import os
import socket
import ssl
import subprocess
import tempfile
import time

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic,
    ResourcePatternType, ResourceType)
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

import harness
from cluster import free_ports
from harness import check, checking, done, equal, kastellan, wait_until

LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
PEOPLE = ["root", "alice", "bob", "carol"]


def jaas(people, password):
    users = " ".join(f'user_{name}="{name}-{password}"' for name in people)
    return f'{LOGIN} username="root" password="root-{password}" {users};'


class Keys:
    """An authority, and certificates of the broker that are told apart by their serial numbers."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="principals-", dir=harness.TMP)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("ca.key"),
                     "-out", self.path("ca.pem"), "-days", "30", "-subj", "/CN=ca")
        with open(self.path("names"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")

    def path(self, name):
        return os.path.join(self.directory, name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=20)

    def store(self, serial, where):
        """A new key and certificate in one file, put in place at once."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("b.key"), "-out",
                     self.path("b.csr"), "-subj", "/CN=broker")
        self.openssl("x509", "-req", "-in", self.path("b.csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
                     "-set_serial", str(serial), "-days", "30", "-extfile", self.path("names"), "-out", self.path("b.pem"))
        with open(self.path("new"), "w", encoding="ascii") as store:
            for part in ["b.key", "b.pem"]:
                with open(self.path(part), encoding="ascii") as file:
                    store.write(file.read())
        os.replace(self.path("new"), self.path(where))


class Node:
    def __init__(self, keys):
        self.ports = dict(zip(["SASL_PLAINTEXT", "SSL"], free_ports(2)))
        settings = {
            "node.id": 1, "log.dirs": keys.path("data"), "group.initial.rebalance.delay.ms": 0, "offsets.topic.replication.factor": 1,
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in self.ports.items()),
            "inter.broker.listener.name": "SASL_PLAINTEXT", "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": jaas(PEOPLE, "secret"),
            "ssl.keystore.type": "PEM", "ssl.keystore.location": keys.path("broker.store"),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:root;User:ANONYMOUS",
        }
        path = keys.path("server.properties")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{k}={v}\n" for k, v in settings.items())
        self.log_path = keys.path("broker.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([harness.PROGRAM, "broker", path], stdout=subprocess.PIPE, stderr=log)
        check("the broker starts", self.process.stdout.readline().startswith(b"bootstrap.servers="), "see broker.log")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def confluent(self, user, password="secret", **more):
        return {"bootstrap.servers": f"127.0.0.1:{self.ports['SASL_PLAINTEXT']}", "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": f"{user}-{password}", **more}

    def python(self, user, **more):
        return {"bootstrap_servers": f"127.0.0.1:{self.ports['SASL_PLAINTEXT']}", "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN", "sasl_plain_username": user, "sasl_plain_password": f"{user}-secret", **more}

    def serial(self, keys):
        """Of the certificate that a new connection is shown."""
        context = ssl.create_default_context(cafile=keys.path("ca.pem"))
        with socket.create_connection(("127.0.0.1", self.ports["SSL"]), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return int(secure.getpeercert()["serialNumber"], 16)

    def stop(self):
        self.process.terminate()
        equal("the broker stops cleanly", self.process.wait(15), 0)


def only(futures):
    (future,) = futures.values()
    return future.result(20)


# MARK: Who may do what


def writes(node, user, topic):
    """By confluent-kafka: the error's name, or ok."""
    producer = Producer(node.confluent(user, **{"message.timeout.ms": 10_000}))
    errors = []
    producer.produce(topic, f"{user} was here", on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    return errors[0].name() if errors and errors[0] else "ok"


def reads(node, user, topic, group):
    """By confluent-kafka: the error's name, or how many it got."""
    consumer = Consumer(node.confluent(
        user, **{"group.id": group, "auto.offset.reset": "earliest", "enable.partition.eof": True, "enable.auto.commit": False}))
    consumer.subscribe([topic])
    count, end = 0, time.monotonic() + 20
    try:
        while time.monotonic() < end:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                return count if message.error().name() == "_PARTITION_EOF" else message.error().name()
            count += 1
    except KafkaException as error:
        return error.args[0].name()
    finally:
        consumer.close()
    return "nothing came"


def python_writes(node, user, topic):
    # An idempotent one would be refused its producer id first, where its user may write nowhere.
    producer = KafkaProducer(**node.python(user, max_block_ms=10_000, enable_idempotence=False))
    try:
        producer.send(topic, b"by kafka-python").get(10)
        return "ok"
    except TopicAuthorizationFailedError:
        return "TOPIC_AUTHORIZATION_FAILED"
    except KafkaError as error:
        return type(error).__name__
    finally:
        producer.close(5)


def python_reads(node, user, topic, group):
    consumer = KafkaConsumer(topic, **node.python(
        user, group_id=group, auto_offset_reset="earliest", consumer_timeout_ms=5000, enable_auto_commit=False))
    try:
        for _ in consumer:
            return "ok"
        return "nothing came"
    except TopicAuthorizationFailedError:
        return "TOPIC_AUTHORIZATION_FAILED"
    except GroupAuthorizationFailedError:
        return "GROUP_AUTHORIZATION_FAILED"
    finally:
        consumer.close()


def access(node):
    admin = AdminClient(node.confluent("root"))
    for name in ["shared", "logs-a", "logs-b", "secret"]:
        only(admin.create_topics([NewTopic(name, 1, 1)]))

    def rule(user, kind, name, operation, pattern=ResourcePatternType.LITERAL, permission=AclPermissionType.ALLOW):
        only(admin.create_acls([AclBinding(kind, name, pattern, f"User:{user}", "*", operation, permission)]))

    equal("what nobody allows is denied", writes(node, "alice", "shared"), "TOPIC_AUTHORIZATION_FAILED")
    equal("but not to a super user", writes(node, "root", "shared"), "ok")
    rule("alice", ResourceType.TOPIC, "shared", AclOperation.WRITE)
    rule("bob", ResourceType.TOPIC, "shared", AclOperation.READ)
    rule("bob", ResourceType.GROUP, "readers", AclOperation.READ)
    rule("alice", ResourceType.TOPIC, "logs-", AclOperation.WRITE, ResourcePatternType.PREFIXED)
    rule("carol", ResourceType.TOPIC, "*", AclOperation.READ)
    rule("carol", ResourceType.GROUP, "*", AclOperation.READ)
    rule("carol", ResourceType.TOPIC, "secret", AclOperation.READ, permission=AclPermissionType.DENY)
    for client, write, read in [("confluent", writes, reads), ("kafka-python", python_writes, python_reads)]:
        equal(f"{client}: alice may write", write(node, "alice", "shared"), "ok")
        equal(f"{client}: bob may not", write(node, "bob", "shared"), "TOPIC_AUTHORIZATION_FAILED")
        equal(f"{client}: alice may write what begins so", [write(node, "alice", t) for t in ("logs-a", "logs-b")], ["ok", "ok"])
        equal(f"{client}: and nothing else", write(node, "alice", "secret"), "TOPIC_AUTHORIZATION_FAILED")
        check(f"{client}: bob may read", read(node, "bob", "shared", "readers") not in ("nothing came", 0))
        equal(f"{client}: in that group alone", read(node, "bob", "shared", "others"), "GROUP_AUTHORIZATION_FAILED")
        equal(f"{client}: alice may not read what she writes", read(node, "alice", "shared", "readers")[-20:], "AUTHORIZATION_FAILED")
        check(f"{client}: carol may read everything", read(node, "carol", "logs-a", f"any-{client}") not in ("nothing came", 0))
        equal(f"{client}: but for what she is denied", read(node, "carol", "secret", f"any-{client}"), "TOPIC_AUTHORIZATION_FAILED")
    seen = AdminClient(node.confluent("bob")).list_topics(timeout=10).topics
    equal("each sees what concerns them", sorted(seen), ["shared"])
    alice = AdminClient(node.confluent("alice"))
    try:
        only(alice.create_topics([NewTopic("mine", 1, 1)]))
        check("alice may make no topic", False)
    except KafkaException as error:
        check("alice may make no topic", error.args[0].name() in ("TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"))


# MARK: What changes while the broker runs


def altered(node, name, value):
    """By root: the error's text, or ok."""
    resource = ConfigResource(
        ConfigResource.Type.BROKER, "1", incremental_configs=[ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)])
    admin = AdminClient(node.confluent("root"))
    try:
        only(admin.incremental_alter_configs([resource]))
        return "ok"
    except KafkaException as error:
        return error.args[0].str()


def logs_in(node, user, password):
    try:
        AdminClient(node.confluent(user, password)).list_topics(timeout=3)
        return True
    except KafkaException:
        return False


def certificates(node, keys):
    equal("the certificate of the file is shown", node.serial(keys), 1001)
    kept = Producer({"bootstrap.servers": f"127.0.0.1:{node.ports['SSL']}", "security.protocol": "ssl", "ssl.ca.location": keys.path("ca.pem")})
    kept.produce("shared", b"before")
    equal("a connection is made", kept.flush(20), 0)
    keys.store(1002, "broker.store")
    check("a new one in the file is shown without a restart", wait_until(lambda: node.serial(keys) == 1002, 15))
    kept.produce("shared", b"after")
    equal("a connection that is open goes on", kept.flush(20), 0)
    with open(keys.path("broken"), "w", encoding="ascii") as file:
        file.write("-----BEGIN CERTIFICATE-----\nhalf\n")
    os.replace(keys.path("broken"), keys.path("broker.store"))
    check("one that cannot be used is told of", wait_until(lambda: "cannot be used" in node.log(), 15))
    equal("and the old one stays", node.serial(keys), 1002)
    keys.store(1003, "other.store")
    equal("another file is named while it runs", altered(node, "listener.name.ssl.ssl.keystore.location", keys.path("other.store")), "ok")
    check("and its certificate shown", wait_until(lambda: node.serial(keys) == 1003, 15))


def logins(node):
    key = "listener.name.sasl_plaintext.plain.sasl.jaas.config"
    check("alice logs in", logs_in(node, "alice", "secret"))
    equal("there are other users now", altered(node, key, jaas(["root", "alice", "dave"], "secret")), "ok")
    check("one of them logs in", wait_until(lambda: logs_in(node, "dave", "secret"), 15))
    check("one who is no longer among them does not", not logs_in(node, "bob", "secret"))
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    admin = AdminClient(node.confluent("root"))
    told = only(admin.describe_configs([resource]))
    equal("secrets are not told", [entry.value for name, entry in told.items() if name == key], [None])
    equal("what is no secret is", [os.path.basename(entry.value or "") for name, entry in told.items() if "ssl.ssl.keystore.location" in name],
          ["other.store"])
    refusals = {
        "ssl.keystore.location": "These security configs can be dynamically updated only per-listener",
        "listener.name.sasl_plaintext.connections.max.reauth.ms": "Cannot update these configs dynamically",
        "listener.name.ssl.ssl.keystore.type": "only PEM can be read",
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "is none of PLAIN",
        key: "Invalid value [hidden]",
    }
    for name, words in refusals.items():
        value = {"listener.name.sasl_plaintext.sasl.enabled.mechanisms": "GSSAPI"}.get(name, "JKS")
        check(f"{name} is refused", words in altered(node, name, value), altered(node, name, value))
    check("and those who could log in still can", logs_in(node, "dave", "secret"))


# MARK: Connections


def stays(port, seconds):
    """Connections made at once, and how many of them the broker has closed after a while."""
    made = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(8)]
    closed, end = set(), time.monotonic() + seconds
    while time.monotonic() < end and len(closed) < len(made):
        for one in made:
            if one in closed:
                continue
            one.settimeout(0.05)
            try:
                if one.recv(1) == b"":
                    closed.add(one)
            except TimeoutError:
                pass
            except ConnectionError:
                closed.add(one)
    for one in made:
        one.close()
    return len(made) - len(closed)


def connections(node, keys):
    path = keys.path("root.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{k}={v}\n" for k, v in node.confluent("root").items())

    def quota(*words):
        equal(" ".join(words), kastellan("quotas", "set", "--ip", "127.0.0.1", *words, "--yes", "--command-config", path)[::2], (0, ""))

    port = node.ports["SASL_PLAINTEXT"]
    equal("an address makes as many connections as it likes", stays(port, 1), 8)
    quota("--set", "connection_creation_rate=3")
    # What the commands before took of the rate has grown again, or some of it: the rest is closed, but not at once.
    check("above its rate they are closed", wait_until(lambda: stays(port, 2) <= 3, 10, 1))
    check("one that waits its turn gets in", wait_until(lambda: logs_in(node, "alice", "secret"), 20, 1))
    wait_until(lambda: kastellan(
        "quotas", "set", "--ip", "127.0.0.1", "--unset", "connection_creation_rate", "--yes", "--command-config", path)[0] == 0, 20, 1)
    equal("and without the quota all stay", stays(port, 1), 8)


keys = Keys()
keys.store(1001, "broker.store")
node = Node(keys)
try:
    with checking("access rules"):
        access(node)
    with checking("certificates"):
        certificates(node, keys)
    with checking("logins"):
        logins(node)
    with checking("connections"):
        connections(node, keys)
finally:
    node.stop()
done()
