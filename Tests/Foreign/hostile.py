# time: 150
# broker: none
"""What must not hurt: malformed frames, clients that never read, foreign and unreadable directories, damaged files, a full disk."""

import os
import random
import shutil
import socket
import struct
import subprocess
import time

from confluent_kafka import Producer

from harness import TMP, Broker, check, checking, done, equal, kastellan, kcat, run, wait_until


def connect(broker):
    host, port = broker.bootstrap.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.settimeout(10)
    return connection


def answer(connection):
    """What comes back, or b"" where the connection was closed."""
    try:
        return connection.recv(65536)
    except (ConnectionError, socket.timeout) as error:
        return b"" if isinstance(error, ConnectionError) else None


def serves(broker, name):
    code, out, _ = kcat("-L", bootstrap=broker.bootstrap)
    check(f"{name}: the broker serves on", code == 0 and broker.process.poll() is None, out)


def frames(broker):
    cases = {
        "a size of two gigabytes": struct.pack(">i", 2**31 - 1) + b"x" * 100,
        "a negative size": struct.pack(">i", -5) + b"x" * 100,
        "a frame of no bytes": struct.pack(">i", 0),
        "an unknown api": struct.pack(">ihhih", 10, 999, 0, 1, -1),
        "a version from the future": struct.pack(">ihhih", 10, 3, 99, 1, -1),
        "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a tls hello": bytes.fromhex("16030100c8010000c40303") + b"x" * 200,
        "an array of two thousand million topics": struct.pack(">ihhihi", 14, 3, 1, 1, -1, 2**31 - 1),
        "a string longer than its frame": struct.pack(">ihhihih", 16, 3, 1, 1, -1, 1, 32000),
    }
    for name, data in cases.items():
        connection = connect(broker)
        connection.sendall(data)
        check(f"{name} is answered by closing the connection", answer(connection) == b"", "")
        connection.close()
    chance = random.Random(8)
    for _ in range(300):
        connection = connect(broker)
        body = struct.pack(">hhi", chance.randrange(0, 70), chance.randrange(0, 14), 7) + chance.randbytes(chance.randrange(0, 400))
        try:
            connection.sendall(struct.pack(">i", len(body)) + body)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            answer(connection)
        except OSError:
            pass
        connection.close()
    serves(broker, "malformed frames")


def bombs(broker):
    """A gzip batch that inflates to far more than it says is refused or bounded; memory stays where it was."""
    before = broker.resident_bytes()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": "gzip", "message.max.bytes": 1_000_000_000})
    outcomes = []
    producer.produce("zeros", b"0" * 50_000_000, on_delivery=lambda error, message: outcomes.append(error))
    producer.flush(30)
    grown = broker.resident_bytes() - before
    check("50 MB of zeros in 50 kB are dealt with", len(outcomes) == 1, outcomes)
    check("and do not stay in memory", grown < 200_000_000, f"grew by {grown}")
    serves(broker, "a decompression bomb")


def deaf_clients(broker):
    kcat("-P", "-t", "much", stdin=b"y" * 900_000 + b"\n", bootstrap=broker.bootstrap)
    metadata = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", -1)
    frame = struct.pack(">i", len(metadata)) + metadata
    deaf = [connect(broker) for _ in range(20)]
    for connection in deaf:
        connection.setblocking(False)
        try:
            for _ in range(2000):
                connection.send(frame)
        except (BlockingIOError, ConnectionError):
            pass
    before = broker.resident_bytes()
    time.sleep(0.5)
    check("clients that never read do not make it grow", broker.resident_bytes() < before + 100_000_000, broker.resident_bytes())
    serves(broker, "deaf clients")
    for connection in deaf:
        connection.close()
    many = []
    for _ in range(400):
        many.append(connect(broker))
    serves(broker, "400 idle connections")
    for connection in many:
        connection.close()


