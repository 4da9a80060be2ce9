"""Rows about administration: each client's own calls, and another client's eyes on the outcome."""

from .base import Record, expect, same, until
from .rows_consumers import filled, more
from .suite import row


def count(cell, topic):
    """Partitions of a topic as confluent-kafka sees them; 0 where it is not there."""
    found = cell.patiently(lambda: cell.eyes.list_topics(timeout=10).topics)
    return len(found[topic].partitions) if topic in found else 0


class Administrator:
    """A client's admin face. One that has failed is replaced: what it has kept of a broker that died may serve it wrong for minutes."""

    def __init__(self, cell, client):
        self._cell, self._client, self._face = cell, client, None
        cell.patiently(self._open)

    def _open(self):
        self._face = self._face or self._client.admin(self._cell)
        return self._face

    def __getattr__(self, name):
        def call(*words):
            try:
                return getattr(self._open(), name)(*words)
            except Exception:
                stale, self._face = self._face, None
                if stale:
                    stale.close()
                raise
        return call


def admin_of(cell, client):
    return Administrator(cell, client)


@row("admin-topics", "create, list, describe and delete topics")
def topics(cell, client):
    admin = admin_of(cell, client)
    name = cell.name
    admin.create_topic(name, 3, min(3, cell.brokers), {"retention.ms": "60000"})
    same("seen by another", until(lambda: count(cell, name), 10), 3)
    expect(until(lambda: name in cell.patiently(admin.topics), 10), "it is listed")
    same("partitions", cell.patiently(lambda: admin.partitions(name)), 3)
    try:
        admin.create_topic(name, 3, 1, {})
    except Exception as error:  # noqa: BLE001 - each client has its own
        expect("exist" in f"{type(error).__name__} {error}".lower(), "created twice is refused", error)
    else:
        expect(False, "created twice is refused")
    cell.middle()
    cell.patiently(lambda: admin.delete_topic(name) if count(cell, name) else None)
    expect(until(lambda: count(cell, name) == 0, 15), "it is gone")
    admin.close()


@row("admin-partitions", "add partitions")
def partitions(cell, client):
    admin, name = admin_of(cell, client), cell.topic()
    cell.middle()
    cell.patiently(lambda: admin.add_partitions(name, 4) if count(cell, name) != 4 else None)
    same("seen by another", until(lambda: count(cell, name) == 4 and 4, 15), 4)
    admin.close()


@row("admin-configs", "describe, set and reset a topic's configuration")
def configs(cell, client):
    admin, name = admin_of(cell, client), cell.topic(configs={"retention.ms": "60000"})
    same("as created", cell.patiently(lambda: admin.config(name, "retention.ms")), "60000")
    same("a default", cell.patiently(lambda: admin.config(name, "cleanup.policy")), "delete")
    cell.middle()
    cell.patiently(lambda: admin.set_config(name, "retention.ms", "70000"))
    same("set", until(lambda: cell.patiently(lambda: admin.config(name, "retention.ms")) == "70000", 10), True)
    cell.patiently(lambda: admin.unset_config(name, "retention.ms"))
    same("reset", until(lambda: cell.patiently(lambda: admin.config(name, "retention.ms")) == "604800000", 10), True)
    admin.close()


@row("admin-cluster", "describe the cluster")
def cluster(cell, client):
    admin = admin_of(cell, client)
    same("brokers", cell.patiently(admin.brokers), list(range(1, cell.brokers + 1)))
    cell.middle()
    expect(until(lambda: cell.patiently(admin.brokers) == list(range(1, cell.brokers + 1)), 20), "the brokers, all again")
    admin.close()


@row("admin-groups", "list and describe groups")
def groups(cell, client):
    from .confluent import Confluent

    admin, topic, group = admin_of(cell, client), cell.topic(partitions=2), cell.group()
    member = Confluent().join(cell, group, topic, "range")
    expect(until(lambda: member.owned == [0, 1]), "a member owns the topic", member.said())
    # Before the middle: a list is of the brokers that answer.
    expect(until(lambda: group in cell.patiently(admin.groups), 15), "listed")
    cell.middle()
    same("described", until(lambda: (lambda seen: seen if seen == ("stable", 1) else None)(cell.patiently(lambda: admin.group(group))), 15),
         ("stable", 1))
    member.leave()
    same("empty", until(lambda: (lambda seen: seen if seen == ("empty", 0) else None)(cell.patiently(lambda: admin.group(group))), 15),
         ("empty", 0))
    admin.close()


