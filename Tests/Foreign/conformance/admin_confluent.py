"""confluent-kafka's admin client behind the face that rows_admin.py uses."""

from confluent_kafka import ConsumerGroupTopicPartitions, ElectionType, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions,
    NewTopic, OffsetSpec, ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism, UserScramCredentialDeletion,
    UserScramCredentialUpsertion)

from .base import PATIENCE


class ConfluentAdmin:
    def __init__(self, cell):
        self.admin = AdminClient({"bootstrap.servers": cell.bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500})

    def close(self):
        pass

    def create_topic(self, name, partitions, replicas, configs):
        self.admin.create_topics([NewTopic(name, partitions, replicas, config=configs)])[name].result(PATIENCE)

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(PATIENCE)

    def topics(self):
        return list(self.admin.list_topics(timeout=10).topics)

    def partitions(self, name):
        return len(self.admin.describe_topics(TopicCollection([name]), request_timeout=PATIENCE)[name].result(PATIENCE).partitions)

    def add_partitions(self, name, total):
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(PATIENCE)

    def config(self, name, key):
        resource = ConfigResource(ResourceType.TOPIC, name)
        return self.admin.describe_configs([resource], request_timeout=PATIENCE)[resource].result(PATIENCE)[key].value

    def change(self, name, key, value, operation):
        entry = ConfigEntry(key, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
        self.admin.incremental_alter_configs([resource], request_timeout=PATIENCE)[resource].result(PATIENCE)

    def set_config(self, name, key, value):
        self.change(name, key, value, AlterConfigOpType.SET)

    def unset_config(self, name, key):
        self.change(name, key, None, AlterConfigOpType.DELETE)

    def brokers(self):
        return sorted(n.id for n in self.admin.describe_cluster(request_timeout=PATIENCE).result(PATIENCE).nodes)

    def groups(self):
        return [g.group_id for g in self.admin.list_consumer_groups(request_timeout=PATIENCE).result(PATIENCE).valid]

    def group(self, name):
        found = self.admin.describe_consumer_groups([name], request_timeout=PATIENCE)[name].result(PATIENCE)
        return found.state.name.lower(), len(found.members)

    def delete_group(self, name):
        self.admin.delete_consumer_groups([name], request_timeout=PATIENCE)[name].result(PATIENCE)

    def group_offsets(self, group, topic):
        request = [ConsumerGroupTopicPartitions(group)]
        found = self.admin.list_consumer_group_offsets(request, request_timeout=PATIENCE)[group].result(PATIENCE)
        return {p.partition: p.offset for p in found.topic_partitions if p.topic == topic}

    def alter_offsets(self, group, topic, offsets):
        request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, o) for p, o in offsets.items()])
        done = self.admin.alter_consumer_group_offsets([request], request_timeout=PATIENCE)[group].result(PATIENCE)
        for partition in done.topic_partitions:
            if partition.error:
                raise KafkaException(partition.error)

    def delete_records(self, topic, offsets):
        before = [TopicPartition(topic, p, o) for p, o in offsets.items()]
        for future in self.admin.delete_records(before, request_timeout=PATIENCE).values():
            future.result(PATIENCE)

    def list_offsets(self, topic, stamp):
        partition = TopicPartition(topic, 0)

        def at(spec):
            return self.admin.list_offsets({partition: spec}, request_timeout=PATIENCE)[partition].result(PATIENCE).offset

        return at(OffsetSpec.earliest()), at(OffsetSpec.latest()), at(OffsetSpec.for_timestamp(stamp))

    def elect(self, topic):
        # Without a time-out: confluent-kafka 2.16.1 fails on its own argument.
        for error in self.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)]).result(PATIENCE).values():
            if error is not None:
                raise KafkaException(error)

    def create_acl(self, topic):
        acl = AclBinding(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW)
        self.admin.create_acls([acl], request_timeout=PATIENCE)[acl].result(PATIENCE)

    @staticmethod
    def acl_filter(topic):
        return AclBindingFilter(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, None, None, AclOperation.ANY, AclPermissionType.ANY)

    def acls(self, topic):
        return [a.principal for a in self.admin.describe_acls(self.acl_filter(topic), request_timeout=PATIENCE).result(PATIENCE)]

    def delete_acl(self, topic):
        for future in self.admin.delete_acls([self.acl_filter(topic)], request_timeout=PATIENCE).values():
            future.result(PATIENCE)

    def create_user(self, user):
        wanted = UserScramCredentialUpsertion(user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"secret", b"salt")
        self.admin.alter_user_scram_credentials([wanted], request_timeout=PATIENCE)[user].result(PATIENCE)

    def users(self, user):
        try:
            found = self.admin.describe_user_scram_credentials([user], request_timeout=PATIENCE)[user].result(PATIENCE)
        except KafkaException as error:
            if error.args[0].name() == "RESOURCE_NOT_FOUND":
                return []
            raise
        return [i.mechanism.name.replace("_", "-") for i in found.scram_credential_infos]

    def delete_user(self, user):
        unwanted = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)
        self.admin.alter_user_scram_credentials([unwanted], request_timeout=PATIENCE)[user].result(PATIENCE)
