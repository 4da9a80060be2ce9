# time: 120
# broker: none
"""All clusters that have a name, at a glance: two real ones, one that hangs, one that refuses, one whose secret takes its time and one
whose secret is not to be had. None delays another; what is printed is what confluent-kafka sees; nothing is asked once nobody looks."""

import json
import os
import re
import socket
import time

import harness
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from harness import Broker, check, checking, done, equal, kastellan, wait_until
from console_keys import ENTER, ESC, Terminal

HOME = os.path.join(harness.TMP, "home")
CONFIG = os.path.join(HOME, ".config", "kastellan")
PLACES = {
    "HOME": HOME, "XDG_CONFIG_HOME": os.path.join(HOME, ".config"), "XDG_STATE_HOME": os.path.join(HOME, "state"),
    "KASTELLAN_BOOTSTRAP": "",
}


class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.taken = []

    @property
    def address(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def open_ones(self):
        """How many connections are open now."""
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                break
            client.setblocking(False)
            self.taken.append(client)
        still = []
        for client in self.taken:
            try:
                while True:
                    if not client.recv(65536):
                        client.close()
                        break
            except BlockingIOError:
                still.append(client)
            except OSError:
                client.close()
        self.taken = still
        return len(still)


def refused():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return "127.0.0.1:%d" % listener.getsockname()[1]


def contexts(one, two, silent):
    os.makedirs(CONFIG, exist_ok=True)
    slow = os.path.join(HOME, "slow")
    with open(slow, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nsleep 4\necho never-shown\n")
    os.chmod(slow, 0o700)
    with open(f"{CONFIG}/contexts.yaml", "w", encoding="ascii") as file:
        file.write(f"""contexts:
  one:
    color: red
    read-only: true
    properties: {{bootstrap.servers: "{one}"}}
  two:
    properties: {{bootstrap.servers: "{two}"}}
  hangs:
    properties: {{bootstrap.servers: "{silent}"}}
  refuses:
    properties: {{bootstrap.servers: "{refused()}"}}
  thinks:
    properties: {{bootstrap.servers: "{two}", security.protocol: PLAINTEXT, sasl.password: "${{command:{slow}}}"}}
  unset:
    properties: {{bootstrap.servers: "{two}", sasl.password: "${{env:NOBODY_SET_THIS}}"}}
""")


def traffic(bootstrap):
    """Three topics, and a group that is behind."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, 4, 1) for name in ("orders", "payments", "clicks")]).values():
        future.result(20)
    producer = Producer({"bootstrap.servers": bootstrap})
    for index in range(40):
        producer.produce("orders", b"x", partition=index % 4)
    producer.flush(20)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "billing"})
    consumer.commit(offsets=[TopicPartition("orders", partition, 4) for partition in range(4)], asynchronous=False)
    consumer.close()


def headless(one, two):
    began = time.monotonic()
    code, out, err = kastellan("get", "clusters", "-o", "json", "--timeout", "7000", environment=PLACES)
    took = time.monotonic() - began
    equal("some fail, which the exit code says", code, 3)
    check("within the time that one of them may take", took < 14, took)
    rows = {row["context"]: row for row in json.loads(out)}
    equal("all are there", sorted(rows), sorted(["one", "two", "hangs", "refuses", "thinks", "unset"]))
    metadata = AdminClient({"bootstrap.servers": one}).list_topics(timeout=20)
    seen = rows["one"]
    equal("brokers and controller's cluster as confluent-kafka has them", (seen["brokers"], seen["brokersAlive"], seen["clusterId"]),
          (len(metadata.brokers), len(metadata.brokers), metadata.cluster_id))
    own = [topic for name, topic in metadata.topics.items() if not name.startswith("__")]
    equal("topics", seen["topics"], len(own))
    equal("partitions", seen["partitions"], sum(len(topic.partitions) for topic in metadata.topics.values()))
    equal("lag", (seen["groups"], seen["totalLag"], seen["worstGroup"]), (1, 24, "billing"))
    check("a rate, though it ran once", seen["messagesPerSecond"] is not None, seen)
    equal("and what the context says", (seen["readOnly"], seen["color"], seen["error"]), (True, "red", None))
    equal("the other cluster is another", (rows["two"]["topics"], rows["two"]["totalLag"]), (0, 0))
    check("a secret that takes its time", rows["thinks"]["state"] == "well" and rows["thinks"]["clusterId"] == rows["two"]["clusterId"], rows["thinks"])
    check("a secret that is not there is named", "NOBODY_SET_THIS" in (rows["unset"]["error"] or ""), rows["unset"])
    check("why one refuses", "refused" in (rows["refuses"]["error"] or ""), rows["refuses"])
    check("that one hangs", rows["hangs"]["state"] == "lost" and rows["hangs"]["error"], rows["hangs"])
    check("no secret is in it", "never-shown" not in out + err, "")


def console(two, silent):
    terminal = Terminal("--context", "two", "-c", "clusters", columns=200, rows=50, environment=PLACES)
    try:
        began = time.monotonic()
        terminal.expect("the clusters that answer are there", "Clusters(at a glance)", "billing", seconds=20)
        check("long before the one that does not", time.monotonic() - began < 5, time.monotonic() - began)
        line = next((line for line in terminal.text.splitlines() if " one " in line), "")
        check("one of them by its figures", "1/1" in line and "read-only" in line and "24" in line, line)
        terminal.expect("why others cannot be read", "NOBODY_SET_THIS", "refused", seconds=20)
        terminal.expect("that one hangs, in words", "hangs", "✗ lost", seconds=30)
        check("it is looked at", wait_until(silent.open_ones, 10), "no connection")
        terminal.press("d")
        terminal.expect("one of them at length", "Describe(cluster ", "Bootstrap")
        terminal.press(ESC)
        terminal.press("3")
        terminal.expect("another view", "Topics(")
        check("and nobody is asked any more", wait_until(lambda: silent.open_ones() == 0, 15), silent.open_ones())
        terminal.press("*")
        terminal.type("/^one" + ENTER)
        terminal.expect("found", "Clusters(at a glance)")
        terminal.press(ENTER)
        terminal.expect("Enter goes there", "kastellan   one", "billing", seconds=20)
        check("no secret is on the screen", b"never-shown" not in terminal.raw, "")
    finally:
        terminal.close()
    for variables, arguments in (({"NO_COLOR": "1"}, []), ({}, ["--ascii"])):
        terminal = Terminal("--context", "two", "-c", "clusters", *arguments, columns=80, rows=24, environment={**PLACES, **variables})
        try:
            terminal.expect(f"80 columns {arguments or variables}", "Clusters(", "lost", "well", "refused", seconds=20)
            if arguments:
                check("ASCII alone", all(ord(sign) < 128 for sign in terminal.text), terminal.text)
            else:
                found = re.search(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8])(?:;\d+)*m", terminal.raw)
                check("no colour", not found, found)
        finally:
            terminal.close()


def main():
    os.makedirs(HOME, exist_ok=True)
    silent = Silent()
    with Broker() as one, Broker() as two:
        contexts(one.bootstrap, two.bootstrap, silent.address)
        with checking("traffic"):
            traffic(one.bootstrap)
        with checking("headless"):
            headless(one.bootstrap, two.bootstrap)
        with checking("the console"):
            console(two.bootstrap, silent)
    done()


main()
