# time: 120
"""Payloads that confluent-kafka's serializers, fastavro and Google's protobuf wrote, read by `kastellan tail` through a schema registry: a
stand-in served from here, which asks for a password and speaks as Confluent's does."""

import datetime
import decimal
import http.server
import io
import json
import os
import re
import struct
import subprocess
import threading
import uuid
import warnings

warnings.filterwarnings("ignore")

import fastavro
import harness
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from harness import BOOTSTRAP, PROGRAM, TMP, check, checking, done, equal


class Registry:
    """Subjects with versions; ids from 1 on; a UUID for each."""

    def __init__(self):
        self.entries = {}
        self.subjects = {}
        self.rules = {}
        self.asked = []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                # Some servers send chunks, some a length.
                if len(data) % 2:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    half = len(data) // 2
                    for part in (data[:half], data[half:]):
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if part else b"")
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def handle_one(self, body):
                if self.headers.get("Authorization") != "Basic YWxpY2U6d29uZGVy":
                    return self.answer(401, {"error_code": 401, "message": "Unauthorized"})
                path = self.path.split("?")[0]
                registry.asked.append(path)
                status, found = registry.change(self.command, path, body) or registry.ask(path, body)
                return self.answer(status, found)

            def do_GET(self):
                self.handle_one(None)

            def do_POST(self):
                self.handle_one(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            do_PUT = do_POST

            def do_DELETE(self):
                self.handle_one(None)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def register(self, subject, schema, kind="AVRO", references=()):
        for id, entry in self.entries.items():
            if entry["schema"] == schema and entry["schemaType"] == kind:
                break
        else:
            id = len(self.entries) + 1
            self.entries[id] = {"schema": schema, "schemaType": kind, "references": list(references), "guid": str(uuid.uuid4())}
        versions = self.subjects.setdefault(subject, [])
        if id not in versions:
            versions.append(id)
        return id

    def body(self, id, subject=None):
        entry = self.entries[id]
        found = {"schema": entry["schema"], "id": id, "guid": entry["guid"]}
        # Avro's type is left out, as by the real one.
        if entry["schemaType"] != "AVRO":
            found["schemaType"] = entry["schemaType"]
        if entry["references"]:
            found["references"] = entry["references"]
        if subject:
            found |= {"subject": subject, "version": self.subjects[subject].index(id) + 1}
        return found

    def change(self, method, path, body):
        """What changes something, or asks what would be changed; None for what only reads. Deleted versions leave a gap."""
        if method == "DELETE" and (match := re.fullmatch(r"/subjects/([^/]+)/versions/(\d+)", path)):
            self.subjects[match[1]][int(match[2]) - 1] = None
            return 200, int(match[2])
        if method == "DELETE" and (match := re.fullmatch(r"/subjects/([^/]+)", path)):
            return 200, [n + 1 for n, id in enumerate(self.subjects.pop(match[1])) if id]
        if match := re.fullmatch(r"/config/([^/]+)", path):
            if method == "GET":
                return (200, {"compatibilityLevel": self.rules[match[1]]}) if match[1] in self.rules else None
            if method == "DELETE":
                return 200, {"compatibility": self.rules.pop(match[1], "BACKWARD")}
            self.rules[match[1]] = body["compatibility"]
            return 200, body
        if match := re.fullmatch(r"/compatibility/subjects/([^/]+)/versions/latest", path):
            if not any(self.subjects.get(match[1], [])):
                return 404, {"error_code": 40401, "message": "Subject not found"}
            # Backward for records: a field that is new must have a default.
            before = json.loads(self.entries[[id for id in self.subjects[match[1]] if id][-1]]["schema"])
            names = {field["name"] for field in before["fields"]}
            new = [f["name"] for f in json.loads(body["schema"])["fields"] if f["name"] not in names and "default" not in f]
            return 200, {"is_compatible": not new, "messages": [f"READER_FIELD_MISSING_DEFAULT_VALUE: {name}" for name in new]}
        if method == "POST" and self.is_lookup and (match := re.fullmatch(r"/subjects/([^/]+)", path)):
            for version, id in enumerate(self.subjects.get(match[1], [])):
                if id and self.entries[id]["schema"] == body["schema"]:
                    return 200, self.body(id, match[1]) | {"version": version + 1}
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return None

    # Confluent's client registers where it looks up; the commands mean what they ask.
    is_lookup = False

    def ask(self, path, body):
        if body is not None and (match := re.fullmatch(r"/subjects/([^/]+)(/versions)?", path)):
            id = self.register(match[1], body["schema"], body.get("schemaType", "AVRO"), body.get("references", ()))
            return 200, self.body(id, match[1])
        if match := re.fullmatch(r"/schemas/ids/(\d+)", path):
            return (200, self.body(int(match[1]))) if int(match[1]) in self.entries else (404, {"error_code": 40403, "message": "Schema not found"})
        if match := re.fullmatch(r"/schemas/guids/(.+)", path):
            for id, entry in self.entries.items():
                if entry["guid"] == match[1]:
                    return 200, self.body(id)
        if match := re.fullmatch(r"/subjects/([^/]+)/versions/(\d+)", path):
            return 200, self.body(self.subjects[match[1]][int(match[2]) - 1], match[1])
        if path == "/subjects":
            return 200, [name for name, versions in self.subjects.items() if any(versions)]
        if match := re.fullmatch(r"/subjects/([^/]+)/versions", path):
            return 200, [n + 1 for n, id in enumerate(self.subjects[match[1]]) if id]
        if path == "/config":
            return 200, {"compatibilityLevel": "BACKWARD"}
        return 404, {"error_code": 404, "message": "Not found"}


registry = Registry()
config = os.path.join(TMP, "client.properties")
with open(config, "w", encoding="utf-8") as file:
    file.write(f"bootstrap.servers={BOOTSTRAP}\nschema.registry.url={registry.url}\nschema.registry.basic.auth.user.info=alice:wonder\n")


def tail(topic, *words):
    """Values as JSON where they are, keys, and complaints."""
    command = [PROGRAM, "tail", topic, "-e", "-f", "%k\\t%s\\n", "--command-config", config, *words]
    run = subprocess.run(command, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    lines = [line.split("\t", 1) for line in run.stdout.decode(errors="replace").splitlines()]
    return [(key, json.loads(value) if value[:1] in "{[\"0123456789" and value else value) for key, value in lines], run.stderr.decode()


def produce(topic, value, key=None, headers=None):
    producer.produce(topic, value=value, key=key, headers=headers)
    producer.flush(10)


producer = Producer({"bootstrap.servers": BOOTSTRAP})
client = SchemaRegistryClient({"url": registry.url, "basic.auth.user.info": "alice:wonder"})
ORDER = {
    "type": "record", "name": "Order", "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"]}, {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "sizes", "type": {"type": "map", "values": "int"}}, {"name": "ratio", "type": "double"}, {"name": "share", "type": "float"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}}, {"name": "flag", "type": "boolean"},
        {"name": "parent", "type": ["null", "Order"]}, {"name": "raw", "type": "bytes"},
        {"name": "sum", "type": ["null", {"type": "fixed", "name": "Hash", "size": 4}]},
    ],
}


