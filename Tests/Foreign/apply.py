# time: 120
"""Plans as files: previewed, kept, applied as they were or refused; the audit's lines; undo. Judged with other people's admin clients."""

import json
import os

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from harness import BOOTSTRAP, TMP, Broker, check, checking, done, equal, kastellan, kcat

STATE = os.path.join(TMP, "state")
PLACES = {"XDG_STATE_HOME": STATE, "XDG_CONFIG_HOME": os.path.join(TMP, "config")}
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def ours(*words, environment=None, **more):
    return kastellan(*words, environment={**PLACES, **(environment or {})}, **more)


def plan(*words):
    """A plan's file."""
    code, out, err = ours(*words, "--dry-run", "-o", "plan")
    assert code == 0, (code, out, err)
    json.loads(out)
    path = os.path.join(TMP, "plan.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(out)
    return path


def retention():
    resource = ConfigResource(ConfigResource.Type.TOPIC, "orders")
    return admin.describe_configs([resource])[resource].result()["retention.ms"].value


def committed(group):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group})
    offset = consumer.committed([TopicPartition("orders", 0)], timeout=10)[0].offset
    consumer.close()
    return offset


def commit(group, offset):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group})
    consumer.commit(offsets=[TopicPartition("orders", 0, offset)], asynchronous=False)
    consumer.close()


def audit():
    with open(f"{STATE}/kastellan/audit.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def configs():
    equal("a topic", ours("topics", "create", "orders", "-p", "2")[0], 0)
    kcat("-P", "-t", "orders", "-p", "0", stdin=b"".join(b"%d\n" % i for i in range(50)))
    before = retention()
    path = plan("topics", "alter", "orders", "--set", "retention.ms=1000")
    equal("a preview changes nothing", retention(), before)
    code, out, err = ours("apply", path)
    check("apply asks for --yes where nobody can be asked", code == 2 and "--yes" in err, (code, err))
    code, out, err = ours("apply", path, "--yes")
    equal("applied", (code, retention()), (0, "1000"))
    code, out, err = ours("apply", path, "--yes")
    check("a second time it is not what was previewed", code == 1 and "not applied" in err, (code, err))
    path = plan("topics", "alter", "orders", "--set", "retention.ms=3000")
    ours("topics", "alter", "orders", "--set", "retention.ms=2000", "--yes")
    code, out, err = ours("apply", path, "--yes")
    check("what somebody else changed meanwhile is told", code == 1 and "previewed: retention.ms | 1000 | 3000; now: retention.ms | 2000 | 3000"
          in err, (code, err))
    equal("and stays", retention(), "2000")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    code, out, err = ours("apply", "-", "--yes", stdin=text.replace("3000", "4000", 1))
    check("a plan that somebody edited is none", code == 1 and "not applied" in err, (code, err))
    for wrong in ["", "{}", "[", text[:-20], text.replace('"format": 1', '"format": 9'), "\x00", text.replace('"alterConfig"', '"x"')]:
        code, out, err = ours("apply", "-", "--yes", stdin=wrong)
        check("what is no plan is refused in a line", code == 1 and err.count("\n") == 1, (code, err))
    with Broker() as other:
        ours("topics", "create", "orders", "-p", "2", bootstrap=other.bootstrap)
        ours("topics", "alter", "orders", "--set", "retention.ms=2000", "--yes", bootstrap=other.bootstrap)
        code, out, err = ours("apply", path, "--yes", bootstrap=other.bootstrap)
        check("another cluster's plan is refused", code == 1 and "was made for cluster" in err, (code, err))


def offsets():
    commit("billing", 40)
    path = plan("groups", "reset-offsets", "billing", "--topic", "orders:0", "--to-latest")
    kcat("-P", "-t", "orders", "-p", "0", stdin=b"later\n")
    equal("messages that came meanwhile change nothing", ours("apply", path, "--yes")[0], 0)
    equal("it is the offset that was previewed", committed("billing"), 50)
    path = plan("groups", "reset-offsets", "billing", "--topic", "orders:0", "--to-earliest")
    commit("billing", 45)
    code, out, err = ours("apply", path, "--yes")
    check("a commit since then is one", code == 1 and "not applied" in err and committed("billing") == 45, (code, err))


def taking_back():
    ours("groups", "reset-offsets", "billing", "--topic", "orders:0", "--to-earliest", "--execute")
    equal("a reset", committed("billing"), 0)
    code, out, err = ours("undo", "--dry-run")
    check("undo shows what it would do", code == 0 and "Takes back: " in out and committed("billing") == 0, (code, out, err))
    equal("undo", ours("undo", "--yes")[0], 0)
    equal("the commit is back", committed("billing"), 45)
    code, out, err = ours("undo", "--list")
    check("what was taken back is not listed", code == 0 and out.count("billing") == 1, out)
    ours("topics", "alter", "orders", "--partitions", "3", "--yes")
    code, out, err = ours("undo", "--yes")
    check("what cannot be undone says so", code == 1 and "cannot be undone" in err, (code, err))


def lines():
    found = audit()
    check("every change left a line", len(found) >= 8 and all(line["time"] and line["user"] and line["title"] for line in found), found)
    equal("with its surface", {line["surface"] for line in found}, {"command", "apply", "undo"})
    check("and Kafka's command", any("kafka-configs" in line["command"] for line in found), found)
    check("refused plans are not among the changes", not any("4000" in line["command"] for line in found), "")
    equal("for nobody else's eyes", os.stat(f"{STATE}/kastellan/audit.jsonl").st_mode & 0o777, 0o600)
    # The line tells that something secret was set, not what.
    ours("topics", "alter", "orders", "--set", "sasl.jaas.config=hidden-word", "--yes")
    with open(f"{STATE}/kastellan/audit.jsonl", encoding="utf-8") as file:
        check("no secret is in it", "hidden-word" not in file.read(), "")


for step in [configs, offsets, taking_back, lines]:
    with checking(step.__name__):
        step()
done()
