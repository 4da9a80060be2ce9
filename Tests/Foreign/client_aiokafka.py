# time: 180
"""aiokafka 0.14: every codec, a group of three with rebalances, commit and resume, offsets for times, admin."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from harness import BOOTSTRAP, CODECS, check, checking, done, equal


async def until(condition, seconds=30.0):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return condition()


async def codecs():
    for codec in CODECS:
        topic = f"aio-{codec}"
        producer = AIOKafkaProducer(
            bootstrap_servers=BOOTSTRAP, compression_type=None if codec == "none" else codec, acks="all", enable_idempotence=codec == "lz4")
        await producer.start()
        futures = [await producer.send(topic, b"v%d " % i * 10, key=b"k%d" % i, headers=[("h", b"x")]) for i in range(500)]
        offsets = [(await f).offset for f in futures]
        await producer.stop()
        equal(f"{codec}: 500 records acknowledged", (min(offsets), max(offsets)), (0, 499))
        reader = AIOKafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", group_id=None)
        await reader.start()
        found = []
        while len(found) < 500:
            batches = await reader.getmany(timeout_ms=5000)
            if not batches:
                break
            for batch in batches.values():
                found += [(m.key, m.value) for m in batch]
        await reader.stop()
        check(f"{codec}: and read back in order", found == [(b"k%d" % i, b"v%d " % i * 10) for i in range(500)], len(found))


class Member:
    def __init__(self, group, topic):
        self.consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=BOOTSTRAP, group_id=group, auto_offset_reset="earliest", session_timeout_ms=6000,
            heartbeat_interval_ms=300, metadata_max_age_ms=2000)
        self.read = 0

    async def start(self):
        await self.consumer.start()
        self.task = asyncio.create_task(self.poll())

    async def poll(self):
        while True:
            for batch in (await self.consumer.getmany(timeout_ms=200)).values():
                self.read += len(batch)

    @property
    def owned(self):
        return sorted(p.partition for p in self.consumer.assignment())

    async def stop(self):
        self.task.cancel()
        await self.consumer.stop()


async def group():
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    await admin.create_topics([NewTopic("aio-group", 6, 1)])
    check("admin lists the topic", "aio-group" in await admin.list_topics(), "")
    members = [Member("aio-members", "aio-group")]
    await members[0].start()
    check("one member owns all six", await until(lambda: members[0].owned == list(range(6))), members[0].owned)
    for _ in range(2):
        members.append(Member("aio-members", "aio-group"))
        await members[-1].start()
    balanced = await until(lambda: all(len(m.owned) == 2 for m in members) and sorted(sum((m.owned for m in members), [])) == list(range(6)))
    check("three members own two each", balanced, [m.owned for m in members])
    await members.pop().stop()
    shared = await until(lambda: sorted(sum((m.owned for m in members), [])) == list(range(6)))
    check("when one leaves, the others take over", shared, [m.owned for m in members])
    for member in members:
        await member.stop()
    groups = await admin.list_consumer_groups()
    check("admin lists the group", "aio-members" in [g[0] for g in groups], groups)
    await admin.delete_topics(["aio-group"])
    for _ in range(100):
        if "aio-group" not in await admin.list_topics():
            break
        await asyncio.sleep(0.1)
    check("admin deletes the topic", "aio-group" not in await admin.list_topics(), "")
    await admin.close()


async def commit_and_resume():
    partition = TopicPartition("aio-none", 0)
    first = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id="aio-resume", enable_auto_commit=False, auto_offset_reset="earliest")
    await first.start()
    first.assign([partition])
    await first.getone()
    await first.commit({partition: 25})
    await first.stop()
    second = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id="aio-resume", enable_auto_commit=False)
    await second.start()
    second.assign([partition])
    equal("committed says so", await second.committed(partition), 25)
    equal("resumes at the commit", (await second.getone()).offset, 25)
    await second.stop()


async def times():
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP)
    await producer.start()
    for index in range(10):
        await producer.send_and_wait("aio-times", b"x", timestamp_ms=1_700_000_000_000 + index * 1000)
    await producer.stop()
    partition = TopicPartition("aio-times", 0)
    reader = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None)
    await reader.start()
    reader.assign([partition])
    found = await reader.offsets_for_times({partition: 1_700_000_004_500})
    equal("offsets for times", found[partition].offset, 5)
    equal("end offsets", (await reader.end_offsets([partition]))[partition], 10)
    await reader.stop()


async def main():
    for part in [codecs, group, commit_and_resume, times]:
        with checking(part.__name__):
            await asyncio.wait_for(part(), 60)


asyncio.run(main())
done()
