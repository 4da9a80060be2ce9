"""Rows about records: what goes in by one client comes out of every other as it was."""

from .base import CODECS, EPOCH, Failure, Record, content, expect, same, same_records, until
from .suite import row

ALL = {}  # name -> client, filled by matrix.py


def shared(codec, name):
    return f"shared-{codec}-{name}"


for _codec in CODECS:
    def produce(cell, client, codec=_codec):
        cell.name = shared(codec, client.name)
        topic = cell.topic()
        # A client that sends again may write twice unless it is idempotent; where brokers die it has to be.
        client.write(cell, topic, content(client, tag=codec), codec, idempotent=cell.faulty, middle=cell.middle)
        same_records("its own records", client.read(cell, topic, 60), content(client, tag=codec))

    row(f"produce-{_codec}", f"produce, {'uncompressed' if _codec == 'none' else _codec}", phase=1)(produce)

    def consume(cell, client, codec=_codec, everyone=ALL):
        for index, (name, writer) in enumerate(everyone.items()):
            if index == min(1, len(everyone) - 1):
                cell.middle()
            got = cell.patiently(lambda name=name: client.read(cell, shared(codec, name), 60))
            same_records(f"what {name} wrote", got, content(writer, tag=codec))

    row(f"read-{_codec}", f"read what every client wrote, {'uncompressed' if _codec == 'none' else _codec}", phase=2)(consume)


def round_trip(cell, client, records):
    topic = cell.topic()
    client.write(cell, topic, records, idempotent=cell.faulty, middle=cell.middle)
    same_records("read back", client.read(cell, topic, len(records)), records)


@row("keys", "keys, the empty one too")
def keys(cell, client):
    found = [b"k", b"\xc3\xbcml\xc3\xa4ut", b"x" * 500, b"k"]
    round_trip(cell, client, [Record(b"v%d" % i, key, partition=0) for i, key in enumerate(found)])


@row("null-keys", "null keys apart from empty ones")
def null_keys(cell, client):
    round_trip(cell, client, [Record(b"v", None, partition=0), Record(b"v", b"", partition=0), Record(b"v", b"k", partition=0)])


@row("tombstones", "null values apart from empty ones")
def tombstones(cell, client):
    records = [Record(None, b"k", partition=0), Record(b"v", b"k", partition=0)]
    round_trip(cell, client, records + ([Record(b"", b"k", partition=0)] if "headers" in client.sets else []))


@row("headers", "headers: order, repeated names")
def headers(cell, client):
    found = (("a", b"1"), ("b", b""), ("a", b"2")) if "headers" in client.sets else (("a", b"1"), ("a", b"2"))
    round_trip(cell, client, [Record(b"v%d" % i, b"k", found, partition=0) for i in range(3)])


@row("timestamps", "time stamps that the client sets, out of order")
def timestamps(cell, client):
    round_trip(cell, client, [Record(b"v", b"k", (), EPOCH + shift, 0) for shift in (5000, 0, 9000, 4000)])


@row("log-append-time", "time stamps that the broker sets")
def log_append_time(cell, client):
    topic = cell.topic(configs={"message.timestamp.type": "LogAppendTime"})
    client.write(cell, topic, [Record(b"v", b"k", partition=0)], idempotent=cell.faulty, middle=cell.middle)
    records = client.read(cell, topic, 1)
    same("one record", len(records), 1)
    expect(records[0].timestamp is None or records[0].timestamp > EPOCH + 10 ** 9, "the broker's time", records[0])


@row("keyed-partitions", "records with one key in one partition, in order")
def keyed_partitions(cell, client):
    topic = cell.topic(partitions=6)
    records = [Record(b"v%d" % i, b"key-%d" % (i % 20)) for i in range(100)]
    client.write(cell, topic, records, idempotent=cell.faulty, middle=cell.middle)
    got = client.read(cell, topic, 100)
    same("all come back", sorted((r.key, r.value) for r in got), sorted((r.key, r.value) for r in records))
    places = {}
    for record in got:
        places.setdefault(record.key, set()).add(record.partition)
    expect(all(len(p) == 1 for p in places.values()), "each key in one partition", places)
    expect(len(set.union(*places.values())) > 2, "over several partitions", places)
    for key, partitions in places.items():
        order = [r.value for r in sorted((r for r in got if r.key == key), key=lambda r: r.offset)]
        same("in order per key", order, [r.value for r in records if r.key == key])


for _acks in ["0", "1", "all"]:
    def acknowledged(cell, client, acks=_acks):
        topic = cell.topic()
        records = [Record(b"v%d" % i, b"k", partition=0) for i in range(50)]
        client.write(cell, topic, records, acks=acks, idempotent=cell.faulty and acks == "all", middle=cell.middle)
        # What is not acknowledged by all is read once all have it.
        expect(until(lambda: len(client.read(cell, topic, 50)) == 50, 15), "fifty are read")
        same("records", [r.value for r in client.read(cell, topic, 50)], [r.value for r in records])

    # Without waiting for all replicas a killed leader may take records with it: that is what these two say.
    row(f"acks-{_acks}", f"acks={_acks}", bears=_acks == "all")(acknowledged)


@row("idempotent", "an idempotent producer writes each record once, in order")
def idempotent(cell, client):
    topic = cell.topic()
    records = [Record(b"v%d" % i, b"k", partition=0) for i in range(500)]
    client.write(cell, topic, records, idempotent=True, middle=cell.middle)
    got = client.read(cell, topic, 500)
    same("values", [r.value for r in got], [r.value for r in records])
    more = client.read(cell, topic, 1, offsets={0: got[-1].offset + 1}, seconds=2)
    expect(not more, "nothing behind the last", more)


@row("record-too-large", "a record above max.message.bytes is refused, the next is not")
def too_large(cell, client):
    topic = cell.topic(configs={"max.message.bytes": "20000"})
    try:
        client.write(cell, topic, [Record(bytes(x % 251 + 1 for x in range(40000)).replace(b"\n", b" ").replace(b"\x01", b" "), b"k", partition=0)])
    except Exception as error:  # noqa: BLE001 - each client has its own
        text = f"{type(error).__name__} {error}".lower()
        expect("large" in text or "size" in text, "refused for its size", text)
    else:
        raise Failure("a record of 40 kB was taken")
    cell.middle()
    client.write(cell, topic, [Record(b"small", b"k", partition=0)], idempotent=cell.faulty)
    same("the small one", [r.value for r in client.read(cell, topic, 1)], [b"small"])


@row("large-record", "a record of 900 kB")
def large(cell, client):
    round_trip(cell, client, [Record(b"x" * 900_000, b"k", partition=0), Record(b"y", b"k", partition=0)])


def auto_created(cell, client):
    """Used by the row below: the topic appears with the brokers' default number of partitions."""
    return until(lambda: cell.name in cell.eyes.list_topics(timeout=10).topics, 10)


@row("auto-create", "a topic comes into being when it is first written to")
def auto_create(cell, client):
    client.write(cell, cell.name, [Record(b"v", b"k")], idempotent=cell.faulty)
    expect(cell.patiently(lambda: auto_created(cell, client)), "the topic is there")
    cell.middle()
    same("its record", [r.value for r in client.read(cell, cell.name, 1)], [b"v"])
