"""The admin clients of kafka-python and aiokafka behind the face that rows_admin.py uses."""

from aiokafka import TopicPartition as AioPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewPartitions as AioNewPartitions
from aiokafka.admin import NewTopic as AioNewTopic
from aiokafka.admin import RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource as AioResource
from aiokafka.admin.config_resource import ConfigResourceType as AioResourceType
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import (
    ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ConfigResource, ConfigResourceType, MemberToRemove, OffsetSpec,
    ResourcePattern, ResourcePatternFilter, ResourceType)
from kafka.admin import ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion
from kafka.structs import OffsetAndMetadata

from .aio import LOOP, made


class Refused(Exception):
    """An error code in an answer that the client hands out as it is."""


class PythonAdmin:
    def __init__(self, cell):
        self.admin = KafkaAdminClient(
            bootstrap_servers=cell.bootstrap.split(","), request_timeout_ms=15000, reconnect_backoff_max_ms=500, metadata_max_age_ms=2000)

    def close(self):
        self.admin.close()

    def create_topic(self, name, partitions, replicas, configs):
        self.admin.create_topics({name: {"num_partitions": partitions, "replication_factor": replicas, "configs": configs}})

    def delete_topic(self, name):
        self.admin.delete_topics([name])

    def topics(self):
        return self.admin.list_topics()

    def partitions(self, name):
        return len(self.admin.describe_topics([name])[0]["partitions"])

    def add_partitions(self, name, total):
        self.admin.create_partitions({name: total})

    def config(self, name, key):
        found = self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        value = found["topic"][name][key] if "topic" in found else found["TOPIC"][name][key]
        return value["value"] if isinstance(value, dict) else value

    def set_config(self, name, key, value):
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={key: value})])

    def unset_config(self, name, key):
        self.admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=[key])])

    def brokers(self):
        return sorted(b.get("broker_id", b.get("node_id")) for b in self.admin.describe_cluster()["brokers"])

    def groups(self):
        return [g["group_id"] for g in self.admin.list_groups()]

    def group(self, name):
        found = self.admin.describe_groups([name])[name]
        if found.get("error_code"):
            raise Refused(str(found["error_code"]))
        return (found.get("group_state") or found["state"]).lower(), len(found["members"])

    def delete_group(self, name):
        for _, error in self.refusals(self.admin.delete_groups([name])):
            if error:
                raise Refused(error)

    @staticmethod
    def refusals(found):
        """(name, error text or None) of an answer by name."""
        items = found.items() if isinstance(found, dict) else [(f[0], f[1]) for f in found]
        for name, error in items:
            text = getattr(error, "__name__", None) or (str(error) if error else "")
            yield name, None if error is None or text in ("NoError", "OK", "") else text

    def group_offsets(self, group, topic):
        found = self.admin.list_group_offsets({group: None})[group]
        return {p.partition: o.offset for p, o in found.items() if p.topic == topic}

    def alter_offsets(self, group, topic, offsets):
        told = {TopicPartition(topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}
        for _, error in self.refusals(self.admin.alter_group_offsets(group, told)):
            if error:
                raise Refused(error)

    def delete_offsets(self, group, topic, partitions):
        for _, error in self.refusals(self.admin.delete_group_offsets(group, [TopicPartition(topic, p) for p in partitions])):
            if error:
                raise Refused(error)

    def remove_member(self, group, instance):
        self.admin.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])

    def delete_records(self, topic, offsets):
        self.admin.delete_records({TopicPartition(topic, p): o for p, o in offsets.items()})

    def list_offsets(self, topic, stamp):
        where = TopicPartition(topic, 0)
        specs = (OffsetSpec.EARLIEST, OffsetSpec.LATEST, stamp)
        return tuple(self.admin.list_partition_offsets({where: spec})[where].offset for spec in specs)

    def elect(self, topic):
        self.admin.elect_leaders(0, {topic: [0]})

    def reassign(self, topic, replicas):
        for _, error in self.refusals(self.admin.alter_partition_reassignments({TopicPartition(topic, p): r for p, r in replicas.items()})):
            if error:
                raise Refused(error)

    def reassignments(self):
        return [p.topic for p in self.admin.list_partition_reassignments()]

    def log_size(self, topic):
        total = 0

        def add(value):
            nonlocal total
            if isinstance(value, dict):
                total += value.get("partition_size", 0) if isinstance(value.get("partition_size", 0), int) else 0
                for inner in value.values():
                    add(inner)
            elif isinstance(value, (list, tuple)):
                for inner in value:
                    add(inner)

        add(self.admin.describe_log_dirs([topic]))
        return total

    def producers(self, topic):
        where = TopicPartition(topic, 0)
        found = self.admin.describe_producers([where])[where]
        return [p.last_sequence for p in getattr(found, "active_producers", found)]

    def voters(self):
        found = self.admin.describe_metadata_quorum()
        partition = found["topics"][0]["partitions"][0] if "topics" in found else found
        return sorted(v["replica_id"] for v in partition["current_voters"])

    def features(self):
        return self.admin.describe_features()

    def config_resources(self):
        return [name for names in self.admin.list_config_resources(["TOPIC"]).values() for name in names]

    def create_acl(self, topic):
        acl = ACL("User:alice", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, topic))
        found = self.admin.create_acls([acl])
        if found["failed"]:
            raise Refused(str(found["failed"]))

    @staticmethod
    def acl_filter(topic):
        return ACLFilter(
            None, None, ACLOperation.ANY, ACLPermissionType.ANY,
            ResourcePatternFilter(ResourceType.TOPIC, topic, ACLResourcePatternType.LITERAL))

    def acls(self, topic):
        return [a.principal for a in self.admin.describe_acls(self.acl_filter(topic))[0]]

    def delete_acl(self, topic):
        self.admin.delete_acls([self.acl_filter(topic)])

    def create_user(self, user):
        wanted = UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_256, "secret", iterations=4096)
        self.admin.alter_user_scram_credentials([wanted])

    def users(self, user):
        found = self.admin.describe_user_scram_credentials([user]).get(user)
        return [getattr(i["mechanism"], "name", str(i["mechanism"])).replace("_", "-") for i in (found or {}).get("credential_infos", [])]

    def delete_user(self, user):
        self.admin.alter_user_scram_credentials([UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)])

    def transactions(self):
        listed = [t for several in self.admin.list_transactions().values() for t in several]
        return {t.transactional_id: getattr(t.state, "value", t.state) for t in listed}

    def transaction(self, name):
        found = self.admin.describe_transactions([name])[name]
        state = found.state
        return getattr(state, "value", state), sorted((p.topic, p.partition) for p in found.topic_partitions)


