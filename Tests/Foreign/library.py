"""Our own client library, driven: each object here is a process of `librarydriver` (Tests/LibraryDriver) that holds one producer, consumer or
admin client. Commands and answers are lines of percent-encoded fields."""

import os
import subprocess
import urllib.parse

from harness import PROGRAM


def driver():
    """Beside the program that is tested, or where the tests were built."""
    build = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".build")
    for folder in (os.path.dirname(PROGRAM), os.path.join(build, "debug"), os.path.join(build, "release")):
        path = os.path.join(folder, "librarydriver")
        if os.path.exists(path):
            return path
    raise FileNotFoundError("librarydriver is not built: swift build --product librarydriver")


class LibraryError(Exception):
    """What a call of the library threw: `kind` as KafkaError.Kind has it, `code` Kafka's number or None, `flags` "fatal", "abort" or "-"."""

    def __init__(self, kind, code, flags, text):
        super().__init__(f"{kind} {code}: {text}")
        self.kind, self.code, self.flags, self.text = kind, code, flags, text


def field(value):
    if value is None:
        return "~"
    data = value if isinstance(value, (bytes, bytearray)) else str(value).encode()
    return urllib.parse.quote_from_bytes(bytes(data), safe="")


def words(settings):
    return [f"{key}={value}" for key, value in settings.items()]


class Driven:
    def __init__(self, role, settings, log=None):
        self.process = subprocess.Popen(
            [driver(), role, *words(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL)
        self.answer()

    def answer(self):
        """The rows of an answer, fields as bytes or None."""
        rows = []
        while True:
            line = self.process.stdout.readline().decode().rstrip("\n")
            if not line:
                raise ConnectionError(f"the driver ended with {self.process.poll()}")
            head, *fields = line.split("\t")
            found = [None if f == "~" else urllib.parse.unquote_to_bytes(f) for f in fields]
            if head == "=":
                rows.append([] if found == [b""] and len(fields) == 1 and fields[0] == "" else found)
            elif head == "ok":
                return rows
            else:
                kind, code, flags, text = found
                raise LibraryError(kind.decode(), code and int(code), flags.decode(), (text or b"").decode())

    def tell(self, *fields):
        """A command whose answer is fetched later, so that several are under way."""
        self.process.stdin.write(("\t".join(field(f) for f in fields) + "\n").encode())

    def ask(self, *fields):
        self.tell(*fields)
        self.process.stdin.flush()
        return self.answer()

    def texts(self, *fields):
        return [[None if f is None else f.decode() for f in row] for row in self.ask(*fields)]

    def numbers(self, *fields):
        return [[int(f) for f in row] for row in self.ask(*fields)]

    def end(self):
        """Without a farewell."""
        self.process.kill()
        self.process.wait()

    def close(self, *fields):
        try:
            if self.process.poll() is None:
                self.ask("close", *fields)
                self.process.stdin.close()
                self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.end()


class LibraryProducer(Driven):
    def __init__(self, **settings):
        super().__init__("producer", {key.replace("_", "."): value for key, value in settings.items()})

    def close(self, milliseconds=30000):
        super().close(milliseconds)

    def write(self, topic, records, command="post"):
        """`records`: (partition, key, value, time stamp, headers). Returns when all were given to the producer."""
        for begin in range(0, len(records), 200):
            part = records[begin:begin + 200]
            for partition, key, value, stamp, headers in part:
                self.tell(command, topic, partition, key, value, stamp, *[f for pair in headers for f in pair])
            self.process.stdin.flush()
            for _ in part:
                self.answer()

    def outcomes(self):
        """Of all written since the last time: ("ok", partition, offset) or ("failed", name, text)."""
        return [tuple(f.decode() for f in row) for row in self.ask("flush")]


class LibraryConsumer(Driven):
    def __init__(self, **settings):
        super().__init__("consumer", {key.replace("_", "."): value for key, value in settings.items()})

    def poll(self, milliseconds):
        """[(topic, partition, offset, time stamp, key, value, headers)]"""
        return [self.record(row) for row in self.ask("poll", milliseconds)]

    @staticmethod
    def record(row):
        topic, partition, offset, stamp, key, value, *headers = row
        pairs = tuple((headers[i].decode(), headers[i + 1]) for i in range(0, len(headers), 2))
        return topic.decode(), int(partition), int(offset), int(stamp), key, value, pairs

    def assignment(self):
        """[(topic, partition)]"""
        rows = self.texts("assignment")
        return [tuple(f.rsplit(":", 1)) for f in (rows[0] if rows else []) if f]


class LibraryAdmin(Driven):
    def __init__(self, **settings):
        super().__init__("admin", {key.replace("_", "."): value for key, value in settings.items()})
