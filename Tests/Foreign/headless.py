# time: 120
"""For machines: `check` with monitoring's exit codes, `exporter` under Prometheus's own parser, `get --watch`."""

import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from confluent_kafka import Consumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from harness import BOOTSTRAP, PROGRAM, TMP, Broker, check, checking, done, equal, kastellan, kcat


def commit(group, topic, offset):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def checks():
    kastellan("topics", "create", "orders", "-p", "1")
    kcat("-P", "-t", "orders", stdin=b"".join(b"%d\n" % i for i in range(100)))
    commit("billing", "orders", 40)
    for expression, code, text in [
        ("under-replicated == 0", 0, "OK: under-replicated is 0 | 'under-replicated'=0\n"),
        ("lag(billing) < 61", 0, "OK: lag(billing) is 60 | 'lag(billing)'=60\n"),
        ("lag(billing) < 60", 2, "CRITICAL: lag(billing) is 60, wanted < 60 | 'lag(billing)'=60\n"),
        ("lag(billing, orders)<=0.06k && offline==0", 0, None), ("lag > 59", 0, None), ("brokers >= 1", 0, None), ("brokers == 3", 2, None),
        ("controller == 1", 0, None), ("brokers-down==0&&brokers-fenced==0", 0, None), ("under-min-isr==0 && at-min-isr>=0", 0, None),
        ("disk < 100%", 0, None), ("disk(1) < 0%", 2, None), ("disk-free > 1M", 0, None), ("members(billing) == 0", 0, None),
        ("rebalancing == 0 && groups == 1", 0, None), ("lag(nobody) == 0", 3, "UNKNOWN: lag(nobody): there is no group nobody\n"),
        ("lag(billing, other) == 0", 3, None), ("disk(7) < 1%", 3, None), ("under-replicatd == 0", 3, None), ("lag(billing)", 3, None),
        ("lag(billing < 3", 3, None), ("offline == x", 3, None), ("offline(1) == 0", 3, None), ("", 3, None), ("offline == 0 &&", 3, None),
        ("lag < infinity", 3, None), ("topics == 0x1", 3, None),
    ]:
        got, out, err = kastellan("check", expression)
        check(f"check {expression}", got == code and (text is None or out == text) and out.count("\n") == 1 and err == "", (got, out, err))
    got, out, err = kastellan("check", "lag(billing) < 1k", "--warning", "lag(billing) < 50")
    check("a warning is 1", got == 1 and out.startswith("WARNING: lag(billing) is 60, wanted < 50"), (got, out, err))
    got, out, err = kastellan("check", "lag(nobody) < 1k", "--warning", "offline > 0")
    check("what is not known is worse than a warning", got == 3, (got, out))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        got, out, err = kastellan("check", "offline == 0", "-b", f"127.0.0.1:{closed.getsockname()[1]}", "--timeout", "2000")
    check("an unreachable cluster is unknown", got == 3 and out.startswith("UNKNOWN: ") and err == "", (got, out, err))
    equal("so is a flag that is none", kastellan("check", "offline == 0", "--no-such")[0], 3)


def versions():
    """What brokers serve: of one broker nothing can differ, and what is finalized it can."""
    code, out, err = kastellan("get", "apis", "-o", "json")
    apis = {row["key"]: row for row in json.loads(out)}
    check("get apis has every key once, none differing", code == 0 and len(apis) > 50 and apis[1]["api"] == "Fetch" and all(
        row["differences"] is None and row["common"] for row in apis.values()), (code, out[:300], err))
    code, out, err = kastellan("get", "features", "-o", "json")
    features = {row["feature"]: row for row in json.loads(out)}
    check("get features tells the finalized level", code == 0 and features["metadata.version"]["finalizedVersionLevel"] > 0 and all(
        row["unable"] is None for row in features.values()), (code, out, err))


def metrics(text):
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    return found


def get(address, path="/metrics"):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.read().decode()