class AioAdmin:
    def __init__(self, cell):
        self.admin = LOOP.run(made(AIOKafkaAdminClient, bootstrap_servers=cell.bootstrap, request_timeout_ms=15000))
        LOOP.run(self.admin.start(), 20)

    def ask(self, coroutine):
        return LOOP.run(coroutine, 20)

    def close(self):
        self.ask(self.admin.close())

    @staticmethod
    def refused(errors):
        """`errors`: lists of (name, code, …)."""
        for line in errors:
            if line[1]:
                raise Refused("TopicAlreadyExists" if line[1] == 36 else f"error {line[1]}: {line}")

    def create_topic(self, name, partitions, replicas, configs):
        self.refused(self.ask(self.admin.create_topics([AioNewTopic(name, partitions, replicas, topic_configs=configs)])).topic_errors)

    def delete_topic(self, name):
        self.refused(self.ask(self.admin.delete_topics([name])).topic_error_codes)

    def topics(self):
        return self.ask(self.admin.list_topics())

    def partitions(self, name):
        return len(self.ask(self.admin.describe_topics([name]))[0]["partitions"])

    def add_partitions(self, name, total):
        self.refused(self.ask(self.admin.create_partitions({name: AioNewPartitions(total)})).topic_errors)

    def config(self, name, key):
        for answer in self.ask(self.admin.describe_configs([AioResource(AioResourceType.TOPIC, name)])):
            for resource in answer.resources:
                for entry in resource[4]:
                    if entry[0] == key:
                        return entry[1]
        return None

    def set_config(self, name, key, value):
        self.ask(self.admin.alter_configs([AioResource(AioResourceType.TOPIC, name, configs={key: value})]))

    def unset_config(self, name, key):
        # The old AlterConfigs replaces all of them: what is not named goes back to its default.
        self.ask(self.admin.alter_configs([AioResource(AioResourceType.TOPIC, name, configs={})]))

    def brokers(self):
        return sorted(b.get("node_id", b.get("broker_id")) for b in self.ask(self.admin.describe_cluster())["brokers"])

    def groups(self):
        return [g[0] for g in self.ask(self.admin.list_consumer_groups())]

    def group(self, name):
        found = self.ask(self.admin.describe_consumer_groups([name]))[0].groups[0]
        return found[2].lower(), len(found[5])

    def group_offsets(self, group, topic):
        return {p.partition: o.offset for p, o in self.ask(self.admin.list_consumer_group_offsets(group)).items() if p.topic == topic}

    def delete_records(self, topic, offsets):
        self.ask(self.admin.delete_records({AioPartition(topic, p): RecordsToDelete(o) for p, o in offsets.items()}))
