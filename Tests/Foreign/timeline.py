# time: 120
"""What happened before anybody looked: rebalances out of the groups' own log, what commands changed out of the audit. Groups of
confluent-kafka; deleted offsets as confluent-kafka and kafka-python see them; completions in a real shell."""

import json
import os
import subprocess
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka.admin import KafkaAdminClient

from harness import BOOTSTRAP, PROGRAM, TMP, check, checking, done, equal, kastellan, kcat, wait_until

STATE = os.path.join(TMP, "state")
ENVIRONMENT = {**os.environ, "XDG_STATE_HOME": STATE, "KASTELLAN_BOOTSTRAP": BOOTSTRAP}


def program(*words, stdin=None):
    result = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=60, env=ENVIRONMENT)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def events(*words):
    code, out, err = program("get", "events", "-o", "jsonl", *words)
    check("get events", code == 0, (code, err))
    return [json.loads(line) for line in out.splitlines()]


def member(group, client, protocol="classic"):
    settings = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "client.id": client, "auto.offset.reset": "earliest",
                "enable.auto.commit": False, "group.protocol": protocol}
    if protocol == "classic":
        settings["session.timeout.ms"] = 6000
    consumer = Consumer(settings)
    consumer.subscribe(["orders"])
    return consumer


def settle(*consumers, partitions=4):
    """Until they have all partitions between them."""
    def owned():
        for consumer in consumers:
            consumer.poll(0.1)
        return sum(len(c.assignment()) for c in consumers) == partitions and all(c.assignment() for c in consumers)
    return check("members have their partitions", wait_until(owned, 30))


with checking("a topic with records"):
    kastellan("topics", "create", "orders", "-p", "4")
    # Some to each: an offset beyond a partition's end would not be brought back.
    for partition in range(4):
        kcat("-P", "-t", "orders", "-p", str(partition), stdin=b"".join(b"%d\n" % i for i in range(25)))

with checking("a classic group lives and dies"):
    first = member("billing", "one")
    settle(first)
    second = member("billing", "two")
    settle(first, second)
    for consumer in (first, second):
        consumer.commit(offsets=[TopicPartition("orders", p.partition, 10) for p in consumer.assignment()], asynchronous=False)
    second.close()
    settle(first)
    first.close()

with checking("and one of the newer protocol"):
    first = member("modern", "new", "consumer")
    settle(first)
    first.close()

with checking("told by its log, to who comes afterwards"):
    check("no history is there yet", not os.path.exists(os.path.join(STATE, "kastellan", "history.db")))
    found = [e for e in events() if e["object"] == "billing"]
    steps = [(e.get("step"), e.get("client", "")) for e in found]
    check("who joined", ("memberJoined", "two") in steps, steps)
    check("who left", ("memberLeft", "two") in steps and ("memberLeft", "one") in steps, steps)
    check("assigned and emptied", steps.count(("assigned", "")) >= 3 and steps[-1][0] in ("emptied", "memberLeft"), steps)
    check("what is concluded has its window", all(("since" in e) == e["inferred"] for e in found), found)
    exact = [e for e in found if not e["inferred"]]
    check("what the log says is exact", {e["step"] for e in exact} >= {"assigned", "emptied"}, exact)
    generations = [e["generation"] for e in exact if e["step"] == "assigned"]
    check("in order", generations == sorted(generations) and [e["time"] for e in found] == sorted(e["time"] for e in found), found)
    steps = [(e.get("step"), e.get("client", "")) for e in events() if e["object"] == "modern"]
    check("members of the newer protocol", ("memberJoined", "new") in steps and ("memberLeft", "new") in steps, steps)

with checking("offsets are forgotten"):
    code, out, _ = program("groups", "delete-offsets", "billing", "--topic", "orders", "--dry-run")
    check("shown first", code == 0 and "--delete-offsets --group billing --topic orders" in out and "no commit" in out, out)
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})

    def committed():
        wanted = ConsumerGroupTopicPartitions("billing")
        result = admin.list_consumer_group_offsets([wanted])["billing"].result()
        return sorted(p.offset for p in result.topic_partitions)

    equal("and not done", committed(), [10] * 4)
    equal("without --yes neither", program("groups", "delete-offsets", "billing", "--topic", "orders")[0], 2)
    code, _, err = program("groups", "delete-offsets", "billing", "--topic", "orders", "--topic", "none", "--yes")
    check("one of two is there", code == 3 and "no commits for topic none" in err, (code, err))
    equal("confluent-kafka sees none", committed(), [])
    python = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    equal("nor does kafka-python", python.list_group_offsets({"billing": None})["billing"] if hasattr(python, "list_group_offsets")
          else python.list_consumer_group_offsets("billing"), {})
    python.close()
    code, out, _ = program("undo", "--yes")
    check("undone", code == 0, out)
    equal("they are back", committed(), [10] * 4)

with checking("what commands did is in the audit"):
    equal("produced", program("produce", "orders", stdin=b"a\nb\n")[0], 0)
    program("topics", "create", "copies", "-p", "1")
    equal("copied", program("copy", "orders", "copies", "-y")[0], 0)
    with open(os.path.join(STATE, "kastellan", "audit.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    surfaces = [(line["surface"], line["title"], line["verdict"]) for line in lines]
    check("produce", ("produce", "Produce to orders", "done") in surfaces, surfaces)
    check("copy", any(surface == "copy" and verdict == "done" for surface, _, verdict in surfaces), surfaces)
    code, out, err = program("undo", "--dry-run")
    check("what was written is no change to take back", code == 0 and "copies" in out, (code, out, err))

with checking("views that ask little"):
    for view in ["transactions", "hanging", "acls", "quotas", "users", "contexts"]:
        code, out, err = program("get", view, "-o", "json")
        # Without an authorizer there are no access rules to be read.
        check(f"get {view}", code == 0 and json.loads(out) == [] or view == "acls" and code != 0 and err.count("\n") == 1, (code, out, err))

with checking("watched, it goes on"):
    watch = subprocess.Popen([PROGRAM, "get", "events", "-o", "jsonl", "--watch", "--refresh", "1"], stdout=subprocess.PIPE, env=ENVIRONMENT)
    os.set_blocking(watch.stdout.fileno(), False)
    text = b""

    def sees(word):
        global text
        text += watch.stdout.read() or b""
        return any(json.loads(line).get("object") == word for line in text.split(b"\n")[:-1])

    check("the past first", wait_until(lambda: sees("billing"), 20))
    time.sleep(3)
    kastellan("topics", "create", "newcomer")
    check("then what happens", wait_until(lambda: sees("newcomer"), 20), text[-400:])
    watch.terminate()
    watch.wait(10)

with checking("completions in bash"):
    script = """
    PATH=%s:$PATH
    source <(kastellan completion bash)
    complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _kastellan; echo "${COMPREPLY[@]}"; }
    complete_words kastellan gr
    complete_words kastellan groups delete
    complete_words kastellan topics describe or
    complete_words kastellan groups describe -b %s bill
    complete_words kastellan groups delete-offsets billing --topic co
    complete_words kastellan get ev
    """ % (os.path.join(TMP, "bin"), BOOTSTRAP)
    os.makedirs(os.path.join(TMP, "bin"), exist_ok=True)
    if not os.path.exists(os.path.join(TMP, "bin", "kastellan")):
        os.symlink(os.path.abspath(PROGRAM), os.path.join(TMP, "bin", "kastellan"))
    result = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, env=ENVIRONMENT)
    equal("live names", (result.stdout.decode().split("\n"), result.stderr.decode()),
          (["groups", "delete-offsets delete", "orders", "billing", "copies", "events", ""], ""))

done()
