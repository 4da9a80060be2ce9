#!/usr/bin/env python3
# broker: none
# time: 780
"""Runs the conformance matrix (conformance/): every behaviour with every client, on one broker, on three, and on three while the broker that
leads and coordinates is killed and started again in the middle.

    matrix.py [--topologies one,three,faults] [--rows NAME,…] [--clients NAME,…] [--out FILE] [--write README.md]

--write puts what was run into the table: all of it, or the cells of those rows and clients.

KASTELLAN_CONFORMANCE=full runs each cell on each topology; otherwise each runs on one of them, in turn, so that every row is run and
every client meets every topology. KASTELLAN_FRAGILE=1 runs also what a client is known not to bear while brokers die. A feature that the broker does not have (ApiVersions lacks its API) is left out, unless PRESENT names it.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import queue
import subprocess
import sys
import threading
import time

import harness
import kafka_codec
from cluster import Cluster
from conformance import page, rows_admin, rows_consumers, rows_groups, rows_records, rows_transactions  # noqa: F401 - they fill ROWS
from conformance.__main__ import CLIENTS
from conformance.base import CODECS
from conformance.suite import ROWS
from semantics_probe import Probe
from confluent_kafka import ElectionType
from confluent_kafka.admin import AdminClient

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "..", "..", "README.md")
TOPOLOGIES = {"one": 1, "three": 3, "faults": 3}
# APIs that are there: a broker that no longer has one fails the run instead of being asked less.
PRESENT = {"CreateAcls", "AddPartitionsToTxn", "ListTransactions", "ConsumerGroupHeartbeat", "AlterUserScramCredentials"}
FRAGILE = bool(os.environ.get("KASTELLAN_FRAGILE"))
WIDTH = 6  # rows of one client at once
SETTINGS = {
    "group.min.session.timeout.ms": "1000", "num.partitions": "3",
    "group.consumer.min.session.timeout.ms": "1000", "group.consumer.session.timeout.ms": "4000",
    "group.consumer.min.heartbeat.interval.ms": "100", "group.consumer.heartbeat.interval.ms": "300",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "allow.everyone.if.no.acl.found": "true",
}


def log(text):
    if os.environ.get("VERBOSE"):
        print(f"# {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def topologies_of(row, client, wanted, full):
    """Where a cell is run. Rows that read what others wrote stay together."""
    able = [t for t in wanted if TOPOLOGIES[t] >= ROWS[row].brokers and (
        t != "faults" or (ROWS[row].bears and (FRAGILE or row not in CLIENTS[client].fragile)))]
    if full or len(able) < 2:
        return able
    if row.startswith(("produce-", "read-")):
        return [able[CODECS.index(row.split("-")[1]) % len(able)]]
    return [able[(list(ROWS).index(row) + list(CLIENTS).index(client)) % len(able)]]


def victim_of(row):
    if row.startswith(("produce-", "read-")):
        return 1 + CODECS.index(row.split("-")[1]) % 3
    return 1 + list(ROWS).index(row) % 3


class Column:
    """One client's process on one topology."""

    def __init__(self, name, cluster, brokers, everyone, outcomes):
        self.name, self.outcomes = name, outcomes
        self.waiting, self.running = set(), set()
        self.directory = os.path.join(cluster.directory, f"client-{name}")
        os.makedirs(self.directory, exist_ok=True)
        self.command = [
            sys.executable, "-m", "conformance", name, cluster.bootstrap, str(brokers), self.directory, str(WIDTH), *everyone]
        self.launch()

    def launch(self):
        with open(os.path.join(self.directory, "stderr.txt"), "ab") as errors:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=HERE,
                env={**os.environ, "KASTELLAN_PROGRAM": harness.PROGRAM})
        threading.Thread(target=self.listen, args=(self.process,), daemon=True).start()

    def listen(self, process):
        for line in process.stdout:
            event = json.loads(line)
            if "middle" in event:
                self.waiting.add(event["middle"])
            else:
                self.outcomes.put((self.name, event))
                self.running.discard(event["row"])
                self.waiting.discard(event["row"])

    def begin(self, rows, victim, suffix):
        self.running = set(rows)
        self.waiting = set()
        self.order({"round": list(rows), "victim": victim, "suffix": suffix})

    def order(self, what):
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def give_up(self):
        """What still runs has failed; the process is replaced, for threads cannot be ended."""
        ended = self.process.poll()
        why = f"its process ended with {ended}" if ended is not None else "it did not end in its time"
        for row in sorted(self.running):
            self.outcomes.put((self.name, {"row": row, "ok": False, "why": why, "seconds": 0}))
        self.running = set()
        self.process.kill()
        self.process.wait()
        self.launch()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Topology:
    def __init__(self, name, cells, apis):
        self.apis = apis
        self.name, self.brokers, self.cells = name, TOPOLOGIES[name], cells  # cells: {client: [row]}
        self.outcomes = queue.Queue()

    def run(self):
        """Everything, in rounds; {row: {client: outcome}}."""
        found = {}
        directory = os.path.join(harness.TMP, self.name)
        replicas = min(3, self.brokers)
        # Where nobody is to die, a busy machine is not to be taken for a death.
        calm = {} if self.name == "faults" else {"broker.session.timeout.ms": "6000", "controller.quorum.fetch.timeout.ms": "3000"}
        settings = {**SETTINGS, **calm, "offsets.topic.replication.factor": replicas, "default.replication.factor": replicas}
        with Cluster(self.brokers, settings, directory) as cluster:
            self.cluster = cluster
            self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0, "topic.metadata.refresh.interval.ms": 1000})
            self.prepare()
            columns = {name: Column(name, cluster, self.brokers, list(self.cells), self.outcomes) for name in self.cells}
            try:
                for rows, victim in self.rounds():
                    self.round(columns, rows, victim)
                self.collect(found)
                for row, client in [(r, c) for r, clients in found.items() for c, event in clients.items() if not event["ok"]]:
                    self.once_more(columns, row, client, found[row][client]["why"])
            finally:
                for column in columns.values():
                    column.close()
                self.admin = None  # While its brokers are there: later it would hold up the end of this process for forty seconds.
            self.crashes = cluster.crashes()
            self.stops = [node.stop() for node in cluster.nodes]
        self.collect(found)
        return found

    def collect(self, found):
        while not self.outcomes.empty():
            client, event = self.outcomes.get()
            found.setdefault(event["row"], {})[client] = event

    def once_more(self, columns, row, client, why):
        """Clients have races of their own (kafka-python may lose the answer to its SyncGroup). A cell that failed among others is told of and
        run again by itself; what fails twice has failed."""
        if row.startswith(("produce-", "read-")):
            return  # Others read what it wrote.
        print(f"# {self.name}: {row}, {client}, again after: {why[:300]}", flush=True)
        self.round(columns, {client: [row]}, victim_of(row) if self.name == "faults" else None, "-again")

    def prepare(self):
        """The topics of the coordinators, so that cells can look up what a broker coordinates."""
        probe = Probe(self.cluster.bootstrap)

        def there(version, body):
            return probe.call("FindCoordinator", version, body)["ErrorCode"] == 0

        harness.wait_until(lambda: there(1, {"Key": "first", "KeyType": 0}), 20)
        if "AddPartitionsToTxn" in self.apis:
            harness.wait_until(lambda: there(1, {"Key": "first", "KeyType": 1}), 20)

    def rounds(self):
        """({client: [row]}, victim). Without faults as many at once as a client is wide; with them, rows of one victim together."""
        for phase in (1, 2):
            rows = {c: [r for r in names if ROWS[r].phase == phase] for c, names in self.cells.items()}
            if self.name != "faults":
                yield rows, None
                continue
            for victim in (1, 2, 3):
                mine = {c: [r for r in names if victim_of(r) == victim] for c, names in rows.items()}
                while any(mine.values()):
                    yield {c: names[:WIDTH] for c, names in mine.items()}, victim
                    mine = {c: names[WIDTH:] for c, names in mine.items()}

    def round(self, columns, rows, victim, suffix=""):
        taking_part = {columns[c]: names for c, names in rows.items() if names}
        if not taking_part:
            return
        log(f"{self.name}: {victim} {sum(map(len, rows.values()))} cells")
        if victim is not None:
            self.settle()
        for column, names in taking_part.items():
            column.begin(names, victim, suffix)
        limit = 150 if victim is not None else 60 + 30 * max(map(len, rows.values()))
        end = time.monotonic() + limit
        if victim is not None:
            # Everybody in the middle, or through already.
            harness.wait_until(lambda: all(c.running <= c.waiting for c in taking_part), 60)
            log(f"{self.name}: kill {victim}; waiting: {sum(len(c.waiting) for c in taking_part)}, "
                f"not: {[(c.name, c.running - c.waiting) for c in taking_part if c.running - c.waiting]}")
            node = self.cluster.node(victim)
            node.kill()
            for column in taking_part:
                column.order({"go": True})
            time.sleep(1.0)  # How long it stays away: leaders and coordinators have changed by then, and clients are finding out.
            node.start()
            node.wait_ready()
        harness.wait_until(lambda: not any(c.running and c.process.poll() is None for c in taking_part), max(5, end - time.monotonic()))
        for column in taking_part:
            if column.running:
                column.give_up()

    def settle(self):
        """All replicas in sync and the first of them leading, as at the start."""
        def well():
            return all(
                len(p.isrs) == len(p.replicas) for t in self.admin.list_topics(timeout=10).topics.values() for p in t.partitions.values())

        def preferred():
            self.admin.elect_leaders(ElectionType.PREFERRED).result(15)
            return all(p.leader == p.replicas[0] for t in self.admin.list_topics(timeout=10).topics.values() for p in t.partitions.values())

        harness.wait_until(lambda: quiet(well), 30, 0.1)
        harness.wait_until(lambda: quiet(preferred), 30, 0.2)


