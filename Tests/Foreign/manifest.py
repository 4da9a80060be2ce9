# time: 150
"""A cluster of three brokers made as a file says, and held against it: topics, their sizes, copies and configs, quotas and access rules, judged with
confluent-kafka and kafka-python; what cannot be done is refused before anything is; another cluster's file is; what the file does not
name goes only where that is asked for."""

import json
import os

from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from kafka.admin import KafkaAdminClient

import harness
from harness import Broker, TMP, check, checking, done, equal, kastellan, wait_until

STATE = os.path.join(TMP, "state")
PLACES = {"XDG_STATE_HOME": STATE, "XDG_CONFIG_HOME": os.path.join(TMP, "config")}
FILE = os.path.join(TMP, "topics.yaml")


def write(text):
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(text)


class World:
    def __init__(self, broker):
        self.bootstrap = broker.bootstrap
        self.admin = AdminClient({"bootstrap.servers": broker.bootstrap})

    def ours(self, *words, **more):
        return kastellan(*words, bootstrap=self.bootstrap, environment=PLACES, **more)

    def topics(self):
        found = self.admin.list_topics(timeout=20).topics
        return {name: (len(topic.partitions), max(len(part.replicas) for part in topic.partitions.values()))
                for name, topic in found.items() if not name.startswith("__")}

    def config(self, topic, key):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        return self.admin.describe_configs([resource])[resource].result(20)[key].value


