# time: 120
# broker: none
"""What was changed and acknowledged is there after kill -9 and after a clean stop: topics, partitions, settings, log starts, ids."""

import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType

from harness import Broker, check, checking, done, equal


def wait(futures):
    (future,) = futures.values()
    return future.result(20)


def alter(admin, kind, name, key, value):
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    wait(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=[entry])]))


def setting(admin, kind, name, key):
    return wait(admin.describe_configs([ConfigResource(kind, name)]))[key].value


def picture(broker):
    """All that should outlive a restart."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "as"})
    metadata = admin.list_topics(timeout=20)
    topics = {name: len(topic.partitions) for name, topic in metadata.topics.items() if not name.startswith("__")}
    marks = {n: consumer.get_watermark_offsets(TopicPartition("as-orders", n), 20) for n in range(topics.get("as-orders", 0))}
    consumer.close()
    return {
        "cluster": metadata.cluster_id,
        "topics": topics,
        "marks": marks,
        "topic setting": setting(admin, ResourceType.TOPIC, "as-orders", "retention.ms"),
        "broker setting": setting(admin, ResourceType.BROKER, "1", "log.cleaner.threads"),
    }


broker = Broker()
with checking("changes"):
    broker.start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    wait(admin.create_topics([NewTopic("as-orders", 2, 1)]))
    wait(admin.create_topics([NewTopic("as-gone", 1, 1)]))
    wait(admin.create_partitions([NewPartitions("as-orders", 4)]))
    alter(admin, ResourceType.TOPIC, "as-orders", "retention.ms", "86400000")
    alter(admin, ResourceType.BROKER, "1", "log.cleaner.threads", "3")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
    for n in range(400):
        producer.produce("as-orders", str(uuid.uuid4()), partition=n % 4)
    producer.flush(20)
    wait(admin.delete_records([TopicPartition("as-orders", 1, 40)]))
    wait(admin.delete_topics(["as-gone"]))
    before = picture(broker)
    equal("topics", before["topics"], {"as-orders": 4})
    equal("offsets", before["marks"], {0: (0, 100), 1: (40, 100), 2: (0, 100), 3: (0, 100)})
    equal("settings", (before["topic setting"], before["broker setting"]), ("86400000", "3"))

for how in ["kill -9", "a clean stop", "kill -9 once more"]:
    with checking(f"after {how}"):
        if "stop" in how:
            equal("a clean stop exits with 0", broker.stop(), 0)
        else:
            broker.kill()
        broker.start()
        equal(f"after {how} all is there", picture(broker), before)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        name = "as-" + how.replace(" ", "")
        wait(admin.create_topics([NewTopic(name, 1, 1)]))
        check(f"after {how} topics can be made", name in admin.list_topics(timeout=20).topics)
        wait(admin.delete_topics([name]))
        producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
        failures = []
        producer.produce("as-orders", "more", partition=0, on_delivery=lambda error, _: failures.append(error))
        producer.flush(20)
        equal(f"after {how} producers go on", failures, [None])
        before["marks"][0] = (0, before["marks"][0][1] + 1)

broker.kill()
done()