def quiet(action):
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - brokers come and go; it is asked again
        log(f"{type(error).__name__} {error}")
        return None


def present_apis(program_cluster):
    """Names of the APIs that the broker has, asked with a codec that is not ours."""
    probe = Probe(program_cluster.bootstrap)
    keys = {schema["apiKey"]: name for name, schema in kafka_codec.REQUESTS.items()}
    return {keys[k] for k in probe.versions if k in keys}


def chosen(arguments, apis):
    """{topology: {client: [row]}} and the rows that take part."""
    full = os.environ.get("KASTELLAN_CONFORMANCE") == "full"
    rows = [r for r in ROWS.values() if r.needs is None or r.needs in apis]
    if arguments.rows:
        rows = [r for r in rows if any(r.name.startswith(name) for name in arguments.rows.split(","))]
    clients = arguments.clients.split(",") if arguments.clients else list(CLIENTS)
    made = {c: CLIENTS[c]() for c in clients}
    plan = {t: {c: [] for c in clients} for t in arguments.topologies.split(",")}
    for row in rows:
        for client in clients:
            if not made[client].lacks(row.name):
                for topology in topologies_of(row.name, client, list(plan), full):
                    plan[topology][client].append(row.name)
    return plan, rows, clients


def side_by_side(topologies):
    """(topology, what its run found), in their order. Faults take as long as the others together, mostly in waiting: they have a lane of their
    own."""
    def run(topology):
        started = time.monotonic()
        found = topology.run()
        topology.seconds = time.monotonic() - started
        return found

    with concurrent.futures.ThreadPoolExecutor(1) as calm, concurrent.futures.ThreadPoolExecutor(1) as rough:
        running = [(t, (rough if t.name == "faults" else calm).submit(run, t)) for t in topologies]
        for topology, run_of_it in running:
            yield topology, run_of_it.result()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--topologies", default=",".join(TOPOLOGIES))
    parser.add_argument("--rows")
    parser.add_argument("--clients")
    parser.add_argument("--out")
    parser.add_argument("--write")
    arguments = parser.parse_args([a for a in sys.argv[1:] if a])
    for client in CLIENTS.values():
        unknown = set(client.not_offered) - set(ROWS)
        harness.check(f"what {client.name} does not offer are rows of the suite", not unknown, unknown)
    with Cluster(1, SETTINGS, os.path.join(harness.TMP, "probe")) as cluster:
        apis = present_apis(cluster)
    harness.check("the broker has what the suite is written for", PRESENT <= apis, PRESENT - apis)
    plan, rows, clients = chosen(arguments, apis)
    cells = collections.defaultdict(lambda: collections.defaultdict(dict))
    for topology, found in side_by_side([Topology(name, part, apis) for name, part in plan.items()]):
        name = topology.name
        for row, outcomes in found.items():
            for client, outcome in outcomes.items():
                cells[row][client][name] = {k: outcome[k] for k in ("ok", "why", "seconds")}
                harness.check(f"{name}: {row}, {client}", outcome["ok"], outcome["why"])
        harness.check(f"{name}: no broker ended by itself", not topology.crashes, topology.crashes[:2])
        harness.check(f"{name}: brokers stop cleanly", set(topology.stops) == {0}, topology.stops)
        print(f"# {name}: {topology.seconds:.1f} s", flush=True)
    results = {
        "rows": [{"name": r.name, "title": r.title} for r in rows], "cells": cells,
        "clients": {c: CLIENTS[c]().version for c in clients},
        "awaited": sorted({r.needs for r in ROWS.values() if r.needs and r.needs not in apis}),
    }
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    if arguments.write:
        page.write(arguments.write, results, everything=not arguments.rows and not arguments.clients)
    elif not arguments.rows and not arguments.clients:
        wrong = list(page.contradictions(README, results))
        harness.check("the README's table says what this run says", not wrong, "; ".join(wrong))
    harness.done()


if __name__ == "__main__":
    main()
