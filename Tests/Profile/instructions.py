#!/usr/bin/env python3
"""Counts the instructions that a cluster of three brokers spends on one record written with acks=all, under valgrind's callgrind.

    instructions.py PROGRAM [--records N] [--keep FILE]

Seconds say little on a busy machine of few processors; instructions are the same whatever else it does, within a few in a hundred (how many
timers fire depends on the time a run takes, which is fifty times what it is without valgrind). The cluster is `PROGRAM dev --headless` with
three brokers in one process. A client of this file's own sends records of 1000 bytes, one by one, each when the one before is acknowledged.
Two runs, one with N records more than the other, are told apart, so that what starting costs is not in the figure. Kernel time is not in it
either. `--keep` leaves callgrind's own file of the longer run, for `callgrind_annotate --inclusive=yes FILE`.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOPIC = "instructions"
CLIENT = "counted"
WARM_UP = 200
START_SECONDS = 180


def crc32c_table():
    table = []
    for index in range(256):
        value = index
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    return table


TABLE = crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def varint(number):
    number = number << 1 ^ number >> 63
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, frame):
        self.socket.sendall(frame)

    def read(self):
        (length,) = struct.unpack(">i", self.exactly(4))
        return self.exactly(length)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                sys.exit("instructions: the broker closed the connection")
            data += piece
        return data


def frame(key, version, body):
    content = struct.pack(">hhi", key, version, 1) + string(CLIENT) + body
    return struct.pack(">i", len(content)) + content


def leader(bootstrap):
    """The address of partition 0's leader, once all three replicas are in sync. Asking makes the topic. Metadata version 1."""
    connection = Connection(bootstrap.split(",")[0])
    while True:
        connection.send(frame(3, 1, struct.pack(">i", 1) + string(TOPIC)))
        answer = connection.read()
        place = 4
        brokers = {}
        (count,) = struct.unpack_from(">i", answer, place)
        place += 4
        for _ in range(count):
            node, length = struct.unpack_from(">ih", answer, place)
            host = answer[place + 6 : place + 6 + length].decode()
            place += 6 + length
            port, rack = struct.unpack_from(">ih", answer, place)
            place += 6 + max(0, rack)
            brokers[node] = f"{host}:{port}"
        place += 8
        error, length = struct.unpack_from(">hh", answer, place)
        place += 4 + length + 1
        (count,) = struct.unpack_from(">i", answer, place)
        place += 4
        for _ in range(count):
            failed, index, node, replicas = struct.unpack_from(">hiii", answer, place)
            place += 14 + 4 * replicas
            (in_sync,) = struct.unpack_from(">i", answer, place)
            place += 4 + 4 * in_sync
            if error == 0 and failed == 0 and index == 0 and in_sync == 3:
                return brokers[node]
        time.sleep(0.05)


def produce_frame():
    """A Produce (version 7, acks=all) with one batch of one record for partition 0."""
    record = b"\0" + varint(0) + varint(0) + varint(-1) + varint(1000) + b"x" * 1000 + varint(0)
    record = varint(len(record)) + record
    now = int(time.time() * 1000)
    covered = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + record
    batch = struct.pack(">qiibI", 0, 9 + len(covered), -1, 2, crc32c(covered)) + covered
    topics = struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iii", 1, 0, len(batch)) + batch
    return frame(0, 7, struct.pack(">hhi", -1, -1, 30_000) + topics)


def send(bootstrap, count):
    connection = Connection(leader(bootstrap))
    request = produce_frame()
    for _ in range(count):
        connection.send(request)
        answer = connection.read()
        (error,) = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(TOPIC) + 4 + 4)
        if error != 0:
            sys.exit(f"instructions: a produce was answered with error {error}")


def count(program, records, out):
    """Instructions of a whole life of the cluster, with so many records behind the warm-up."""
    folder = tempfile.mkdtemp(prefix="kastellan-instructions-")
    report = os.path.join(folder, "valgrind")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--log-file={report}", program]
    command += ["dev", "--headless", "--brokers", "3", "--port", "0", "--data", os.path.join(folder, "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line.startswith("bootstrap.servers="):
            sys.exit(f"instructions: the cluster did not start: {line.strip() or 'no word from it'}")
        send(line.strip().split("=", 1)[1], WARM_UP + records)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_SECONDS)
        with open(report, encoding="utf-8") as file:
            found = re.search(r"Collected : (\d+)", file.read())
        if not found:
            sys.exit("instructions: callgrind told no sum")
        return int(found.group(1))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--keep", metavar="FILE")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("instructions: no valgrind; `make instructions` installs it")
    with tempfile.TemporaryDirectory(prefix="kastellan-callgrind-") as folder:
        before = count(options.program, 0, os.path.join(folder, "before"))
        after = count(options.program, options.records, options.keep or os.path.join(folder, "after"))
    print(f"{(after - before) // options.records} instructions a record, acks=all on three brokers ({options.records} records)")


if __name__ == "__main__":
    main()