def with_offsets(cell):
    """A group without members that has committed offset 5 of partition 0 of a topic of forty."""
    from .confluent import Confluent

    topic, group = filled(cell), cell.group()
    reader = Confluent().consumer(cell, topic, group=group, partitions={0: 0})
    cell.patiently(lambda: reader.commit({0: 5}))
    reader.close()
    return topic, group


@row("admin-group-offsets", "list a group's offsets")
def group_offsets(cell, client):
    admin, (topic, group) = admin_of(cell, client), with_offsets(cell)
    cell.middle()
    same("committed", cell.patiently(lambda: admin.group_offsets(group, topic)), {0: 5})
    admin.close()


@row("admin-alter-offsets", "reset a group's offsets")
def alter_offsets(cell, client):
    admin, (topic, group) = admin_of(cell, client), with_offsets(cell)
    cell.middle()
    cell.patiently(lambda: admin.alter_offsets(group, topic, {0: 17}))
    same("seen by another", until(lambda: cell.committed(group, topic) == 17 and 17, 15), 17)
    admin.close()


@row("admin-delete-offsets", "delete a group's offsets")
def delete_offsets(cell, client):
    admin, (topic, group) = admin_of(cell, client), with_offsets(cell)
    cell.middle()
    cell.patiently(lambda: admin.delete_offsets(group, topic, [0]))
    same("seen by another", until(lambda: cell.committed(group, topic) is None, 15), True)
    admin.close()


@row("admin-delete-groups", "delete groups")
def delete_groups(cell, client):
    admin, (topic, group) = admin_of(cell, client), with_offsets(cell)
    cell.middle()

    tries = 0

    def delete():
        nonlocal tries
        tries += 1
        try:
            admin.delete_group(group)
        except Exception as error:  # noqa: BLE001 - each client has its own
            # Asked again after an answer that was lost, it may be gone already.
            if tries < 2 or "found" not in f"{type(error).__name__} {error}".lower().replace("_", ""):
                raise

    cell.patiently(delete)
    expect(until(lambda: cell.group_is_gone(group), 15), "gone")
    same("and its offsets", cell.committed(group, topic), None)
    admin.close()


@row("admin-remove-member", "remove a member from a group")
def remove_member(cell, client):
    from .confluent import Confluent

    admin, topic, group = admin_of(cell, client), cell.topic(), cell.group()
    member = Confluent().join(cell, group, topic, "range", "static-1")
    expect(until(lambda: member.owned == [0]), "a static member owns the topic", member.said())
    cell.middle()
    expect(until(lambda: cell.patiently(lambda: admin.group(group)) == ("stable", 1), 15), "it is there")
    member.kill()
    cell.patiently(lambda: admin.remove_member(group, "static-1"))
    expect(until(lambda: cell.patiently(lambda: admin.group(group)) == ("empty", 0), 3), "gone before its session is over")
    admin.close()


@row("admin-delete-records", "delete records before an offset")
def delete_records(cell, client):
    admin, topic = admin_of(cell, client), filled(cell)
    cell.middle()
    cell.patiently(lambda: admin.delete_records(topic, {0: 12}))
    same("the first left", [r.offset for r in client_reader().read(cell, topic, 28)][:1], [12])
    admin.close()


def client_reader():
    from .confluent import Confluent

    return Confluent()


@row("admin-list-offsets", "list offsets: earliest, latest, for a time")
def list_offsets(cell, client):
    from .base import EPOCH

    admin, topic = admin_of(cell, client), filled(cell)
    cell.middle()
    same("offsets", cell.patiently(lambda: admin.list_offsets(topic, EPOCH + 6500)), (0, 40, 7))
    admin.close()


@row("admin-elect-leaders", "elect preferred leaders")
def elect(cell, client):
    admin, topic = admin_of(cell, client), cell.topic()
    cell.middle()
    preferred = cell.eyes.list_topics(topic, timeout=10).topics[topic].partitions[0].replicas[0]

    def leads():
        return cell.patiently(lambda: cell.eyes.list_topics(topic, timeout=10).topics[topic].partitions[0].leader) == preferred

    # Until the broker is back and in sync, its election is refused.
    def elected():
        try:
            admin.elect(topic)
        except Exception as error:  # noqa: BLE001 - each client has its own
            text = f"{type(error).__name__} {error}".lower()
            if not cell.faulty and "needed" not in text:
                raise
        return leads()

    expect(until(elected, 30, 0.3), "the preferred replica leads")
    admin.close()