def directories():
    foreign = os.path.join(TMP, "foreign")
    os.makedirs(f"{foreign}/broker-1")
    with open(f"{foreign}/broker-1/meta.properties", "w", encoding="ascii") as file:
        file.write("version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=99\ndirectory.id=BBBBBBBBBBBBBBBBBBBBBQ\n")
    code, out, err = kastellan("dev", "--headless", "--port", "0", "--data", foreign)
    check("another node's directory is refused in one line", code == 1 and out == "" and err.count("\n") == 1 and "99" in err, (code, err))
    path = os.path.join(TMP, "file")
    with open(path, "w", encoding="ascii") as file:
        file.write("not a directory")
    code, out, err = kastellan("dev", "--headless", "--port", "0", "--data", path)
    check("a file in place of the directory is refused", code == 1 and err.count("\n") == 1, (code, err))
    code, out, err = kastellan("dev", "--headless", "--port", "0", "--data", "/proc/kastellan")
    check("a place where nothing can be made is refused", code == 1 and err.count("\n") == 1, (code, err))


def damaged_tail():
    broker = Broker().start()
    kcat("-P", "-t", "torn", stdin=b"".join(b"line %d\n" % i for i in range(1000)), bootstrap=broker.bootstrap)
    broker.kill()
    folder = f"{broker.data}/broker-1/torn-0"
    log = next(n for n in sorted(os.listdir(folder)) if n.endswith(".log"))
    with open(f"{folder}/{log}", "ab") as file:
        file.write(b"\x00" * 17 + b"garbage after a crash")
    broker.start()
    code, out, _ = kcat("-C", "-t", "torn", "-o", "beginning", "-e", "-q", bootstrap=broker.bootstrap)
    check("garbage after the last batch is cut off, the rest is whole", out.splitlines()[-1:] == [b"line 999"], out[-60:])
    for name in os.listdir(folder):
        if name.endswith("index"):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(b"\xff" * 24)
    broker.kill()
    broker.start()
    code, out, _ = kcat("-C", "-t", "torn", "-o", "500", "-c", "1", "-q", bootstrap=broker.bootstrap)
    equal("damaged indexes are made anew", out, b"line 500\n")
    equal("and it stops cleanly", broker.stop(), 0)


def full_disk():
    place = os.path.join(TMP, "small")
    os.makedirs(place)
    if run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place)[0] != 0:
        print("(a small tmpfs cannot be mounted here: the full disk is not checked)")
        return
    try:
        broker = Broker(data=f"{place}/data").start()
        block = os.urandom(500_000).replace(b"\n", b"x") + b"\n"
        good, refused = 0, b""
        for _ in range(80):
            code, _, err = kcat("-P", "-t", "fill", "-X", "message.timeout.ms=3000", stdin=block, bootstrap=broker.bootstrap, seconds=30)
            if code != 0:
                refused = err
                break
            good += 1
        check("a full disk refuses produces", good > 5 and refused, (good, refused[-200:]))
        check("the broker lives", broker.process.poll() is None, broker.tail_of_log())
        code, out, _ = kcat("-C", "-t", "fill", "-o", "beginning", "-e", "-q", bootstrap=broker.bootstrap)
        equal("what was acknowledged is there", len(out.splitlines()) >= good, True)
        run("mount", "-o", "remount,size=64m", place)
        recovered = wait_until(
            lambda: kcat("-P", "-t", "fill", "-X", "message.timeout.ms=3000", stdin=b"again\n", bootstrap=broker.bootstrap)[0] == 0, 20, 0.5)
        check("with room again it takes records again", recovered, broker.tail_of_log())
        code, out, _ = kcat("-C", "-t", "fill", "-o", "-1", "-e", "-q", bootstrap=broker.bootstrap)
        equal("the newest of them", out, b"again\n")
        equal("and stops cleanly", broker.stop(), 0)
    finally:
        broker.kill()
        subprocess.run(["umount", place], check=False)
        shutil.rmtree(place, ignore_errors=True)


with Broker() as shared:
    for part in [frames, bombs, deaf_clients]:
        with checking(part.__name__):
            part(shared)
    equal("it stops cleanly after all that", shared.stop(), 0)
for part in [directories, damaged_tail, full_disk]:
    with checking(part.__name__):
        part()
done()