def making(world):
    cluster = world.admin.list_topics(timeout=20).cluster_id
    for future in world.admin.create_topics([NewTopic("old", 1, 1), NewTopic("orders", 2, 1)]).values():
        future.result(20)
    write(f"""cluster: "{cluster}"
topics:
  orders:
    partitions: 6
    replication-factor: 3
    configs: {{retention.ms: 86400000, cleanup.policy: "compact,delete"}}
  payments:
    partitions: 4
    replication-factor: 2
    configs: {{max.message.bytes: 2000000}}
quotas:
  - {{user: alice, limits: {{producer_byte_rate: 1048576}}}}
""")
    code, out, err = world.ours("drift", FILE, "-o", "json")
    rows = {(row["subject"], row["setting"]): row for row in json.loads(out)}
    equal("drift says so by its exit code", code, 1)
    equal("and what", sorted(rows), sorted([
        ("topic orders", "partitions"), ("topic orders", "replication factor"), ("topic orders", "retention.ms"),
        ("topic orders", "cleanup.policy"), ("topic payments", "topic"), ("quota of user-principal 'alice'", "producer_byte_rate")]))
    row = rows[("topic orders", "partitions")]
    equal("from what to what, and where it stands", (row["cluster"], row["file"], row["line"]), ("2", "6", 3))
    code, out, err = world.ours("apply", FILE, "--dry-run")
    check("a preview has Kafka's commands", code == 0 and "kafka-topics" in out and "kafka-configs" in out and "kafka-reassign" in out, (code, out, err))
    equal("and changes nothing", world.topics(), {"old": (1, 1), "orders": (2, 1)})
    code, out, err = world.ours("apply", FILE)
    check("nobody is there to be asked", code == 2 and "--yes" in err and world.topics()["orders"] == (2, 1), (code, err))
    code, out, err = world.ours("apply", FILE, "--yes")
    equal("applied", (code, err), (0, ""))
    wait_until(lambda: world.topics().get("orders") == (6, 3), 20)
    equal("the topics are there, as confluent-kafka sees them", world.topics(), {"old": (1, 1), "orders": (6, 3), "payments": (4, 2)})
    equal("their configs", (world.config("orders", "retention.ms"), world.config("orders", "cleanup.policy"),
                            world.config("payments", "max.message.bytes")), ("86400000", "compact,delete", "2000000"))
    python = KafkaAdminClient(bootstrap_servers=world.bootstrap)
    described = {topic["name"]: topic for topic in python.describe_topics(["orders", "payments"])}
    python.close()
    equal("and kafka-python", {name: sorted({len(part["replica_nodes"]) for part in topic["partitions"]}) for name, topic in described.items()},
          {"orders": [3], "payments": [2]})
    code, out, err = world.ours("quotas", "list", "-o", "json")
    check("the quota", json.loads(out) == [{"entity": "user-principal 'alice'", "quota": "producer_byte_rate", "value": "1048576.0"}], out)
    code, out, err = world.ours("drift", FILE)
    equal("no drift any more", (code, out, err), (0, "no drift\n", ""))
    code, out, err = world.ours("apply", FILE, "--yes")
    check("nor anything to do", code == 0 and "nothing to change" in out, (code, out, err))
    with open(f"{STATE}/kastellan/audit.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    equal("each change has its line", ([line["surface"] for line in lines], len(lines)), (["apply"] * 5, 5))


def refusing(world):
    before = world.topics()
    with open(FILE, encoding="utf-8") as file:
        text = file.read()
    write(text.replace("partitions: 4", "partitions: 3").replace("86400000", "1000"))
    code, out, err = world.ours("apply", FILE, "--yes")
    check("fewer partitions: refused, by name and line", code == 1 and f"{FILE}: line 7: topic payments has 4 partitions" in err, (code, err))
    equal("and nothing else was done either", (world.topics(), world.config("orders", "retention.ms")), (before, "86400000"))
    write(text.replace("replication-factor: 2", "replication-factor: 9"))
    code, out, err = world.ours("apply", FILE, "--yes")
    check("more copies than brokers", code == 1 and f"{FILE}: line 7: " in err and world.topics() == before, (code, err))
    write(text.replace("retention.ms: 86400000", "retention.ms: soon"))
    code, out, err = world.ours("apply", FILE, "--yes")
    check("a config that the broker does not take", code == 1 and f"{FILE}: line 3: " in err and "retention.ms" in err, (code, err))
    write(text.replace("    partitions: 6\n", "    partitions: six\n"))
    code, out, err = world.ours("drift", FILE)
    check("a mistake is told in one line", code == 1 and err.count("\n") == 1 and "line 4: partitions is to be a number" in err, (code, err))
    with Broker() as other:
        write(text)
        code, out, err = kastellan("apply", FILE, "--yes", bootstrap=other.bootstrap, environment=PLACES)
        check("another cluster's file", code == 1 and "is of cluster" in err, (code, err))
        write("topics: {}\n")
        code, out, err = kastellan("apply", FILE, "--yes", "--prune", bootstrap=other.bootstrap, environment=PLACES)
        check("nothing is pruned of a cluster that is not named", code == 2 and "has to say which cluster" in err, (code, err))
    write(text)


def pruning(world):
    world.ours("topics", "alter", "orders", "--set", "segment.bytes=2000000", "--yes")
    world.ours("topics", "create", "_schemas", "-p", "1")
    equal("what the file does not name is no drift", world.ours("drift", FILE)[0], 0)
    code, out, err = world.ours("drift", FILE, "--prune", "-o", "json")
    equal("but with --prune", (code, [(row["subject"], row["setting"]) for row in json.loads(out)]),
          (1, [("topic orders", "segment.bytes"), ("topic old", "topic")]))
    code, out, err = world.ours("apply", FILE, "--prune", "--yes")
    equal("it goes", (code, sorted(world.topics())), (0, ["_schemas", "orders", "payments"]))
    check("and the config is the default again", world.config("orders", "segment.bytes") == "1073741824", world.config("orders", "segment.bytes"))
    code, out, err = world.ours("undo", "--list")
    check("what can be taken back is", "orders" in out, out)


def writing(world):
    code, text, err = world.ours("manifest", "--quotas")
    check("a cluster as a file", code == 0 and "payments:" in text and "partitions: 4" in text and "producer_byte_rate" in text, (code, text, err))
    code, out, err = world.ours("drift", "-", stdin=text)
    equal("has no drift from itself", (code, out), (0, "no drift\n"))
    with Broker(arguments=["--brokers", "3"]) as other:
        there = World(other)
        code, out, err = there.ours("apply", "-", "--yes", stdin="\n".join(line for line in text.splitlines() if not line.startswith("cluster:")))
        equal("and makes another like it", (code, err, there.topics()), (0, "", world.topics()))


def main():
    with Broker(arguments=["--brokers", "3"]) as broker:
        world = World(broker)
        for step in [making, refusing, pruning, writing]:
            with checking(step.__name__):
                step(world)
    done()


main()