@row("admin-reassign", "reassign a partition and list it", brokers=3)
def reassign(cell, client):
    admin, topic = admin_of(cell, client), cell.topic(replicas=2)

    def replicas():
        return set(cell.patiently(lambda: cell.eyes.list_topics(topic, timeout=10).topics[topic].partitions[0].replicas))

    before = replicas()
    # The first stays: where brokers die it is the one that will.
    wanted = {1, 2, 3} - (before - {cell.victim or min(before)})
    same("to begin with", len(wanted - before), 1)
    cell.middle()
    cell.patiently(lambda: admin.reassign(topic, {0: sorted(wanted)}))
    expect(until(lambda: replicas() == wanted, 30), "the replicas are as wanted", replicas(), wanted)
    expect(until(lambda: topic not in cell.patiently(admin.reassignments), 15), "nothing is left of it")
    admin.close()


@row("admin-log-dirs", "describe log directories")
def log_dirs(cell, client):
    admin, topic = admin_of(cell, client), filled(cell)
    expect(until(lambda: cell.patiently(lambda: admin.log_size(topic)) > 0, 5), "the topic takes space")
    cell.middle()
    expect(until(lambda: cell.patiently(lambda: admin.log_size(topic)) > 0, 20), "still")
    admin.close()


@row("admin-producers", "describe the producers of a partition")
def producers(cell, client):
    admin, topic = admin_of(cell, client), filled(cell)
    cell.middle()
    same("one that wrote forty", cell.patiently(lambda: admin.producers(topic)), [39])
    admin.close()


@row("admin-quorum", "describe the quorum")
def quorum(cell, client):
    admin = admin_of(cell, client)
    cell.middle()
    same("voters", cell.patiently(admin.voters), list(range(1, cell.brokers + 1)))
    admin.close()


@row("admin-features", "describe features")
def features(cell, client):
    admin = admin_of(cell, client)
    cell.middle()
    expect("metadata.version" in cell.patiently(admin.features), "metadata.version is among them")
    admin.close()


@row("admin-config-resources", "list what has a configuration", needs="ListConfigResources")
def config_resources(cell, client):
    admin, topic = admin_of(cell, client), cell.topic()
    cell.middle()
    expect(topic in cell.patiently(admin.config_resources), "the topic is among them")
    admin.close()


@row("admin-acls", "create, describe and delete ACLs", needs="CreateAcls")
def acls(cell, client):
    admin, topic = admin_of(cell, client), cell.name
    cell.patiently(lambda: admin.create_acl(topic))
    same("described", until(lambda: cell.patiently(lambda: admin.acls(topic)) == ["User:alice"], 10), True)
    cell.middle()
    cell.patiently(lambda: admin.delete_acl(topic))
    same("deleted", until(lambda: cell.patiently(lambda: admin.acls(topic)) == [], 10), True)
    admin.close()


@row("admin-scram", "create, describe and delete SCRAM users", needs="AlterUserScramCredentials")
def scram(cell, client):
    admin, user = admin_of(cell, client), f"user-{cell.name}"
    cell.patiently(lambda: admin.create_user(user))
    same("described", until(lambda: cell.patiently(lambda: admin.users(user)) == ["SCRAM-SHA-256"], 10), True)
    cell.middle()
    cell.patiently(lambda: admin.delete_user(user) if admin.users(user) else None)
    same("deleted", until(lambda: cell.patiently(lambda: admin.users(user)) == [], 10), True)
    admin.close()


@row("admin-transactions", "list and describe transactions, and abort one", needs="ListTransactions")
def transactions(cell, client):
    admin, topic, name = admin_of(cell, client), cell.topic(), cell.transactional_id()
    producer = client.transactional(cell, name)
    cell.patiently(producer.start)
    producer.begin()
    producer.write(topic, [Record(b"v", b"k", partition=0)])
    expect(until(lambda: cell.patiently(lambda: admin.transactions()).get(name) == "Ongoing", 10), "listed")
    cell.middle()
    same("described", until(lambda: cell.patiently(lambda: admin.transaction(name)) == ("Ongoing", [(topic, 0)]), 10), True)
    cell.patiently(producer.commit)
    expect(until(lambda: cell.patiently(lambda: admin.transaction(name))[0] == "CompleteCommit", 10), "complete")
    producer.close()
    admin.close()
