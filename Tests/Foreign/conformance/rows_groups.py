"""Rows about groups: three members of one client with each assignor it has come, go and die; static members come back; KIP-848."""

from .base import expect, same, until
from .rows_consumers import filled, more
from .suite import row

PARTITIONS = 6
ASSIGNORS = ["range", "roundrobin", "sticky", "cooperative-sticky"]
SERVER_SIDE = ["uniform", "server-range"]


def whole(members):
    """Whether the members own each partition once, all of them some."""
    return sorted(sum((m.owned for m in members), [])) == list(range(PARTITIONS)) and all(m.owned for m in members)


def shared(members, what, seconds=40):
    expect(until(lambda: whole(members), seconds), what, [m.owned for m in members], *[m.said() for m in members][:1])


def everything_read(members, gone, count, what):
    """Each record is read by somebody: those that are here, or those that went."""
    def seen():
        return {(p, o) for m in [*members, *gone] for p, o in m.read}

    expect(until(lambda: len(seen()) == PARTITIONS * count, 30), what, len(seen()), PARTITIONS * count)


def turns(cell, client, assignor):
    """One member, three; one leaves, one is killed; the last has all. The coordinator dies while there are three."""
    topic, group = cell.topic(partitions=PARTITIONS), cell.group()
    for partition in range(PARTITIONS):
        more(cell, topic, range(10), partition)
    members, gone = [client.join(cell, group, topic, assignor)], []
    shared(members, "one member owns all")
    members += [client.join(cell, group, topic, assignor) for _ in range(2)]
    shared(members, "three members share")
    cell.middle()
    for partition in range(PARTITIONS):
        more(cell, topic, range(10, 20), partition)
    everything_read(members, gone, 20, "every record is read")
    shared(members, "three members share still")
    gone.append(members.pop())
    expect(gone[-1].leave(), "a member leaves", gone[-1].said())
    shared(members, "the other two take over")
    gone.append(members.pop(0))
    gone[-1].kill()
    shared(members, "the last takes over from one that was killed")
    for partition in range(PARTITIONS):
        more(cell, topic, range(20, 25), partition)
    everything_read(members, gone, 25, "every record is read in the end")
    expect(members[0].leave(), "the last leaves", members[0].said())


for _name in ASSIGNORS + SERVER_SIDE:
    def assigned(cell, client, assignor=_name):
        turns(cell, client, assignor)

    if _name in ASSIGNORS:
        row(f"group-{_name}", f"three members come, leave and die: {_name}")(assigned)
    else:
        row(f"group-{_name}", f"the same, KIP-848: {_name.replace('server-', '')}", needs="ConsumerGroupHeartbeat")(assigned)


@row("group-static", "a static member comes back to what it had, without a rebalance")
def static(cell, client):
    topic, group = cell.topic(partitions=PARTITIONS), cell.group()
    first = client.join(cell, group, topic, "range", "instance-0")
    shared([first], "one member owns all")
    second = client.join(cell, group, topic, "range", "instance-1")
    shared([first, second], "two members share")
    before = first.owned
    cell.middle()
    changes = second.changes
    first.kill()
    again = client.join(cell, group, topic, "range", "instance-0")
    expect(until(lambda: again.owned == before), "it has the same partitions", again.owned, before, again.said())
    same("the other noticed nothing", second.changes, changes)
    expect(again.leave() and second.leave(), "both leave")


@row("group-mixed", "a member of this client shares a group with one of confluent-kafka")
def mixed(cell, client):
    from .confluent import Confluent

    topic, group = cell.topic(partitions=PARTITIONS), cell.group()
    members = [Confluent().join(cell, group, topic, "range")]
    shared(members, "confluent-kafka owns all")
    members.append(client.join(cell, group, topic, "range"))
    shared(members, "the two share")
    cell.middle()
    for partition in range(PARTITIONS):
        more(cell, topic, range(10), partition)
    everything_read(members, [], 10, "every record is read")
    expect(members.pop(0).leave(), "confluent-kafka leaves")
    shared(members, "the other takes over")
    members[0].leave()


@row("share-group", "a share group: three consumers take each record once", needs="ShareGroupHeartbeat")
def share(cell, client):
    topic, group = filled(cell), cell.group()
    cell.middle()
    seen = client.share(cell, group, topic, 40)
    same("each record once", sorted(seen), list(range(40)))