class Exporter:
    def __init__(self, *words, bootstrap=BOOTSTRAP):
        self.process = subprocess.Popen(
            [PROGRAM, "exporter", "--listen", "127.0.0.1:0", "--refresh", "1", "-b", bootstrap, *words], stdout=subprocess.PIPE,
            stderr=open(os.path.join(TMP, "exporter.log"), "ab"))
        line = self.process.stdout.readline().decode()
        assert line.startswith("metrics=http://127.0.0.1:"), line
        self.address = line.strip()[len("metrics=http://"):-len("/metrics")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def exporter():
    commit('odd "group"\\', "orders", 90)
    with Exporter() as server:
        text = get(server.address)
        found = metrics(text)
        part = (("partition", "0"), ("topic", "orders"))
        equal("one broker", found[("kafka_brokers", ())], 1)
        equal("the end of a partition", found[("kafka_topic_partition_current_offset", part)], 100)
        equal("its start", found[("kafka_topic_partition_oldest_offset", part)], 0)
        equal("lag", found[("kafka_consumergroup_lag", (("consumergroup", "billing"), *part))], 60)
        equal("the sum", found[("kafka_consumergroup_lag_sum", (("consumergroup", "billing"), ("topic", "orders")))], 60)
        equal("a name of odd characters", found[("kafka_consumergroup_lag", (("consumergroup", 'odd "group"\\'), *part))], 10)
        equal("up", found[("kastellan_up", ())], 1)
        equal("nothing left out", found[("kastellan_series_left_out", ())], 0)
        with checking("other paths"):
            try:
                get(server.address, "/secret")
                check("another path is not there", False)
            except urllib.error.HTTPError as error:
                equal("another path is not there", error.code, 404)
        host, port = server.address.split(":")
        with socket.create_connection((host, int(port))) as caller:
            try:
                caller.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100_000)
                caller.settimeout(10)
                rest = caller.recv(10)
            except ConnectionError:
                rest = b""
            equal("a head without end is cut off", rest, b"")
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(b"\xff\x00\r\n\r\n")
            caller.recv(100)
        check("and the server lives", "kafka_brokers 1" in get(server.address), "")
    with Exporter("--max-series", "5") as server:
        found = metrics(get(server.address))
        check("what is too much is left out, and counted", found[("kastellan_series_left_out", ())] > 5 and len(found) <= 7, len(found))
    with Broker() as gone, Exporter("--timeout", "1500", bootstrap=gone.bootstrap) as server:
        equal("a cluster that is there", metrics(get(server.address))[("kastellan_up", ())], 1)
        gone.kill()
        equal("and no more", wait_down(server.address), 0)


def wait_down(address):
    from harness import wait_until
    return 0 if wait_until(lambda: metrics(get(address))[("kastellan_up", ())] == 0, seconds=20, step=0.5) else 1


def watch():
    process = subprocess.Popen([PROGRAM, "get", "topics", "orders", "--watch", "--refresh", "1", "-o", "jsonl", "-b", BOOTSTRAP],
                               stdout=subprocess.PIPE)
    first = json.loads(process.stdout.readline())
    kcat("-P", "-t", "orders", stdin=b"one more\n")
    second = first
    while second["messages"] == first["messages"]:
        second = json.loads(process.stdout.readline())
    equal("--watch tells what is new", second["messages"], first["messages"] + 1)
    process.stdout.close()
    check("and ends when nobody reads", process.wait(10) in (0, -signal.SIGPIPE), process.returncode)


def rows(*words, environment=None):
    code, out, err = kastellan("get", *words, "-o", "json", environment=environment)
    return check(f"get {' '.join(words)}", code == 0, (code, err)) and json.loads(out) or []


def judging():
    """Views that judge: why, heat, alerts. `billing` has something unread, since `checks`."""
    kcat("-P", "-t", "hot", stdin=b"x" * 2000 + b"\n")
    commit("billing", "orders", 1)
    found = rows("why", "billing")
    check("why of a group: a verdict, and what to do", found and found[0]["subject"] == "group billing" and found[0]["why"] and found[0]["toDo"],
          found)
    check("nobody reads with it", any(row["cause"] == "no members" for row in found), found)
    equal("why of a broker", [row["subject"] for row in rows("why", "1")][:1], ["broker 1"])
    equal("why of a topic", [row["subject"] for row in rows("why", "orders")][:1], ["topic orders"])
    equal("why of a partition", [row["subject"] for row in rows("why", "orders-0")][:1], ["partition orders-0"])
    everything = [row["subject"] for row in rows("why")]
    check("why of everything", {"group billing", "broker 1"} <= set(everything), everything)
    code, _, err = kastellan("get", "why", "nobody")
    check("what is not there is named", code == 1 and "nobody" in err, err)

    size = rows("heat", "size")
    check("heat of sizes", len(size) == 1 and size[0]["total"] > 2000 and size[0]["hottest"] and "4" in size[0]["heat"], size)
    lag = rows("heat", "lag")
    check("heat of lags", lag[0]["hottest"] == "orders-0" and lag[0]["hottestValue"] > 0, lag)
    traffic = rows("heat")
    check("heat of traffic is a rate that is known", traffic[0]["measure"] == "traffic" and traffic[0]["total"] is not None, traffic)
    check("no such measure", kastellan("get", "heat", "weight")[0] == 2)

    folder = os.path.join(TMP, "alerting")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "kastellan.yaml"), "w", encoding="utf-8") as file:
        file.write("alerts:\n  - when: brokers > 5\n    do: bell\n  - when: brokers >= 1\n  - on: broker-down\n")
    alerts = rows("alerts", environment={"KASTELLAN_CONFIG_DIR": folder})
    equal("alerts, and whether they hold", [row["holds"] for row in alerts], [False, True, None])


for step in [versions, checks, exporter, watch, judging]:
    with checking(step.__name__):
        step()
done()