def order(number, parent=None):
    return {"id": number * 10**12 - 7, "note": None if number % 2 else f"nöte {number}\n", "tags": ["a", "b"][: number % 3],
            "sizes": {"s": -number}, "ratio": number / 3, "share": 0.1, "state": "PAID", "flag": bool(number % 2), "parent": parent,
            "raw": b"plain", "sum": b"\x00\xff\x01\x02" if number % 2 else None}


def shown(value):
    """What is to be seen of an Avro value."""
    if value is None:
        return None
    hash = "0x" + value["sum"].hex() if value["sum"] else None
    return {**value, "parent": shown(value["parent"]), "raw": "plain", "sum": hash, "share": 0.1}


with checking("Avro by confluent-kafka"):
    serializer = AvroSerializer(client, json.dumps(ORDER))
    orders = [order(number, order(number + 100) if number % 3 == 0 else None) for number in range(1, 40)]
    for number, value in enumerate(orders):
        producer.produce("avro", key=f"k{number}", value=serializer(value, SerializationContext("avro", MessageField.VALUE)), partition=0)
    producer.flush(10)
    found, errors = tail("avro")
    equal("every Avro value as it was written", [value for _, value in found], [shown(value) for value in orders])
    equal("without complaint", errors, "")
    asked = registry.asked.count("/schemas/ids/1")
    check("a schema is fetched once", asked <= 2, registry.asked)
    found, _ = tail("avro", "-F", "| .state == \"PAID\" and .parent != null | select(.)")
    equal("jq looks into Avro", len(found), 13)
    command = [PROGRAM, "tail", "avro", "-e", "--raw", "-n", "1", "-f", "%s", "--command-config", config]
    out = subprocess.run(command, capture_output=True, timeout=30).stdout
    check("--raw leaves the bytes", out.startswith(b"\0\0\0\0\x01"), out)
    registry.register("avro-value", json.dumps(ORDER | {"doc": "newer"}))
    words = ["--registry", registry.url.replace("//", "//alice:wonder@")]
    out = subprocess.run([PROGRAM, "schemas", "list", "-o", "json", *words], capture_output=True, timeout=30).stdout.decode()
    equal("subjects are listed", [(row["subject"], row["type"], row["versions"], row["compatibility"]) for row in json.loads(out)][:1],
          [("avro-value", "AVRO", 2, "BACKWARD")])
    out = subprocess.run([PROGRAM, "schemas", "diff", "avro-value", *words], capture_output=True, timeout=30).stdout.decode()
    equal("versions are compared", [line for line in out.splitlines() if line[:1] in "+-"][2:], ['+  "doc": "newer",'])
    out = subprocess.run([PROGRAM, "schemas", "show", "avro-value", "--version", "1", *words], capture_output=True, timeout=30).stdout.decode()
    equal("a version is shown", json.loads(out), ORDER)

