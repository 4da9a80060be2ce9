# time: 120
# broker: none
"""Access rules of a manifest on a secured cluster: what the file says is what another client of another user then may and may not do;
`drift` tells what somebody else has changed, and with `--prune` what the file does not name goes."""

import contextlib
import json
import os
import subprocess

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ResourcePatternType, ResourceType)

import harness
from cluster import free_ports
from harness import TMP, check, checking, done, equal, kastellan, wait_until

PLACES = {"XDG_STATE_HOME": os.path.join(TMP, "state"), "XDG_CONFIG_HOME": os.path.join(TMP, "config")}
FILE = os.path.join(TMP, "access.yaml")
USERS = 'username="admin" password="admin-secret" user_admin="admin-secret" user_alice="alice-secret";'


@contextlib.contextmanager
def secured():
    """A broker where everybody logs in, and only the administrator may do what no rule allows."""
    (port,) = free_ports(1)
    settings = {
        "node.id": 1, "log.dirs": f"{TMP}/castle", "num.partitions": 1, "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": 1, "listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}",
        "inter.broker.listener.name": "SASL_PLAINTEXT", "sasl.enabled.mechanisms": "PLAIN", "super.users": "User:admin;User:ANONYMOUS",
        "sasl.mechanism.inter.broker.protocol": "PLAIN", "auto.create.topics.enable": "false",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config":
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {USERS}",
    }
    path = os.path.join(TMP, "castle.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{key}={value}\n" for key, value in settings.items())
    code, _, err = kastellan("storage", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", path)
    equal("formatted", (code, err), (0, ""))
    with open(os.path.join(TMP, "castle.log"), "wb") as log:
        process = subprocess.Popen([harness.PROGRAM, "broker", path], stdout=subprocess.PIPE, stderr=log)
        try:
            yield process.stdout.readline().decode().strip().removeprefix("bootstrap.servers=")
        finally:
            process.kill()
            process.wait()


class World:
    """The administrator, and alice, who may nothing yet."""

    def __init__(self, bootstrap):
        common = {"bootstrap.servers": bootstrap, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
        self.owner = {**common, "sasl.username": "admin", "sasl.password": "admin-secret"}
        self.alice = {**common, "sasl.username": "alice", "sasl.password": "alice-secret"}
        self.settings = os.path.join(TMP, "admin.properties")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.writelines(f"{key}={value}\n" for key, value in self.owner.items())
        self.admin = AdminClient(self.owner)

    def ours(self, *words):
        return kastellan(*words, "--command-config", self.settings, environment=PLACES)

    def rules(self):
        anything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
        return sorted((rule.principal, rule.restype.name, rule.name, rule.resource_pattern_type.name, rule.operation.name,
                       rule.permission_type.name) for rule in self.admin.describe_acls(anything).result(20))

    def may_write(self, topic):
        """By a client of its own: librdkafka remembers that a topic was refused."""
        errors = []
        producer = Producer({**self.alice, "message.timeout.ms": 8000})
        producer.produce(topic, b"x", on_delivery=lambda error, _: errors.append(error))
        producer.flush(15)
        return errors[0].name() if errors and errors[0] else "ok"

    def may_read(self, topic, group):
        consumer = Consumer({**self.alice, "group.id": group, "auto.offset.reset": "earliest"})
        try:
            consumer.subscribe([topic])
            message = wait_until(lambda: consumer.poll(0.5), seconds=15)
            return "nothing" if message is None else message.error().name() if message.error() else "ok"
        except KafkaException as error:
            return error.args[0].name()
        finally:
            consumer.close()


def write(*rules, acls=True):
    text = "topics:\n  orders: {partitions: 1}\n  orders.dlq: {partitions: 1}\n  ledger: {partitions: 1}\n"
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(text + ("acls:\n" if acls else "") + "".join(f"  - {{{rule}}}\n" for rule in rules))


def access(world):
    write(acls=False)
    code, out, err = world.ours("apply", FILE, "--yes")
    check("topics without rules", code == 0, (code, out, err))
    equal("alice may not write", world.may_write("orders"), "TOPIC_AUTHORIZATION_FAILED")
    write('principal: "User:alice", resource: topic, name: orders, pattern: prefixed, operation: write',
          'principal: "User:alice", resource: topic, name: orders, pattern: prefixed, operation: read',
          'principal: "User:alice", resource: topic, name: orders.dlq, operation: write, permission: deny',
          'principal: "User:alice", resource: group, name: readers, operation: read')
    code, out, err = world.ours("drift", FILE)
    check("drift tells what is missing", code == 1 and "orders" in out and "alice" in out, (code, out, err))
    equal("and changes nothing", world.rules(), [])
    code, out, err = world.ours("apply", FILE, "--yes")
    check("applied", code == 0, (code, out, err))
    wanted = [("User:alice", "GROUP", "readers", "LITERAL", "READ", "ALLOW"), ("User:alice", "TOPIC", "orders", "PREFIXED", "READ", "ALLOW"),
              ("User:alice", "TOPIC", "orders", "PREFIXED", "WRITE", "ALLOW"),
              ("User:alice", "TOPIC", "orders.dlq", "LITERAL", "WRITE", "DENY")]
    equal("the rules as another client reads them", world.rules(), wanted)
    equal("no drift now", world.ours("drift", FILE)[0], 0)
    equal("alice writes", wait_until(lambda: world.may_write("orders") == "ok" and "ok"), "ok")
    equal("but not where she is denied", world.may_write("orders.dlq"), "TOPIC_AUTHORIZATION_FAILED")
    equal("nor where nothing is said", world.may_write("ledger"), "TOPIC_AUTHORIZATION_FAILED")
    equal("she reads in her group", world.may_read("orders", "readers"), "ok")
    equal("and in no other", world.may_read("orders", "others"), "GROUP_AUTHORIZATION_FAILED")


def drift(world):
    """Somebody else's hands."""
    extra = AclBinding(ResourceType.TOPIC, "ledger", ResourcePatternType.LITERAL, "User:alice", "*", AclOperation.WRITE, AclPermissionType.ALLOW)
    denied = AclBindingFilter(ResourceType.TOPIC, "orders.dlq", ResourcePatternType.LITERAL, "User:alice", "*", AclOperation.WRITE,
                              AclPermissionType.DENY)
    for future in world.admin.create_acls([extra]).values():
        future.result(20)
    for future in world.admin.delete_acls([denied]).values():
        future.result(20)
    code, out, err = world.ours("drift", FILE, "-o", "json")
    rows = json.dumps(json.loads(out))
    check("drift tells what is missing again", code == 1 and "orders.dlq" in rows and "ledger" not in rows, (code, rows, err))
    cluster = world.admin.list_topics(timeout=20).cluster_id
    with open(FILE, encoding="utf-8") as file:
        text = file.read()
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(f'cluster: "{cluster}"\n' + text)
    code, out, err = world.ours("drift", FILE, "--prune", "-o", "json")
    rows = json.dumps(json.loads(out))
    check("with --prune also what is too much", code == 1 and "orders.dlq" in rows and "ledger" in rows, (code, rows, err))
    equal("apply puts back what is missing", world.ours("apply", FILE, "--yes")[0], 0)
    names = [rule[2] for rule in world.rules()]
    check("and leaves what it does not name", "orders.dlq" in names and "ledger" in names, names)
    code, out, err = world.ours("apply", FILE, "--prune", "--yes")
    check("with --prune that goes", code == 0 and "ledger" not in [rule[2] for rule in world.rules()], (code, out, err, world.rules()))
    equal("alice feels it", world.may_write("ledger"), "TOPIC_AUTHORIZATION_FAILED")
    code, out, err = world.ours("manifest", "--acls")
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(out)
    check("what manifest writes is what there is", code == 0 and "orders.dlq" in out and world.ours("drift", FILE)[0] == 0, (code, out, err))


with checking("access rules of a manifest"):
    with secured() as address:
        world = World(address)
        access(world)
        drift(world)
done()
