#!/usr/bin/env python3
"""Checks a Kafka data directory by the rules that Kafka's own dump tool and start-up apply. Standard library only, and none of our code.

    check_log_dir.py DIRECTORY [--unclean]

DIRECTORY is a broker's data directory (with meta.properties) or one partition's directory. Every fault is a line on standard output; the
exit code is 0 without faults, 1 with some, 2 where there was nothing to check. --unclean allows what a crash may leave: a torn tail of the
last segment, and indexes of it that are missing or longer than their entries.
"""

import gzip
import json
import os
import re
import struct
import sys

HEADER = struct.Struct(">qiibIhiqqqhii")
SEGMENT = re.compile(r"^(\d{20})\.(log|index|timeindex|txnindex|snapshot)$")
PARTITION = re.compile(r"^(.+)-(0|[1-9]\d*)$")


def crc32c_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("varint is too long")


class Fault(Exception):
    pass


class Batch:
    """A record batch of magic 2, checked as far as its bytes go."""

    def __init__(self, data, position):
        if len(data) - position < 61:
            raise Fault("ends within a batch header")
        fields = HEADER.unpack_from(data, position)
        (self.base, self.length, self.epoch, self.magic, self.crc, self.attributes, self.delta, self.base_time, self.max_time,
         self.producer, self.producer_epoch, self.sequence, self.count) = fields
        self.position = position
        self.size = self.length + 12
        if self.magic != 2:
            raise Fault(f"magic is {self.magic}")
        if self.length < 49:
            raise Fault(f"length is {self.length}")
        if len(data) - position < self.size:
            raise Fault("ends within a batch")
        self.body = data[position + 21:position + self.size]
        if crc32c(self.body) != self.crc:
            raise Fault("checksum is wrong")
        self.last = self.base + self.delta
        self.control = bool(self.attributes & 0x20)
        self.transactional = bool(self.attributes & 0x10)
        self.codec = self.attributes & 7
        self.records = self.read_records(data[position + 61:position + self.size])

    def payload(self, packed):
        if self.codec == 0:
            return packed
        if self.codec == 1:
            return gzip.decompress(packed)
        return None  # snappy, lz4 and zstd are not in the standard library

    def read_records(self, packed):
        """(offset, timestamp, key, value) of each record, or None where the codec is not at hand."""
        data = self.payload(packed)
        if data is None:
            return None
        records = []
        at = 0
        for index in range(self.count):
            length, at = varint(data, at)
            end = at + length
            if length <= 0 or end > len(data):
                raise Fault(f"record {index} has length {length}")
            at += 1
            time_delta, at = varint(data, at)
            offset_delta, at = varint(data, at)
            fields = []
            for _ in range(2):
                size, at = varint(data, at)
                fields.append(None if size < 0 else bytes(data[at:at + size]))
                at += max(size, 0)
            headers, at = varint(data, at)
            for _ in range(headers):
                for _ in range(2):
                    size, at = varint(data, at)
                    at += max(size, 0)
            if at != end:
                raise Fault(f"record {index} does not end where its length says")
            time = self.max_time if self.attributes & 8 else self.base_time + time_delta
            records.append((self.base + offset_delta, time, fields[0], fields[1]))
        if at != len(data):
            raise Fault("bytes behind the last record")
        if records and records[-1][0] > self.last:
            raise Fault("a record lies behind the last offset")
        if any(a[0] >= b[0] for a, b in zip(records, records[1:])):
            raise Fault("offsets within the batch do not ascend")
        return records

    def newest(self):
        return self.max_time if self.records is None else max((r[1] for r in self.records), default=-1)