with checking("Avro under headers"):
    serializer = AvroSerializer(client, json.dumps(ORDER), conf={"schema.id.serializer": header_schema_id_serializer})
    context = SerializationContext("guids", MessageField.VALUE, headers=[])
    value = serializer(order(5), context)
    produce("guids", value, headers=context.headers)
    found, errors = tail("guids")
    equal("a schema named by a UUID in a header", [value for _, value in found], [shown(order(5))])

with checking("Avro's logical types by fastavro"):
    schema = {"type": "record", "name": "Times", "fields": [
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "exact", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
    ]}
    id = registry.register("times-value", json.dumps(schema))
    wanted = []
    for price, moment in [("12.345", "2026-11-21T10:30:00.123456"), ("-0.001", "1969-12-31T23:59:59.999999"), ("-98765432109.876", "0001-01-01T00:00:00")]:
        time = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.timezone.utc)
        body = io.BytesIO()
        fastavro.schemaless_writer(body, fastavro.parse_schema(schema), {
            "price": decimal.Decimal(price), "day": time.date(), "at": time, "exact": time, "id": uuid.UUID(int=7)})
        produce("times", struct.pack(">bI", 0, id) + body.getvalue())
        wanted.append({"price": price, "day": moment[:10], "at": time.strftime("%Y-%m-%dT%H:%M:%S.") .zfill(20)+ f"{time.microsecond // 1000:03}Z",
                       "exact": time.strftime("%Y-%m-%dT%H:%M:%S.").zfill(20) + f"{time.microsecond:06}Z", "id": str(uuid.UUID(int=7))})
    found, _ = tail("times")
    equal("decimals, dates and times", [value for _, value in found], wanted)

