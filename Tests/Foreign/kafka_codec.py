"""A codec for Kafka's protocol that is not ours: it reads the message descriptions that kafka-python ships and encodes and decodes
dictionaries by them. Used to ask our broker what a recorded Kafka was asked, and to read the answers with somebody else's eyes."""

import glob
import json
import os
import re
import struct
import uuid
import base64

import kafka.protocol.schemas as _schemas
import kafka_messages

_RESOURCES = os.path.join(os.path.dirname(_schemas.__file__), "resources")


def _load(path):
    with open(path, encoding="utf-8") as file:
        text = "\n".join(line for line in file.read().split("\n") if not line.lstrip().startswith("//"))
    return json.loads(re.sub(r"\s//[^\"\n]*$", "", text, flags=re.M))


REQUESTS, RESPONSES = {}, {}
for _path in glob.glob(os.path.join(_RESOURCES, "*.json")):
    _schema = _load(_path)
    if _schema.get("type") == "request":
        REQUESTS[_schema["name"][: -len("Request")]] = _schema
    elif _schema.get("type") == "response":
        RESPONSES[_schema["name"][: -len("Response")]] = _schema


for _into, _more in zip((REQUESTS, RESPONSES), kafka_messages.schemas()):
    for _name, _schema in _more.items():
        _into.setdefault(_name, _schema)


def in_range(spec, version):
    if not spec or spec == "none":
        return False
    if spec.endswith("+"):
        return version >= int(spec[:-1])
    if "-" in spec:
        low, high = spec.split("-")
        return int(low) <= version <= int(high)
    return version == int(spec)


def is_flexible(schema, version):
    return in_range(schema.get("flexibleVersions", "none"), version)


def uvarint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def topic_id(text):
    return base64.urlsafe_b64decode(text + "==")


class Writer:
    def __init__(self, schema, version):
        self.out, self.version, self.schema = bytearray(), version, schema
        self.flexible = is_flexible(schema, version)
        self.structs = {s["name"]: s["fields"] for s in schema.get("commonStructs", [])}

    def length(self, value, classic):
        if self.flexible:
            self.out += uvarint(0 if value is None else value + 1)
        else:
            self.out += struct.pack(classic, -1 if value is None else value)

    def default(self, field):
        kind, default = field["type"], field.get("default")
        if default == "null":
            return None
        if kind.startswith("[]"):
            return []
        if kind in ("string",):
            return default or ""
        if kind in ("bytes", "records"):
            return b""
        if kind == "bool":
            return default in (True, "true")
        if kind == "uuid":
            return "AAAAAAAAAAAAAAAAAAAAAA"
        if kind == "float64":
            return float(default or 0)
        if kind.startswith(("int", "uint")):
            return int(str(default or 0), 0)
        return {}

    def value(self, field, kind, value):
        if kind.startswith("[]"):
            self.length(None if value is None else len(value), ">i")
            for item in value or []:
                self.value(field, kind[2:], item)
        elif kind == "bool":
            self.out.append(1 if value else 0)
        elif kind in _PACK:
            self.out += struct.pack(_PACK[kind], value)
        elif kind == "string":
            raw = None if value is None else value.encode()
            self.length(None if raw is None else len(raw), ">h")
            self.out += raw or b""
        elif kind in ("bytes", "records"):
            raw = bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
            self.length(None if raw is None else len(raw), ">i")
            self.out += raw or b""
        elif kind == "uuid":
            self.out += topic_id(value)
        else:
            if in_range(field.get("nullableVersions"), self.version) and not field["type"].startswith("[]"):
                self.out += b"\xff" if value is None else b"\x01"
                if value is None:
                    return
            self.fields(field.get("fields") or self.structs[kind], value)

    def fields(self, fields, values):
        tags = []
        for field in fields:
            if not in_range(field["versions"], self.version):
                continue
            given = values.get(field["name"], self.default(field))
            if "tag" in field and in_range(field.get("taggedVersions", "none"), self.version):
                if field["name"] in values:
                    inner = Writer(self.schema, self.version)
                    inner.value(field, field["type"], given)
                    tags.append((field["tag"], bytes(inner.out)))
                continue
            self.value(field, field["type"], given)
        if self.flexible:
            self.out += uvarint(len(tags))
            for tag, raw in sorted(tags):
                self.out += uvarint(tag) + uvarint(len(raw)) + raw


_PACK = {"int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q", "uint16": ">H", "uint32": ">I", "float64": ">d"}


class Reader:
    def __init__(self, schema, version, data):
        self.schema, self.version, self.data, self.at = schema, version, data, 0
        self.flexible = is_flexible(schema, version)
        self.structs = {s["name"]: s["fields"] for s in schema.get("commonStructs", [])}

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise ValueError(f"{count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length(self, classic):
        if self.flexible:
            length = self.uvarint()
            return None if length == 0 else length - 1
        length = self.unpack(classic)
        return None if length < 0 else length

    def value(self, field, kind):
        if kind.startswith("[]"):
            count = self.length(">i")
            return None if count is None else [self.value(field, kind[2:]) for _ in range(count)]
        if kind == "bool":
            return self.take(1)[0] != 0
        if kind in _PACK:
            return self.unpack(_PACK[kind])
        if kind == "string":
            length = self.length(">h")
            return None if length is None else self.take(length).decode()
        if kind in ("bytes", "records"):
            length = self.length(">i")
            return None if length is None else {"hex": self.take(length).hex()}
        if kind == "uuid":
            return base64.urlsafe_b64encode(self.take(16)).decode().rstrip("=")
        if in_range(field.get("nullableVersions"), self.version) and not field["type"].startswith("[]"):
            if self.unpack(">b") < 0:
                return None
        return self.fields(field.get("fields") or self.structs[kind])

    def fields(self, fields):
        out, tagged = {}, {}
        for field in fields:
            if not in_range(field["versions"], self.version):
                continue
            if "tag" in field and in_range(field.get("taggedVersions", "none"), self.version):
                tagged[field["tag"]] = field
                continue
            out[field["name"]] = self.value(field, field["type"])
        if self.flexible:
            for _ in range(self.uvarint()):
                tag, size = self.uvarint(), self.uvarint()
                end = self.at + size
                if tag in tagged:
                    out[tagged[tag]["name"]] = self.value(tagged[tag], tagged[tag]["type"])
                self.at = end
        return out


def encode_request(api, version, body, correlation_id=7, client_id="probe"):
    """The whole frame without its size."""
    schema = REQUESTS[api]
    writer = Writer(schema, version)
    writer.fields(schema["fields"], body)
    header = struct.pack(">hhi", schema["apiKey"], version, correlation_id)
    client = client_id.encode()
    header += struct.pack(">h", len(client)) + client
    if writer.flexible:
        header += b"\x00"
    return header + bytes(writer.out)


def decode_response(api, version, frame):
    """(correlation id, body, bytes left over) of a whole response frame without its size."""
    schema = RESPONSES[api]
    correlation_id = struct.unpack(">i", frame[:4])[0]
    start = 4
    if is_flexible(schema, version) and api != "ApiVersions":
        assert frame[4] == 0, "tags in a response header"
        start = 5
    reader = Reader(schema, version, frame[start:])
    body = reader.fields(schema["fields"])
    return correlation_id, body, len(reader.data) - reader.at
