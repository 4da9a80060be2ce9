"""Our own program's commands, as somebody at a shell uses them."""

import json
import subprocess

import harness

from .base import Client, Failure, Record, halves

LIBRARY_ONLY = (
    "null-keys", "timestamps", "seek", "pause", "positions", "commit-sync", "commit-async", "commit-auto",
    "reset-earliest", "reset-latest", "reset-none", "txn-commit", "txn-abort", "txn-fencing", "txn-offsets", "txn-offsets-abort", "share-group",
    "group-mixed", "group-static", "group-range", "group-roundrobin", "group-sticky", "group-cooperative-sticky", "group-uniform",
    "group-server-range", "acks-0", "idempotent")
NO_COMMAND = ("remove-member", "acls", "scram", "transactions", "config-resources", "log-dirs", "producers", "features", "list-offsets")


class Kastellan(Client):
    name = "kastellan"
    sets = frozenset({"keys", "nulls", "same headers"})
    not_offered = {
        **{name: "the commands tail and produce are no group members and no transactional producers" for name in LIBRARY_ONLY},
        **{f"admin-{name}": "no command" for name in NO_COMMAND},
    }

    def __init__(self):
        found = subprocess.run([harness.PROGRAM, "version"], capture_output=True, text=True, check=False).stdout.split()
        self.version = found[-1] if found else "?"

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        words = ["produce", topic, "-K", "\x01", "-Z", "-z", codec, "--acks", acks, "--timeout", "60000", "-b", cell.bootstrap]
        if records and records[0].partition is not None:
            words += ["-p", str(records[0].partition)]
        for name, value in records[0].headers if records else ():
            words += ["-H", f"{name}={value.decode()}"]
        process = subprocess.Popen(
            [harness.PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def half():
            process.stdin.flush()
            middle()

        for record in halves(records, middle and half):
            process.stdin.write((record.key or b"") + b"\x01" + (record.value or b"") + b"\n")
        try:
            _, error = process.communicate(timeout=70)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure("did not end within 70 s") from None
        if process.returncode != 0:
            raise Failure(f"exit code {process.returncode}: {error.decode()[-300:]}")

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        found = []
        parts = [(p, str(o)) for p, o in offsets.items()] if offsets else [(None, "beginning")]
        for partition, offset in parts:
            words = ["tail", topic, "-o", offset, "-f", "json", "-e", "-n", str(count - len(found)), "--timeout", str(int(seconds * 1000)),
                     "-b", cell.bootstrap]
            if partition is not None:
                words += ["-p", str(partition)]
            if isolation == "read_uncommitted":
                words.append("--uncommitted")
            found += [self.as_record(json.loads(line)) for line in self.ask(*words).splitlines() if line]
        return found[:count]

    @staticmethod
    def as_record(line):
        headers = tuple((name, None if value is None else value.encode()) for name, value in line.get("headers") or [])
        return Record(
            None if line["payload"] is None else line["payload"].encode(), None if line["key"] is None else line["key"].encode(), headers,
            line["ts"] if line["tstype"] == "create" else None, line["partition"], line["offset"])

    def query(self, cell, topic, stamp):
        """The offset of the first record at or after a time."""
        out = self.ask("tail", topic, "-o", f"@{stamp}", "-f", "%o\n", "-e", "-n", "1", "-b", cell.bootstrap)
        return int(out) if out.strip() else None

    @staticmethod
    def ask(*words):
        result = subprocess.run([harness.PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"exit code {result.returncode}: {result.stderr[-300:]}")
        return result.stdout

    def admin(self, cell):
        return Commands(cell)


class Commands:
    """The administration commands behind the face that rows_admin.py uses."""

    def __init__(self, cell):
        self.bootstrap = cell.bootstrap

    def close(self):
        pass

    def do(self, *words):
        return Kastellan.ask(*words, "-b", self.bootstrap)

    def get(self, *words):
        return json.loads(self.do("get", *words, "-o", "json"))

    def create_topic(self, name, partitions, replicas, configs):
        words = [word for key, value in configs.items() for word in ("-c", f"{key}={value}")]
        self.do("topics", "create", name, "-p", str(partitions), "-r", str(replicas), *words)

    def delete_topic(self, name):
        self.do("topics", "delete", name, "--yes")

    def topics(self):
        return [t["topic"] for t in self.get("topics")]

    def partitions(self, name):
        return len(self.get("partitions", name))

    def add_partitions(self, name, total):
        self.do("topics", "alter", name, "-p", str(total), "--yes")

    def config(self, name, key):
        return {c["key"]: c["value"] for c in self.get("configs", name)}.get(key)

    def set_config(self, name, key, value):
        self.do("topics", "alter", name, "--set", f"{key}={value}", "--yes")

    def unset_config(self, name, key):
        self.do("topics", "alter", name, "--unset", key, "--yes")

    def brokers(self):
        return sorted(b["broker"] for b in self.get("brokers"))

    def groups(self):
        return [g["group"] for g in self.get("groups")]

    def group(self, name):
        found = {g["group"]: g for g in self.get("groups")}[name]
        return found["state"].lower(), found["members"]

    def delete_group(self, name):
        self.do("groups", "delete", name, "--yes")

    def group_offsets(self, group, topic):
        rows = json.loads(self.do("groups", "describe", group, "--offsets", "-o", "json"))
        return {r["partition"]: r["currentOffset"] for r in rows if r["topic"] == topic}

    def alter_offsets(self, group, topic, offsets):
        for partition, offset in offsets.items():
            self.do("groups", "reset-offsets", group, "-t", f"{topic}:{partition}", "--to-offset", str(offset), "--execute")

    def delete_offsets(self, group, topic, partitions):
        try:
            self.do("groups", "delete-offsets", group, "--topic", topic, "--yes")
        except Failure as error:
            # Asked again after an answer that was lost, they may be gone already.
            if "no commits for topic" not in str(error):
                raise

    def delete_records(self, topic, offsets):
        for partition, offset in offsets.items():
            self.do("topics", "trim", topic, "--before", str(offset), "-p", str(partition), "--yes")

    def elect(self, topic):
        self.do("leaders", "elect", topic, "--yes")

    def reassign(self, topic, replicas):
        for partition, brokers in replicas.items():
            self.do("reassign", "start", f"{topic}:{partition}", "--brokers", ",".join(map(str, brokers)), "--yes")

    def reassignments(self):
        return [r["topic"] for r in self.get("reassignments")]

    def voters(self):
        return sorted(r["node"] for r in self.get("quorum") if r.get("role") != "observer")
