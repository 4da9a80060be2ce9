# time: 90
"""Our own client library beside kafka-python and confluent-kafka: what one writes the other reads, in every codec, and keys go to the same
partitions; a group across restarts; a transaction that carries offsets, read by those who read what is committed."""

import os
import subprocess

from confluent_kafka import Consumer as ConfluentConsumer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from harness import BOOTSTRAP, CODECS, PROGRAM, TMP, check, checking, done, equal, kastellan

PARTITIONS = 7


def example(name):
    """Beside the program that is tested, or where the tests were built."""
    for folder in (os.path.dirname(PROGRAM), ".build/debug", ".build/release"):
        path = os.path.join(folder, f"Example{name}")
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"Example{name} is not built: swift build --product Example{name}")


def properties(name, **settings):
    path = os.path.join(TMP, f"{name}.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"bootstrap.servers={BOOTSTRAP}\n")
        for key, value in settings.items():
            file.write(f"{key.replace('_', '.')}={value}\n")
    return path


def run(name, *arguments, text=""):
    ended = subprocess.run([example(name), *arguments], input=text, capture_output=True, text=True, timeout=40)
    if ended.returncode != 0:
        raise RuntimeError(f"Example{name}: {ended.stderr[-400:]}")
    return [line.split("\t") if "\t" in line else line.split(" ") for line in ended.stdout.splitlines()]


def read_with_kafka_python(topic):
    reader = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None, auto_offset_reset="earliest", consumer_timeout_ms=1000)
    reader.assign([TopicPartition(topic, index) for index in range(PARTITIONS)])
    found = {(record.key, record.value): record.partition for record in reader}
    reader.close()
    return found


def codecs():
    lines = [(f"key-{index}", f"value {index} " * 20) for index in range(300)]
    for codec in CODECS:
        ours, theirs = f"ours-{codec}", f"theirs-{codec}"
        for topic in (ours, theirs):
            kastellan("topics", "create", topic, "-p", str(PARTITIONS))
        told = run("Produce", properties(ours, compression_type=codec), ours, text="".join(f"{k}\t{v}\n" for k, v in lines))
        equal(f"{codec}: ours tells where each of 300 records is", len({tuple(place) for place in told}), 300)
        found = read_with_kafka_python(ours)
        wanted = {(k.encode(), v.encode()) for k, v in lines}
        check(f"{codec}: kafka-python reads what ours wrote", set(found) == wanted, len(found))

        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type=None if codec == "none" else codec, linger_ms=5)
        for key, value in lines:
            producer.send(theirs, key=key.encode(), value=value.encode())
        producer.flush(20)
        producer.close()
        settings = properties(theirs, group_id=theirs, auto_offset_reset="earliest")
        read = run("Consume", settings, theirs, "300")
        check(f"{codec}: ours reads what kafka-python wrote", {(k.encode(), v.encode()) for _, _, k, v in read} == wanted, len(read))
        theirs_places = {key.encode(): int(partition) for partition, _, key, _ in read}
        check(
            f"{codec}: keys go to the same partitions", {key: place for (key, _), place in found.items()} == theirs_places,
            "murmur2 differs")


def group_goes_on():
    kastellan("topics", "create", "own-group", "-p", "1")
    settings = properties("own-group", group_id="own-group", auto_offset_reset="earliest")
    run("Produce", settings, "own-group", text="".join(f"{index}\n" for index in range(20)))
    first = run("Consume", settings, "own-group", "20")
    equal("ours: lines are written in their order", [row[3] for row in first], [str(index) for index in range(20)])
    run("Produce", settings, "own-group", text="more\n")
    again = run("Consume", settings, "own-group", "1")
    equal("ours: a group goes on behind what it committed", again[0][1:], ["20", "-", "more"])
    reader = ConfluentConsumer({"bootstrap.servers": BOOTSTRAP, "group.id": "own-group", "auto.offset.reset": "earliest"})
    reader.subscribe(["own-group"])
    run("Produce", settings, "own-group", text="last\n")
    message = None
    for _ in range(100):
        message = reader.poll(0.1)
        if message is not None:
            break
    equal("confluent-kafka goes on where ours committed", message and message.value(), b"last")
    reader.close()


if __name__ == "__main__":
    with checking("every codec, both ways"):
        codecs()
    with checking("groups"):
        group_goes_on()
    done()
