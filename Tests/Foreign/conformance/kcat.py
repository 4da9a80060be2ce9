"""kcat 1.7.1, on librdkafka 2.0.2."""

import json
import re
import signal
import subprocess
import time

from .base import SESSION_MS, Client, Failure, Member, Reader, Record, halves

NOT_IN_KCAT = (
    "null-keys", "timestamps", "seek", "pause", "positions", "commit-sync", "commit-async", "reset-none",
    "txn-commit", "txn-abort", "txn-fencing", "txn-offsets", "txn-offsets-abort", "group-static", "group-uniform",
    "group-server-range", "share-group", "group-sticky")
QUICK = ["-X", "reconnect.backoff.max.ms=500", "-X", "topic.metadata.refresh.interval.ms=2000"]


def version():
    out = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"Version (\S+) ", out.stdout + out.stderr)
    return found.group(1) if found else "?"


class KcatMember(Member):
    """Standard error tells what it was assigned, standard output what it read."""

    def __init__(self, command, cell):
        super().__init__(["sh", "-c", 'exec "$0" "$@" 2>&1', *command], cell)

    def take(self, line):
        told = re.match(r"% Group .*\): (.*)$", line)
        if told:
            # "assigned: t [0], t [1]", "revoked: …"; the cooperative form says before the colon whether it adds or takes away.
            partitions = {int(p) for p in re.findall(r"\[(\d+)\]", told.group(1))}
            if "incremental assignment" in line:
                partitions |= set(self.owned)
            elif "revoke" in line:
                partitions = set(self.owned) - partitions
            self.owned = sorted(partitions)
            self.changes += 1
        elif found := re.match(r"READ (\d+) (\d+)$", line):
            self.read.add((int(found.group(1)), int(found.group(2))))

    def leave(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False


class KcatReader(Reader):
    """`kcat -G`: shows where it reads, and what."""

    def __init__(self, client, cell, topic, group, reset):
        self.member, self.told = client.join(cell, group, topic, "range", reset=reset), 0

    def poll(self, seconds):
        time.sleep(seconds)
        found = sorted(self.member.read)[self.told:]
        self.told += len(found)
        return [Record(None, partition=p, offset=o) for p, o in found]

    def assignment(self):
        return self.member.owned

    def close(self):
        self.member.leave()


class Listing:
    """`kcat -L`."""

    def __init__(self, cell):
        self.bootstrap = cell.bootstrap

    def brokers(self):
        out = subprocess.run(["kcat", "-L", "-J", "-b", self.bootstrap], capture_output=True, text=True, timeout=30, check=True).stdout
        return sorted(b["id"] for b in json.loads(out)["brokers"])

    def close(self):
        pass


class Kcat(Client):
    name = "kcat"
    sets = frozenset({"keys", "nulls", "same headers"})
    not_offered = {name: "kcat has no such command" for name in NOT_IN_KCAT}

    def __init__(self):
        self.version = version()

    def lacks(self, row):
        # It administers nothing; -L shows the cluster.
        return row in self.not_offered or (row.startswith("admin-") and row != "admin-cluster")

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        words = ["kcat", "-P", "-b", cell.bootstrap, "-t", topic, "-z", codec, "-K", "\x01", "-Z", *QUICK, "-X", "message.timeout.ms=60000",
                 "-X", f"acks={acks}", "-X", f"enable.idempotence={'true' if idempotent else 'false'}", "-X", "linger.ms=10"]
        if records and records[0].partition is not None:
            words += ["-p", str(records[0].partition)]
        for name, value in records[0].headers if records else ():
            words += ["-H", f"{name}={value.decode()}"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def half():
            process.stdin.flush()
            time.sleep(0.3)  # What was written is on its way; nothing tells when it has arrived.
            middle()

        for record in halves(records, middle and half):
            process.stdin.write((record.key or b"") + b"\x01" + (record.value or b"") + b"\n")
        try:
            _, error = process.communicate(timeout=70)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure("kcat did not end within 70 s") from None
        if process.returncode != 0:
            raise Failure(f"kcat: exit code {process.returncode}: {error.decode()[-300:]}")

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        found = []
        parts = [(p, str(o)) for p, o in offsets.items()] if offsets else [(None, "beginning")]
        for partition, offset in parts:
            left = count - len(found)
            words = ["kcat", "-C", "-b", cell.bootstrap, "-t", topic, "-o", offset, "-J", "-u", "-e", "-q", "-X", f"isolation.level={isolation}",
                     "-X", "check.crcs=true", *QUICK, "-c", str(left)]
            if partition is not None:
                words += ["-p", str(partition)]
            out = subprocess.run(["timeout", str(int(seconds)), *words], capture_output=True, check=False).stdout
            found += [self.as_record(json.loads(line)) for line in out.splitlines() if line]
        return found[:count]

    @staticmethod
    def as_record(line):
        pairs = line.get("headers") or []
        headers = tuple((pairs[i], pairs[i + 1].encode() if pairs[i + 1] is not None else None) for i in range(0, len(pairs), 2))
        return Record(
            None if line["payload"] is None else line["payload"].encode(), None if line["key"] is None else line["key"].encode(), headers,
            line["ts"] if line["tstype"] == "create" else None, line["partition"], line["offset"])

    def join(self, cell, group, topic, assignor, instance=None, reset="earliest"):
        return KcatMember(
            ["kcat", "-b", cell.bootstrap, "-G", group, topic, "-u", "-f", "READ %p %o\n", "-X", f"auto.offset.reset={reset}", *QUICK,
             "-X", f"partition.assignment.strategy={assignor}", "-X", f"session.timeout.ms={SESSION_MS}", "-X", "heartbeat.interval.ms=300"], cell)

    def consumer(self, cell, topic, group=None, reset="earliest", **_):
        return KcatReader(self, cell, topic, group, reset)

    def admin(self, cell):
        return Listing(cell)

    def query(self, cell, topic, stamp):
        """The offset for a time, as `kcat -Q` prints it."""
        out = subprocess.run(
            ["kcat", "-Q", "-b", cell.bootstrap, "-t", f"{topic}:0:{stamp}", *QUICK], capture_output=True, text=True, timeout=30, check=False)
        found = re.search(r"offset (-?\d+)", out.stdout)
        if not found:
            raise RuntimeError(f"{out.stdout} {out.stderr}"[:300])
        return None if int(found.group(1)) < 0 else int(found.group(1))
