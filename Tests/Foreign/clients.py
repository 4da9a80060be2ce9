# time: 150
# broker: none
"""Who is connected: the console of a cluster in its own process tells kcat, confluent-kafka and kafka-python by name and version; a console on the
same cluster from outside infers them."""

import json
import re
import subprocess
import threading

import harness
import kafka
from confluent_kafka import Consumer, Producer, libversion
from harness import PROGRAM, check, checking, done, wait_until
from line_console import PLACES, Lines


def exact(lines, bootstrap):
    """What `clients` tells, asked until it has all that is waited for."""

    def tells(*parts):
        def looked():
            lines.type("clients")
            return lines.pump(3, lambda: all(part in lines.new() for part in parts))

        return wait_until(looked, 30, 0.2)

    producer = Producer({"bootstrap.servers": bootstrap, "client.id": "conf-producer", "enable.idempotence": True})
    producer.produce("seen", b"one")
    producer.flush(20)
    consumer = Consumer({"bootstrap.servers": bootstrap, "client.id": "conf-consumer", "group.id": "seen-by-conf",
                         "auto.offset.reset": "earliest"})
    consumer.subscribe(["seen"])
    got = wait_until(lambda: consumer.poll(0.5), 30)
    check("the consumer reads", got is not None and got.value() == b"one", got)
    python = kafka.KafkaConsumer("seen", bootstrap_servers=bootstrap, client_id="py-consumer", group_id="seen-by-py",
                                 auto_offset_reset="earliest")
    python.poll(5000)
    kcat = subprocess.Popen(["kcat", "-b", bootstrap, "-u", "-C", "-o", "beginning", "-t", "seen", "-X", "client.id=kcat-reader"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    kcat.stdout.readline()
    stop = threading.Event()

    def alive():
        while not stop.is_set():
            consumer.poll(0.2)
            python.poll(200)

    thread = threading.Thread(target=alive)
    thread.start()
    try:
        check("librdkafka by its name and version", tells("conf-producer", "conf-consumer", "confluent-kafka-python", libversion()[0]),
              lines.new())
        check("kafka-python by its own", tells("py-consumer", f"kafka-python {kafka.__version__}"), lines.new())
        check("kcat by librdkafka's", tells("kcat-reader", "librdkafka"), lines.new())
        check("counted, not inferred", "as the brokers count" in lines.new() and "inferred" not in lines.new(), lines.new())
        inferred(bootstrap)
    finally:
        stop.set()
        thread.join()
        kcat.kill()
        kcat.wait()
        consumer.close()
        python.close()


def inferred(bootstrap):
    code, out, err = harness.run(PROGRAM, "get", "clients", "-b", bootstrap, "-o", "json", environment=PLACES)
    rows = json.loads(out) if code == 0 else []
    members = {(row["clientId"], row["of"]) for row in rows if row["inferredFrom"] == "group member"}
    check("from outside, the members of groups", members == {("conf-consumer", "seen-by-conf"), ("py-consumer", "seen-by-py")}, (rows, err))
    producers = [row for row in rows if row["inferredFrom"] == "producer id"]
    check("and who writes with an id", len(producers) == 1 and producers[0]["partitionCount"] == 1 and producers[0]["last"] > 0, rows)
    check("and nothing that nobody told", all(row["clientId"] is None and row["host"] is None for row in producers), rows)


with checking("clients"):
    lines = Lines("dev", "--ephemeral", "--port", "0", "--brokers", "1", "--line-mode", "--refresh", "1")
    try:
        lines.expect("it starts", "Connected.", seconds=40)
        lines.type("brokers")
        lines.expect("the broker's address is told", "127.0.0.1:")
        found = re.search(r"127\.0\.0\.1:\d+", lines.new())
        exact(lines, found.group(0))
    finally:
        lines.close()
done()
