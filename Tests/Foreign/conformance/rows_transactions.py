"""Rows about transactions, looked at by the same client's consumer under read_committed and read_uncommitted."""

from .base import Failure, Record, expect, same
from .rows_consumers import filled
from .suite import row

NEEDS = "AddPartitionsToTxn"


def records(names):
    return [Record(name.encode(), b"k", partition=0) for name in names]


def values(cell, client, topic, count, isolation="read_committed", seconds=20.0):
    return [r.value.decode() for r in client.read(cell, topic, count, isolation=isolation, seconds=seconds)]


def opened(cell, client, suffix=""):
    producer = client.transactional(cell, cell.transactional_id(suffix))
    cell.patiently(producer.start)
    return producer


@row("txn-commit", "a committed transaction is read, an open one is not", needs=NEEDS)
def commit(cell, client):
    topic = cell.topic()
    producer = opened(cell, client)
    try:
        producer.begin()
        producer.write(topic, records(["a", "b"]))
        same("while it is open", values(cell, client, topic, 1, seconds=2), [])
        same("uncommitted", values(cell, client, topic, 2, "read_uncommitted"), ["a", "b"])
        cell.middle()
        cell.patiently(producer.commit)
        same("committed", values(cell, client, topic, 2), ["a", "b"])
        producer.begin()
        producer.write(topic, records(["c"]))
        cell.patiently(producer.commit)
        same("and the next", values(cell, client, topic, 3), ["a", "b", "c"])
    finally:
        producer.close()


@row("txn-abort", "an aborted transaction is not read under read_committed", needs=NEEDS)
def abort(cell, client):
    topic = cell.topic()
    producer = opened(cell, client)
    try:
        producer.begin()
        producer.write(topic, records(["a"]))
        cell.patiently(producer.commit)
        producer.begin()
        producer.write(topic, records(["lost", "lost too"]))
        cell.middle()
        cell.patiently(producer.abort)
        producer.begin()
        producer.write(topic, records(["b"]))
        cell.patiently(producer.commit)
        same("committed", values(cell, client, topic, 2), ["a", "b"])
        same("uncommitted", values(cell, client, topic, 4, "read_uncommitted"), ["a", "lost", "lost too", "b"])
    finally:
        producer.close()


@row("txn-fencing", "a zombie is fenced by the next producer of its id", needs=NEEDS)
def fencing(cell, client):
    topic, transactional_id = cell.topic(), cell.transactional_id()
    zombie, heir = (client.transactional(cell, transactional_id) for _ in range(2))
    try:
        cell.patiently(zombie.start)
        zombie.begin()
        zombie.write(topic, records(["zombie"]))
        cell.middle()
        cell.patiently(heir.start)
        heir.begin()
        heir.write(topic, records(["heir"]))
        try:
            zombie.commit()
        except Failure:
            raise
        except Exception as error:  # noqa: BLE001 - each client has its own
            expect(zombie.fenced(error) or "fenc" in str(error).lower() or "epoch" in str(error).lower(), "it is told that it is fenced",
                   f"{type(error).__name__} {error}")
        else:
            raise Failure("the zombie could commit")
        cell.patiently(heir.commit)
        same("committed", values(cell, client, topic, 1), ["heir"])
        expect("zombie" not in values(cell, client, topic, 2, seconds=1), "nothing of the zombie's")
    finally:
        heir.close()
        zombie.close()


def consumed(cell, client, ends):
    """Reads ten, writes as many and commits the offset in one transaction; returns what is committed after it."""
    source, target, group = filled(cell, suffix="-in"), cell.topic("-out"), cell.group()
    reader = client.consumer(cell, source, group=group)
    producer = opened(cell, client)
    try:
        taken = reader.collect(10)
        expect(len(taken) >= 10, "ten are read", len(taken))
        producer.begin()
        producer.write(target, [Record(r.value, b"k", partition=0) for r in taken[:10]])
        producer.offsets(reader, source, {0: 10})
        cell.middle()
        cell.patiently(getattr(producer, ends))
        return cell.committed(group, source), values(cell, client, target, 10, seconds=20 if ends == "commit" else 2)
    finally:
        producer.close()
        reader.close()


@row("txn-offsets", "offsets are committed with the transaction", needs=NEEDS)
def offsets(cell, client):
    same("committed and written", consumed(cell, client, "commit"), (10, [f"v{n}" for n in range(10)]))


@row("txn-offsets-abort", "… and not when it is aborted", needs=NEEDS)
def offsets_abort(cell, client):
    same("committed and written", consumed(cell, client, "abort"), (None, []))