with checking("references to other schemas"):
    registry.register("money", json.dumps({"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "int"}]}))
    id = registry.register(
        "bill", json.dumps({"type": "record", "name": "Bill", "namespace": "shop", "fields": [{"name": "due", "type": "Money"}]}),
        references=[{"name": "shop.Money", "subject": "money", "version": 1}])
    produce("bills", struct.pack(">bI", 0, id) + b"\xd0\x0f")
    equal("a referenced record", tail("bills")[0], [("", {"due": {"cents": 1000}})])

PROTO = """
syntax = "proto3";
package shop; // a comment
import "google/protobuf/timestamp.proto";
/* more
   of it */
message Item { string name = 1; sint32 delta = 2; repeated int32 counts = 3; }
message Basket {
  option deprecated = false;
  reserved 40, 50 to 60;
  enum Kind { UNKNOWN = 0; GIFT = 7; }
  message Inner { fixed64 big = 1; float small = 2; }
  int64 id = 1;
  repeated Item items = 2;
  map<string, Item> by_name = 3;
  oneof what { string text = 4; Inner inner = 5; }
  Kind kind = 6;
  bytes raw = 7;
  bool flag = 8 [deprecated = true];
  google.protobuf.Timestamp at = 9;
  double exact = 10;
  map<int32, bool> flags = 11;
  uint64 most = 12;
  optional string maybe = 13;
}
"""


def proto_classes():
    """The same, built for Google's own library."""
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3", dependency=["google/protobuf/timestamp.proto"])
    types = descriptor_pb2.FieldDescriptorProto

    def field(message, name, number, kind, repeated=False, type_name=None, oneof=None):
        added = message.field.add(name=name, number=number, type=getattr(types, "TYPE_" + kind), label=types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL)
        if type_name:
            added.type_name = type_name
        if oneof is not None:
            added.oneof_index = oneof

    item = file.message_type.add(name="Item")
    field(item, "name", 1, "STRING")
    field(item, "delta", 2, "SINT32")
    field(item, "counts", 3, "INT32", True)
    basket = file.message_type.add(name="Basket")
    kind = basket.enum_type.add(name="Kind")
    kind.value.add(name="UNKNOWN", number=0)
    kind.value.add(name="GIFT", number=7)
    inner = basket.nested_type.add(name="Inner")
    field(inner, "big", 1, "FIXED64")
    field(inner, "small", 2, "FLOAT")
    for name, value, key in [("ByNameEntry", ("MESSAGE", ".shop.Item"), "STRING"), ("FlagsEntry", ("BOOL", None), "INT32")]:
        entry = basket.nested_type.add(name=name)
        entry.options.map_entry = True
        field(entry, "key", 1, key)
        field(entry, "value", 2, value[0], type_name=value[1])
    basket.oneof_decl.add(name="what")
    field(basket, "id", 1, "INT64")
    field(basket, "items", 2, "MESSAGE", True, ".shop.Item")
    field(basket, "by_name", 3, "MESSAGE", True, ".shop.Basket.ByNameEntry")
    field(basket, "text", 4, "STRING", oneof=0)
    field(basket, "inner", 5, "MESSAGE", type_name=".shop.Basket.Inner", oneof=0)
    field(basket, "kind", 6, "ENUM", type_name=".shop.Basket.Kind")
    field(basket, "raw", 7, "BYTES")
    field(basket, "flag", 8, "BOOL")
    field(basket, "at", 9, "MESSAGE", type_name=".google.protobuf.Timestamp")
    field(basket, "exact", 10, "DOUBLE")
    field(basket, "flags", 11, "MESSAGE", True, ".shop.Basket.FlagsEntry")
    field(basket, "most", 12, "UINT64")
    field(basket, "surprise", 99, "STRING")
    pool = descriptor_pool.Default()
    import google.protobuf.timestamp_pb2  # noqa: F401 - registers what the file depends on
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Basket")), message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Basket.Inner"))


with checking("Protobuf by Google's library"):
    Basket, Inner = proto_classes()
    id = registry.register("proto-value", PROTO, "PROTOBUF")
    basket = Basket(id=-5, kind=7, raw=b"\xff\x00", flag=True, exact=0.25, text="plain", most=2**64 - 1, surprise="who knows")
    basket.items.add(name="one", delta=-3, counts=[1, 2, 300])
    basket.items.add(name="twö")
    basket.by_name["x"].delta = 9
    basket.flags[4] = True
    basket.at.seconds = 1_795_257_000
    # Message 1 of the file (the second): one index, zigzag.
    produce("proto", struct.pack(">bI", 0, id) + b"\x02\x02" + basket.SerializeToString(deterministic=True))
    # The message inside the second: two indexes.
    produce("proto", struct.pack(">bI", 0, id) + b"\x04\x02\x00" + Inner(big=2**63, small=0.5).SerializeToString())
    # The first: a lone zero.
    produce("proto", struct.pack(">bI", 0, id) + b"\x00" + b"\x0a\x03one")
    found, errors = tail("proto")
    wanted = [
        {"id": -5, "items": [{"name": "one", "delta": -3, "counts": [1, 2, 300]}, {"name": "twö"}], "by_name": {"x": {"delta": 9}}, "text": "plain",
         "kind": "GIFT", "raw": "0xff00", "flag": True, "at": {"seconds": 1_795_257_000}, "exact": 0.25, "flags": {"4": True}, "most": 2**64 - 1,
         "#99": "who knows"},
        {"big": 2**63, "small": 0.5}, {"name": "one"},
    ]
    equal("every Protobuf field as it was written", [value for _, value in found], wanted)

with checking("JSON Schema, keys too"):
    id = registry.register("json-value", json.dumps({"type": "object"}), "JSON")
    head = struct.pack(">bI", 0, id)
    produce("json", head + b'{"a": 1}', key=head + b'{"k": 2}')
    equal("JSON behind its id", tail("json")[0], [('{"k": 2}', {"a": 1})])

with checking("what cannot be read is said, and shown as it is"):
    produce("broken", struct.pack(">bI", 0, 1) + b"\xff\xff\xff")
    _, errors = tail("broken")
    check("a value that is no such Avro", "schema 1" in errors and "ends too early" in errors, errors)
    produce("stranger", struct.pack(">bI", 0, 424242) + b"x")
    _, errors = tail("stranger")
    check("a schema that is not there", "schema 424242" in errors and "nothing at" in errors, errors)
    hostile = "http://127.0.0.1:1"
    run = subprocess.run([PROGRAM, "tail", "json", "-e", "-b", BOOTSTRAP, "--registry", hostile], capture_output=True, timeout=30)
    check("a registry that is not there", run.returncode == 0 and b"cannot connect" in run.stderr, run.stderr)
    run = subprocess.run([PROGRAM, "tail", "json", "-e", "-b", BOOTSTRAP, "--registry", registry.url], capture_output=True, timeout=30)
    check("a registry that refuses us", b"refuses who we are (401)" in run.stderr, run.stderr)

with checking("changes to the registry"):
    registry.is_lookup = True
    state = {**os.environ, "XDG_STATE_HOME": os.path.join(TMP, "state")}

    def schemas(*command, stdin=None):
        result = subprocess.run([PROGRAM, "schemas", *command, *words], input=stdin, capture_output=True, timeout=30, env=state)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    small = {"type": "record", "name": "Small", "fields": [{"name": "a", "type": "int"}]}
    path = os.path.join(TMP, "small.avsc")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(small, file)
    code, out, err = schemas("register", "small-value", path, "--dry-run")
    check("shown first", code == 0 and "a new subject" in out and "curl -X POST" in out and "wonder" not in out, (out, err))
    check("and not done", "small-value" not in registry.subjects)
    equal("without --yes neither", schemas("register", "small-value", path)[0], 2)
    code, out, _ = schemas("register", "small-value", path, "--yes")
    check("registered", code == 0 and out.startswith("Version 1 of small-value, id "), out)
    code, out, _ = schemas("register", "small-value", path, "--yes")
    check("once", code == 0 and "nothing to change" in out, out)
    wider = small | {"fields": small["fields"] + [{"name": "b", "type": "int"}]}
    code, out, err = schemas("register", "small-value", "-", "--yes", stdin=json.dumps(wider).encode())
    check("what the rule forbids is not", code == 1 and "READER_FIELD_MISSING_DEFAULT_VALUE: b" in err, (code, out, err))
    wider["fields"][1]["default"] = 7
    code, out, err = schemas("register", "small-value", "-", "--dry-run", stdin=json.dumps(wider).encode())
    check("the difference is shown", code == 0 and '+      "name": "b"' in out, (out, err))
    equal("with a default it is compatible", schemas("register", "small-value", "-", "--yes", stdin=json.dumps(wider).encode())[0], 0)
    code, _, err = schemas("register", "small-value", "-", "--yes", stdin=b'{"type": "recrod"}')
    check("what is no schema is refused", code == 1 and "no AVRO schema" in err, err)
    equal("a rule of its own", schemas("compatibility", "small-value", "FULL", "--yes")[0], 0)
    equal("is there", registry.rules, {"small-value": "FULL"})
    rows = {row["subject"]: row["compatibility"] for row in json.loads(schemas("list", "-o", "json")[1])}
    check("and said", rows["small-value"] == "FULL" and rows["avro-value"] == "BACKWARD", rows)
    equal("and goes", (schemas("compatibility", "small-value", "global", "--yes")[0], registry.rules), (0, {}))
    code, out, _ = schemas("delete", "small-value", "--version", "1", "--yes")
    check("a version is deleted", code == 0 and registry.subjects["small-value"][0] is None, out)
    code, _, err = schemas("delete", "small-value", "--version", "1", "--yes")
    check("only once", code == 1 and "no version 1" in err, err)
    code, out, _ = schemas("delete", "small-value", "--yes")
    check("a subject is deleted", code == 0 and "small-value" not in registry.subjects, out)

    # Kept as a plan, and carried out as it was seen or not at all.
    plan = os.path.join(TMP, "schema-plan.json")

    def kastellan(*command):
        result = subprocess.run([PROGRAM, *command, *words], capture_output=True, timeout=30, env=state)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def keep(*command):
        code, out, err = schemas(*command, "--dry-run", "-o", "plan")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(out)
        return check(f"{command[0]} is kept as a plan", code == 0 and json.loads(out)["action"]["subject"] == "plan-value", (out, err))

    keep("register", "plan-value", path)
    check("nothing was registered", "plan-value" not in registry.subjects)
    code, out, err = kastellan("apply", plan, "--dry-run")
    check("the plan is shown", code == 0 and "a new subject" in out and "plan-value" not in registry.subjects, (out, err))
    code, out, err = kastellan("apply", plan, "--yes")
    check("and applied", code == 0 and out.startswith("Version 1 of plan-value, id "), (out, err))
    code, _, err = kastellan("apply", plan, "--yes")
    check("once", code == 1 and "not as it was previewed" in err, err)
    wide = os.path.join(TMP, "wide.avsc")
    with open(wide, "w", encoding="utf-8") as file:
        json.dump(wider, file)
    keep("register", "plan-value", wide)
    with open(wide, "w", encoding="utf-8") as file:
        json.dump(wider | {"doc": "somebody was faster"}, file)
    equal("somebody else registers a version", schemas("register", "plan-value", wide, "--yes")[0], 0)
    code, _, err = kastellan("apply", plan, "--yes")
    check("the plan is not applied then", code == 1 and "not as it was previewed" in err and len(registry.subjects["plan-value"]) == 2, err)
    keep("compatibility", "plan-value", "FULL")
    with open(plan, encoding="utf-8") as file:
        text = file.read()
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text.replace('"level":"FULL"', '"level":"NONE"'))
    code, _, err = kastellan("apply", plan, "--yes")
    check("a plan that was altered is not applied", code == 1 and "not as it was previewed" in err and registry.rules == {}, (err, registry.rules))
    with open(plan, "w", encoding="utf-8") as file:
        file.write(text)
    equal("as it was it is", (kastellan("apply", plan, "--yes")[0], registry.rules), (0, {"plan-value": "FULL"}))

    # The subjects and versions as rows for programs.
    code, out, err = kastellan("get", "schemas", "-o", "json")
    rows = {row["subject"]: row for row in json.loads(out)} if code == 0 else {}
    equal("get schemas", (rows.get("plan-value", {}).get("versions"), rows.get("plan-value", {}).get("ownRule"), "avro-value" in rows),
          (2, True, True))
    code, out, err = kastellan("get", "schemas", "plan-value", "-o", "jsonl")
    versions = [json.loads(line) for line in out.splitlines()]
    equal("the versions of one", [(row["subject"], row["version"], row["type"]) for row in versions],
          [("plan-value", 1, "AVRO"), ("plan-value", 2, "AVRO")])
    check("with ids and lines", all(row["id"] > 0 and row["lines"] > 5 for row in versions) and versions[0]["id"] != versions[1]["id"], versions)
    code, out, _ = kastellan("get", "schemas", "plan-value", "-o", "csv")
    check("as CSV", code == 0 and out.splitlines()[0].startswith("subject,version,id,type") and len(out.splitlines()) == 3, out)
    code, _, err = kastellan("get", "schemas", "no-such-value")
    check("one that is not there", code == 1 and err.strip() != "", (code, err))
    code, _, err = kastellan("schemas", "delete", "plan-value", "--yes")
    equal("deleted", code, 0)

    with open(os.path.join(TMP, "state", "kastellan", "audit.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    check("each with a line in the audit", len(lines) == 10 and "wonder" not in json.dumps(lines), lines)

done()