class Partition:
    def __init__(self, path, unclean, faults):
        self.path, self.unclean, self.faults = path, unclean, faults
        self.files = {}
        for name in sorted(os.listdir(path)):
            match = SEGMENT.match(name)
            if match:
                self.files.setdefault(match.group(2), {})[int(match.group(1))] = os.path.join(path, name)
            elif name.endswith((".deleted", ".swap", ".cleaned", ".tmp")) and not unclean:
                self.fault(name, "is left over")
        self.batches = 0
        self.end = None
        self.epochs = []
        self.aborted = []

    def fault(self, name, text):
        self.faults.append(f"{os.path.join(self.path, name)}: {text}")

    def read(self, kind, base):
        with open(self.files[kind][base], "rb") as file:
            return file.read()

    def check(self):
        logs = sorted(self.files.get("log", {}))
        if not logs:
            # A log that never had a record: Kafka makes the first segment when it opens such a directory.
            for kind, found in self.files.items():
                for base in found:
                    self.fault(f"{base:020}.{kind}", "belongs to no segment")
            self.end = 0
            return self.check_metadata()
        previous = None
        for base in logs:
            is_last = base == logs[-1]
            batches = self.check_log(base, previous, is_last)
            if batches:
                previous = batches[-1].last
            self.check_index(base, batches, is_last)
            self.check_time_index(base, batches, is_last)
        self.end = logs[-1] if previous is None else max(previous + 1, logs[-1])
        self.check_transactions(logs)
        self.check_snapshots()
        for kind in ("index", "timeindex", "txnindex"):
            for base in set(self.files.get(kind, {})) - set(logs):
                self.fault(f"{base:020}.{kind}", "belongs to no segment")
        self.check_epochs()
        self.check_metadata()

    def check_log(self, base, previous, is_last):
        name = f"{base:020}.log"
        data = self.read("log", base)
        at, batches = 0, []
        while at < len(data):
            try:
                batch = Batch(data, at)
            except (Fault, IndexError, ValueError, OSError, EOFError) as fault:
                if not (is_last and self.unclean):
                    self.fault(name, f"at {at}: {fault}")
                break
            least = base if previous is None and not batches else (batches[-1].last if batches else previous) + 1
            if batch.base < least:
                self.fault(name, f"at {at}: base offset {batch.base} where {least} is the least")
            if batch.base < base:
                self.fault(name, f"at {at}: base offset {batch.base} lies before the segment")
            if batch.delta < 0 or batch.count < 0 or batch.count > batch.delta + 1:
                self.fault(name, f"at {at}: count {batch.count} and last offset delta {batch.delta}")
            if batch.records is not None and batch.records and not batch.attributes & 0x48 and batch.newest() != batch.max_time:
                self.fault(name, f"at {at}: largest timestamp {batch.max_time}, of the records {batch.newest()}")
            if batch.producer >= 0 and not batch.control and batch.sequence < 0:
                self.fault(name, f"at {at}: producer {batch.producer} without a sequence")
            self.note(batch)
            batches.append(batch)
            at += batch.size
        self.batches += len(batches)
        return batches

    def note(self, batch):
        if not self.epochs or self.epochs[-1][0] != batch.epoch:
            if self.epochs and self.epochs[-1][0] > batch.epoch:
                self.fault("", f"leader epoch falls to {batch.epoch} at {batch.base}")
            self.epochs.append((batch.epoch, batch.base))

    def check_index(self, base, batches, is_last):
        name = f"{base:020}.index"
        if base not in self.files.get("index", {}):
            return None if not batches or self.unclean and is_last else self.fault(name, "is missing")
        data = self.read("index", base)
        if len(data) % 8:
            self.fault(name, f"has {len(data)} bytes, not a multiple of 8")
        at_position = {batch.position: batch for batch in batches}
        last = (-1, -1)
        for at in range(0, len(data) - 7, 8):
            relative, position = struct.unpack_from(">ii", data, at)
            if relative == 0 and position == 0 and (at or self.unclean):
                if not self.unclean:
                    self.fault(name, "is padded")
                break
            if relative <= last[0] or position <= last[1] and at:
                self.fault(name, f"entry {at // 8} does not ascend")
            last = (relative, position)
            batch = at_position.get(position)
            if batch is None:
                self.fault(name, f"entry {at // 8}: no batch begins at {position}")
            elif batch.last != base + relative:
                self.fault(name, f"entry {at // 8}: offset {base + relative}, the batch at {position} ends at {batch.last}")

    def check_time_index(self, base, batches, is_last):
        name = f"{base:020}.timeindex"
        if base not in self.files.get("timeindex", {}):
            return None if not batches or self.unclean and is_last else self.fault(name, "is missing")
        data = self.read("timeindex", base)
        if len(data) % 12:
            self.fault(name, f"has {len(data)} bytes, not a multiple of 12")
        by_last = {batch.last: batch for batch in batches}
        previous, last_offset = -1, -1
        for at in range(0, len(data) - 11, 12):
            timestamp, relative = struct.unpack_from(">qi", data, at)
            if timestamp == 0 and relative == 0 and (at or self.unclean):
                if not self.unclean:
                    self.fault(name, "is padded")
                break
            if timestamp <= previous or relative < last_offset:
                self.fault(name, f"entry {at // 12}: {timestamp} does not ascend")
            previous, last_offset = timestamp, relative
            batch = by_last.get(base + relative)
            if batch is None:
                self.fault(name, f"entry {at // 12}: no batch ends at {base + relative}")
            elif batch.newest() != timestamp:
                self.fault(name, f"entry {at // 12}: timestamp {timestamp}, the batch's largest is {batch.newest()}")
        newest = max((batch.max_time for batch in batches if batch.count), default=-1)  # compaction empties some
        if newest >= 0 and not (is_last and self.unclean) and previous != newest:
            self.fault(name, f"ends at {previous}, the segment's largest timestamp is {newest}")

    def check_transactions(self, logs):
        """The aborted transactions of the whole partition against what its markers say."""
        open_at, expected = {}, []
        for base in logs:
            data, at = self.read("log", base), 0
            while len(data) - at >= 61:
                try:
                    batch = Batch(data, at)
                except (Fault, IndexError, ValueError, OSError, EOFError):
                    break
                at += batch.size
                if not batch.transactional:
                    continue
                if not batch.control:
                    open_at.setdefault(batch.producer, batch.base)
                    continue
                kind = struct.unpack(">hh", batch.records[0][2][:4])[1]
                first = open_at.pop(batch.producer, None)
                if first is not None and kind == 0:
                    stable = min(open_at.values(), default=batch.last + 1)
                    expected.append((base, batch.producer, first, batch.last, stable))
        found = []
        for base in sorted(self.files.get("txnindex", {})):
            data = self.read("txnindex", base)
            if len(data) % 34:
                self.fault(f"{base:020}.txnindex", f"has {len(data)} bytes, not a multiple of 34")
            for at in range(0, len(data) - 33, 34):
                version, producer, first, last, stable = struct.unpack_from(">hqqqq", data, at)
                if version != 0:
                    self.fault(f"{base:020}.txnindex", f"entry {at // 34} has version {version}")
                found.append((base, producer, first, last, stable))
        # A transaction that began before the log's first offset is known to the index alone.
        if not self.unclean and found != expected and logs[0] == 0:
            self.fault("", f"aborted transactions {found}, by the markers {expected}")

    def check_snapshots(self):
        for offset in sorted(self.files.get("snapshot", {})):
            name = f"{offset:020}.snapshot"
            data = self.read("snapshot", offset)
            if len(data) < 10:
                if not self.unclean:
                    self.fault(name, "is too short")
                continue
            version, crc, count = struct.unpack_from(">hIi", data)
            if version != 1:
                self.fault(name, f"has version {version}")
            elif crc32c(data[6:]) != crc:
                self.fault(name, "has a wrong checksum")
            elif len(data) != 10 + 46 * count:
                self.fault(name, f"has {len(data)} bytes for {count} entries")
            for index in range(max(0, min(count, (len(data) - 10) // 46))):
                producer, epoch, sequence, last, delta, _, _, first = struct.unpack_from(">qhiqiqiq", data, 10 + 46 * index)
                if producer < 0 or epoch < 0 or last >= offset or first >= offset or delta < 0 or sequence < -1:
                    self.fault(name, f"entry {index} is impossible")
            if self.end is not None and offset > self.end:
                self.fault(name, f"lies behind the log end {self.end}")

    def check_epochs(self):
        path = os.path.join(self.path, "leader-epoch-checkpoint")
        if not os.path.exists(path):
            if self.batches:
                self.fault("leader-epoch-checkpoint", "is missing")
            return
        try:
            lines = [tuple(map(int, line.split(" "))) for line in checkpoint(path)]
        except ValueError as error:
            return self.fault("leader-epoch-checkpoint", str(error))
        if any(a[0] >= b[0] or a[1] >= b[1] for a, b in zip(lines, lines[1:])):
            self.fault("leader-epoch-checkpoint", "does not ascend")
        starts = dict(lines)
        for epoch, start in self.epochs[1:]:
            if epoch not in starts:
                self.fault("leader-epoch-checkpoint", f"lacks epoch {epoch}, which begins at {start}")
            elif starts[epoch] > start:
                self.fault("leader-epoch-checkpoint", f"epoch {epoch} begins at {starts[epoch]}, its first batch at {start}")

    def check_metadata(self):
        path = os.path.join(self.path, "partition.metadata")
        if not os.path.exists(path):
            return
        with open(path) as file:
            text = file.read()
        if not re.fullmatch(r"version: 0\ntopic_id: [A-Za-z0-9_-]{22}\n?", text):
            self.fault("partition.metadata", "cannot be read")


def checkpoint(path):
    with open(path) as file:
        lines = file.read().split("\n")
    if len(lines) < 3 or lines[0] != "0" or lines[-1] != "" or int(lines[1]) != len(lines) - 3:
        raise ValueError("is not a checkpoint of version 0")
    return lines[2:-1]


def check_root(path, unclean, faults):
    """The files of the data directory itself. Returns the partitions' ends by name as the checkpoints tell them."""
    with open(os.path.join(path, "meta.properties")) as file:
        pairs = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line and not line.startswith("#"))
    if pairs.get("version") != "1":
        faults.append("meta.properties: version is not 1")
    for key in ("cluster.id", "directory.id"):
        if not re.fullmatch(r"[A-Za-z0-9_-]{22}", pairs.get(key, "")):
            faults.append(f"meta.properties: {key} is {pairs.get(key)!r}")
    if not re.fullmatch(r"\d+", pairs.get("node.id", "")):
        faults.append(f"meta.properties: node.id is {pairs.get('node.id')!r}")
    marker = os.path.join(path, ".kafka_cleanshutdown")
    if os.path.exists(marker):
        with open(marker) as file:
            if json.load(file).get("version") != 0:
                faults.append(".kafka_cleanshutdown: version is not 0")
    elif not unclean:
        faults.append(".kafka_cleanshutdown: is missing")
    ends = {}
    for kind in ("recovery-point", "replication", "log-start", "cleaner"):
        name = f"{kind}-offset-checkpoint"
        try:
            for line in checkpoint(os.path.join(path, name)):
                topic, partition, offset = line.split(" ")
                ends.setdefault(f"{topic}-{int(partition)}", {})[kind] = int(offset)
        except FileNotFoundError:
            pass
        except ValueError as error:
            faults.append(f"{name}: {error}")
    return ends


def main(arguments):
    unclean = "--unclean" in arguments
    paths = [argument for argument in arguments if not argument.startswith("--")]
    if len(paths) != 1 or not os.path.isdir(paths[0]):
        print(__doc__, file=sys.stderr)
        return 2
    root, faults, checked, batches = paths[0], [], 0, 0
    ends = check_root(root, unclean, faults) if os.path.exists(os.path.join(root, "meta.properties")) else {}
    is_partition = any(SEGMENT.match(name) for name in os.listdir(root))
    names = [""] if is_partition else sorted(n for n in os.listdir(root) if PARTITION.match(n) and os.path.isdir(os.path.join(root, n)))
    for name in names:
        partition = Partition(os.path.join(root, name), unclean, faults)
        partition.check()
        checked += 1
        batches += partition.batches
        for kind, offset in ends.get(name, {}).items():
            if partition.end is not None and offset > partition.end and not unclean:
                faults.append(f"{kind}-offset-checkpoint: {name} at {offset}, the log ends at {partition.end}")
    for fault in faults:
        print(fault)
    print(f"{checked} partitions, {batches} batches, {len(faults)} faults")
    return 2 if not checked else 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
