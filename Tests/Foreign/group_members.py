# time: 170
"""Members of confluent-kafka, kafka-python and aiokafka in one group, static members that come back without a rebalance, a member that dies
without leaving. Three members of one library with each of its assignors are in matrix.py."""

import os
import signal
import subprocess
import sys

from group_players import SESSION_MS, Aio, Confluent, KafkaPython, describe, make_topic, pause, settle, shared, told
from harness import BOOTSTRAP, check, checking, done, equal, wait_until


def mixed():
    """The range assignor is the same in all three libraries, so that they can share a group, whoever leads."""
    make_topic("t-mixed", records=300)
    players = [kind("g-mixed", "t-mixed", client_id=kind.name) for kind in (Confluent, KafkaPython, Aio)]
    for player in players:
        player.start()
    check("mixed: three libraries share one group", shared(players), told(players))
    check("mixed: every record was read", wait_until(lambda: len({r for p in players for r in p.read}) == 300, 20), told(players))
    leader = players.pop(0)
    check("mixed: the first leaves", leader.stop(), "it did not end")
    check("mixed: the other two take over", shared(players), told(players))
    for player in players:
        player.stop()


def static(kind):
    """A static member restarts within its session: the same partitions, and the other member notices nothing."""
    label, topic, group = f"{kind.name} static", f"t-{kind.name}-static", f"g-{kind.name}-static"
    make_topic(topic, records=60)
    first = kind(group, topic, instance="one", client_id="s1")
    second = kind(group, topic, instance="two", client_id="s2")
    for player in (first, second):
        player.start()
    check(f"{label}: two static members share the partitions", shared([first, second]), told([first, second]))
    equal(f"{label}: described by instance", [m[1] for m in describe(group)[1]], ["one", "two"])
    settle([first, second])
    before, times = second.owned, first.assigned
    second.stop()
    again = kind(group, topic, instance="two", client_id="s2")
    again.start()
    check(f"{label}: back with the same partitions", wait_until(lambda: again.owned == before, 20), told([first, again]))
    pause(1.5)
    equal(f"{label}: nobody else was rebalanced", (first.assigned, describe(group)[0]), (times, "STABLE"))
    again.stop()
    check(f"{label}: gone for longer than its session, it is replaced",
          wait_until(lambda: first.owned == list(range(6)), SESSION_MS / 1000 + 20), told([first]))
    first.stop()


SILENT = """
import sys
sys.path.insert(0, sys.argv[2])
from group_players import Confluent
player = Confluent("g-silent", "t-silent", client_id="silent", bootstrap=sys.argv[1])
player.start()
while True:
    player.join(0.1)
    print(player.owned, flush=True)
"""


def silent():
    """A process that is killed sends no LeaveGroup: its session has to end."""
    make_topic("t-silent")
    player = Confluent("g-silent", "t-silent", client_id="alive")
    player.start()
    check("silent: one member owns all", shared([player]), told([player]))
    victim = subprocess.Popen([sys.executable, "-c", SILENT, BOOTSTRAP, os.path.dirname(os.path.abspath(__file__))], stdout=subprocess.DEVNULL)
    check("silent: the second joins", wait_until(lambda: len(player.owned) == 3, 30), told([player]))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    check("silent: its partitions come back after its session", shared([player], seconds=SESSION_MS / 1000 + 20), told([player]))
    player.stop()


for part in [mixed, lambda: static(Confluent), lambda: static(KafkaPython), silent]:
    with checking("group members"):
        part()
done()
