"""Rows about reading: positions, times, resets, pausing, and what is committed."""

from .base import EPOCH, Record, expect, same, until
from .suite import row


def filled(cell, count=40, partitions=1, suffix=""):
    """A topic with records v0… whose time stamps lie a second apart, written by confluent-kafka whoever reads."""
    topic = cell.topic(suffix, partitions)
    more(cell, topic, range(count))
    return topic


def more(cell, topic, numbers, partition=0):
    from .confluent import Confluent

    Confluent().write(cell, topic, [Record(b"v%d" % n, b"k", (), EPOCH + n * 1000, partition) for n in numbers], idempotent=True)


@row("seek", "seek to an offset, to the beginning, to the end")
def seek(cell, client):
    topic = filled(cell)
    reader = client.consumer(cell, topic, partitions={0: 0})
    try:
        same("first", [r.offset for r in reader.collect(3)][:3], [0, 1, 2])
        reader.seek(0, 30)
        same("after seek to 30", [r.offset for r in reader.collect(10)][:10], list(range(30, 40)))
        cell.middle()
        reader.seek(0, "beginning")
        same("after seek to the beginning", [r.offset for r in reader.collect(40)][:40], list(range(40)))
        reader.seek(0, "end")
        expect(not reader.poll(0.5), "nothing at the end")
        more(cell, topic, [40])
        same("what comes after the end", [r.offset for r in reader.collect(1)], [40])
    finally:
        reader.close()


@row("positions", "positions, beginning and end offsets")
def positions(cell, client):
    topic = filled(cell)
    reader = client.consumer(cell, topic, partitions={0: 10})
    try:
        same("30 records from 10", [r.offset for r in reader.collect(30)], list(range(10, 40)))
        same("position", reader.position(0), 40)
        cell.middle()
        same("bounds", tuple(cell.patiently(lambda: reader.bounds(0))), (0, 40))
    finally:
        reader.close()


@row("times", "offsets for times")
def times(cell, client):
    topic = filled(cell)
    cell.middle()
    if hasattr(client, "query"):
        reader, ask = None, lambda stamp: client.query(cell, topic, stamp)
    else:
        reader = cell.patiently(lambda: client.consumer(cell, topic, partitions={0: 0}))
        ask = lambda stamp: reader.offset_for_time(0, stamp)  # noqa: E731
    try:
        same("between two", cell.patiently(lambda: ask(EPOCH + 6500)), 7)
        same("exactly", cell.patiently(lambda: ask(EPOCH + 7000)), 7)
        same("before all", cell.patiently(lambda: ask(EPOCH - 1)), 0)
        same("after all", cell.patiently(lambda: ask(EPOCH + 10 ** 7)), None)
    finally:
        if reader:
            reader.close()


@row("pause", "pause and resume of a partition")
def pause(cell, client):
    topic = filled(cell, partitions=2)
    more(cell, topic, range(20), partition=1)
    reader = client.consumer(cell, topic, partitions={0: 0, 1: 0})
    try:
        reader.pause([1])
        found = reader.collect(40) + reader.poll(0.5)
        same("only partition 0", {r.partition for r in found}, {0})
        same("all of it", len(found), 40)
        cell.middle()
        reader.resume([1])
        same("then partition 1", [(r.partition, r.offset) for r in reader.collect(20)], [(1, n) for n in range(20)])
    finally:
        reader.close()


@row("reset-earliest", "a group without offsets begins at the earliest")
def reset_earliest(cell, client):
    topic = filled(cell)
    cell.middle()
    reader = cell.patiently(lambda: client.consumer(cell, topic, group=cell.group(), reset="earliest"))
    try:
        same("offsets", [r.offset for r in reader.collect(40)], list(range(40)))
    finally:
        reader.close()


@row("reset-latest", "… at the latest")
def reset_latest(cell, client):
    topic = filled(cell)
    reader = client.consumer(cell, topic, group=cell.group(), reset="latest")
    try:
        found = reader.poll(0.2)
        expect(until(lambda: found.extend(reader.poll(0.2)) or reader.assignment() == [0]), "it owns the partition")
        # It asks for the end once it owns it; nothing shows when it has.
        for _ in range(5):
            found += reader.poll(0.2)
        same("nothing of what was there", found, [])
        cell.middle()
        more(cell, topic, range(40, 45))
        same("what came later", [r.offset for r in reader.collect(5)], list(range(40, 45)))
    finally:
        reader.close()


@row("reset-none", "… or is told that there are none")
def reset_none(cell, client):
    topic = filled(cell)
    cell.middle()
    reset = "error" if client.name == "confluent-kafka" else "none"
    reader = cell.patiently(lambda: client.consumer(cell, topic, group=cell.group(), partitions={0: None}, reset=reset))
    try:
        expect(until(lambda: reader.poll(0.2) == [] and reader.no_offset_was_reported(), 20), "the missing offset is reported")
    finally:
        reader.close()


def resumes(cell, client, commit):
    """Twenty are read and committed, half of them before the middle; another consumer of the group goes on behind them."""
    topic, group = filled(cell), cell.group()
    reader = client.consumer(cell, topic, group=group, partitions={0: 0})
    try:
        expect(len(reader.collect(20)) >= 20, "twenty records read")
        cell.patiently(lambda: commit(reader, 10))
        same("ten committed", until(lambda: cell.committed(group, topic) == 10 and 10, 15), 10)
        cell.middle()

        def again():
            # A commit that is not waited for is lost with its coordinator, and made again with the next.
            cell.patiently(lambda: commit(reader, 20))
            return reader.poll(0.2) is not None and cell.committed(group, topic) == 20

        expect(until(again, 20, 0.5), "twenty committed", cell.committed(group, topic))
    finally:
        reader.close()
    second = cell.patiently(lambda: client.consumer(cell, topic, group=group, partitions={0: None}, reset="latest"))
    try:
        same("the client sees it", cell.patiently(lambda: second.committed(0)), 20)
        same("goes on there", [r.offset for r in second.collect(20)], list(range(20, 40)))
    finally:
        second.close()


@row("commit-sync", "commit and wait; another goes on behind it")
def commit_sync(cell, client):
    resumes(cell, client, lambda reader, offset: reader.commit({0: offset}))


@row("commit-async", "commit without waiting")
def commit_async(cell, client):
    resumes(cell, client, lambda reader, offset: reader.commit_async({0: offset}))


@row("commit-auto", "commit by itself; another member goes on behind it")
def commit_auto(cell, client):
    topic, group = filled(cell), cell.group()
    assignor = "range"
    first = client.join(cell, group, topic, assignor)
    expect(until(lambda: len(first.read) == 40), "all forty read", len(first.read), first.said())
    cell.middle()
    expect(first.leave(), "it leaves", first.said())
    same("committed", until(lambda: cell.committed(group, topic) == 40 and 40, 15), 40)
    more(cell, topic, range(40, 50))
    second = client.join(cell, group, topic, assignor)
    expect(until(lambda: len(second.read) >= 10), "ten more read", len(second.read), second.said())
    same("only those behind the commit", sorted(second.read), [(0, n) for n in range(40, 50)])
    second.leave()
