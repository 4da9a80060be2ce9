# time: 120
# broker: none
"""Encrypted and authenticated listeners under other people's clients: kcat, confluent-kafka, kafka-python and aiokafka over SSL, with
client certificates, over SASL_PLAINTEXT and SASL_SSL with PLAIN and both SCRAMs; wrong passwords, authorities and protocols; users altered
while the broker runs; logins that expire; `openssl s_client`; three brokers that encrypt and log in among themselves and fail over;
`kastellan dev --secure` and our own command line."""

import asyncio
import concurrent.futures
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import aiokafka
import aiokafka.errors
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (
    AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion)
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

import harness
from console_keys import Terminal
from cluster import Cluster, free_ports
from harness import Broker, check, checking, done, equal, kastellan, run, wait_until

KEYS = os.path.join(harness.TMP, "keys")
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
USERS = 'username="nodes" password="nodes-secret" user_nodes="nodes-secret" user_alice="alice-secret";'


def key(name):
    return os.path.join(KEYS, name)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=20)


def make_keys():
    """Two authorities that know nothing of each other; a broker's and a user's certificate of the first."""
    os.makedirs(KEYS, exist_ok=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ["ca", "other"]:
        openssl("req", "-x509", *curve, "-keyout", key(f"{name}.key"), "-out", key(f"{name}.pem"), "-days", "30", "-subj", f"/CN={name}")
    with open(key("names"), "w", encoding="ascii") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ["broker", "duke"]:
        openssl("req", *curve, "-keyout", key(f"{name}.key"), "-out", key(f"{name}.csr"), "-subj", f"/O=castle/CN={name}")
        openssl("x509", "-req", "-in", key(f"{name}.csr"), "-CA", key("ca.pem"), "-CAkey", key("ca.key"), "-CAcreateserial", "-days", "30",
                "-extfile", key("names"), "-out", key(f"{name}.pem"))
    with open(key("broker.store"), "w", encoding="ascii") as store:
        for part in ["broker.key", "broker.pem"]:
            with open(key(part), encoding="ascii") as file:
                store.write(file.read())


def tls_settings():
    return {
        "ssl.keystore.type": "PEM", "ssl.keystore.location": key("broker.store"), "ssl.truststore.type": "PEM",
        "ssl.truststore.location": key("ca.pem"),
    }


class Node:
    """A broker with a listener of every kind, and whoever comes in by certificate an ordinary user of the access lists."""

    def __init__(self):
        self.directory = os.path.join(harness.TMP, "secure")
        self.names = ["SSL", "MUTUAL", "SASL_PLAINTEXT", "SASL_SSL", "SHORT"]
        self.ports = dict(zip(self.names, free_ports(len(self.names))))
        settings = {
            "node.id": 1, "log.dirs": self.directory, "num.partitions": 1, "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.replication.factor": 1, "listeners": ",".join(f"{n}://127.0.0.1:{p}" for n, p in self.ports.items()),
            "listener.security.protocol.map":
                "SSL:SSL,MUTUAL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SHORT:SASL_PLAINTEXT",
            "inter.broker.listener.name": "SASL_PLAINTEXT", "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=(.*?),O=castle$/$1/U",
            "listener.name.short.connections.max.reauth.ms": 1500, "authorizer.class.name":
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # The subjects of certificates without a rule are names as RFC 2253 writes them.
            "super.users": "User:alice;User:nodes;User:ANONYMOUS;User:DUKE", **tls_settings(),
        }
        for name in ["sasl_plaintext", "sasl_ssl", "short"]:
            settings[f"listener.name.{name}.plain.sasl.jaas.config"] = f"{PLAIN_LOGIN} {USERS}"
        self.file = os.path.join(harness.TMP, "secure.properties")
        with open(self.file, "w", encoding="utf-8") as file:
            file.writelines(f"{k}={v}\n" for k, v in settings.items())
        users = [word for m in MECHANISMS[1:] for word in ["--add-scram", f"{m}=[name=alice,password=alice-secret]"]]
        code, _, err = kastellan("storage", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", self.file, *users)
        equal("a directory is formatted with users", (code, err), (0, ""))
        self.log = open(os.path.join(harness.TMP, "secure.log"), "wb")
        self.process = subprocess.Popen([harness.PROGRAM, "broker", self.file], stdout=subprocess.PIPE, stderr=self.log)
        check("the broker starts", self.process.stdout.readline().startswith(b"bootstrap.servers="), "see secure.log")

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def stop(self):
        self.process.terminate()
        equal("the broker stops cleanly", self.process.wait(15), 0)


class Way:
    """How a client comes in: by which listener, and with what."""

    def __init__(self, node, listener, protocol, mechanism=None, user="alice", password="alice-secret", ca="ca", certificate=None):
        self.address = node if isinstance(node, str) else node.address(listener)
        self.protocol, self.mechanism, self.user, self.password = protocol, mechanism, user, password
        self.ca, self.certificate = key(f"{ca}.pem"), certificate
        self.name = " ".join(filter(None, [listener, mechanism]))

    def librdkafka(self):
        """kcat and confluent-kafka; also what our own command line reads from a file."""
        keys = {"bootstrap.servers": self.address, "security.protocol": self.protocol}
        if "SSL" in self.protocol:
            keys["ssl.ca.location"] = self.ca
        if self.certificate:
            keys.update({"ssl.certificate.location": key(f"{self.certificate}.pem"), "ssl.key.location": key(f"{self.certificate}.key")})
        if self.mechanism:
            keys.update({"sasl.mechanism": self.mechanism, "sasl.username": self.user, "sasl.password": self.password})
        return keys

    def context(self):
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(key(f"{self.certificate}.pem"), key(f"{self.certificate}.key"))
        return context

    def python(self):
        """kafka-python and aiokafka."""
        keys = {"bootstrap_servers": self.address, "security_protocol": self.protocol}
        if "SSL" in self.protocol:
            keys["ssl_context"] = self.context()
        if self.mechanism:
            keys.update(sasl_mechanism=self.mechanism, sasl_plain_username=self.user, sasl_plain_password=self.password)
        return keys


# Each client writes ten records to a topic and reads them back; raises, or returns what differs.

LINES = [f"record {number}" for number in range(10)]


def by_kcat(way, topic):
    keys = [word for k, v in way.librdkafka().items() if k != "bootstrap.servers" for word in ["-X", f"{k}={v}"]]
    code, _, err = run("kcat", "-b", way.address, *keys, "-P", "-t", topic, stdin="\n".join(LINES).encode(), seconds=20)
    if code != 0:
        raise RuntimeError(err.decode(errors="replace"))
    code, out, err = run("kcat", "-b", way.address, *keys, "-C", "-t", topic, "-c", "10", "-q", seconds=20)
    return out.decode().split("\n")[:-1]


def by_confluent(way, topic):
    keys = {**way.librdkafka(), "log_level": 0}
    producer = Producer(keys)
    for line in LINES:
        producer.produce(topic, line)
    if producer.flush(15):
        raise RuntimeError("not all records were acknowledged")
    consumer = Consumer({**keys, "group.id": f"g-{topic}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found, end = [], time.monotonic() + 15
    while len(found) < 10 and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None and not message.error():
            found.append(message.value().decode())
    consumer.close()
    return found


def by_kafka_python(way, topic):
    producer = KafkaProducer(**way.python(), max_block_ms=8000)
    for line in LINES:
        producer.send(topic, line.encode()).get(10)
    producer.close()
    consumer = KafkaConsumer(topic, **way.python(), auto_offset_reset="earliest", group_id=None)
    found, end = [], time.monotonic() + 15
    while len(found) < 10 and time.monotonic() < end:
        for batch in consumer.poll(200).values():
            found += [record.value.decode() for record in batch]
    consumer.close()
    return found


def by_aiokafka(way, topic):
    async def pass_records():
        producer = aiokafka.AIOKafkaProducer(**way.python(), request_timeout_ms=8000)
        await producer.start()
        try:
            for line in LINES:
                await producer.send_and_wait(topic, line.encode())
        finally:
            await producer.stop()
        consumer = aiokafka.AIOKafkaConsumer(topic, **way.python(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            return [(await asyncio.wait_for(consumer.getone(), 10)).value.decode() for _ in range(10)]
        finally:
            await consumer.stop()
    return asyncio.run(pass_records())


CLIENTS = {"kcat": by_kcat, "confluent": by_confluent, "kafka-python": by_kafka_python, "aiokafka": by_aiokafka}


def everybody_comes_in(node):
    ways = [Way(node, "SSL", "SSL"), Way(node, "MUTUAL", "SSL", certificate="duke")]
    ways += [Way(node, protocol, protocol, mechanism) for protocol in ["SASL_PLAINTEXT", "SASL_SSL"] for mechanism in MECHANISMS]

    def attempt(way, client):
        name = f"{client} over {way.name}"
        with checking(name):
            topic = f"{client}-{way.name}".replace(" ", "-")
            equal(name, CLIENTS[client](way, topic), LINES)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: attempt(*pair), [(way, client) for way in ways for client in CLIENTS]))


def confluent_errors(keys, seconds=6.0):
    """What a client is told of its connection."""
    errors = []
    producer = Producer({**keys, "log_level": 0, "error_cb": lambda error: errors.append(error.str())})
    producer.produce("x", "x")
    wait_until(lambda: producer.poll(0.1) or errors, seconds)
    producer.purge()
    return " | ".join(errors)


def wrong_ones_stay_out(node):
    wrong = Way(node, "SASL_SSL", "SASL_SSL", "PLAIN", password="nope")
    text = confluent_errors(wrong.librdkafka())
    check("confluent: a wrong password of PLAIN", "Authentication failed: Invalid username or password" in text, text)
    for mechanism in MECHANISMS[1:]:
        text = confluent_errors(Way(node, "SASL_SSL", "SASL_SSL", mechanism, password="nope").librdkafka())
        expected = f"due to invalid credentials with SASL mechanism {mechanism}"
        check(f"confluent: a wrong password of {mechanism}", expected in text, text)
    text = confluent_errors(Way(node, "SSL", "SSL", ca="other").librdkafka())
    check("confluent: an authority nobody knows", "certificate" in text, text)
    text = confluent_errors(Way(node, "SSL", "PLAINTEXT").librdkafka())
    check("confluent: in the clear where TLS is spoken", text != "", text)
    text = confluent_errors(Way(node, "MUTUAL", "SSL").librdkafka())
    check("confluent: without a certificate where one is required", text != "", text)
    # These two keep the broker's words in their logs.
    with checking("kafka-python: a wrong password"):
        try:
            KafkaAdminClient(**wrong.python(), bootstrap_timeout_ms=2000)
            check("kafka-python: a wrong password", False, "it came in")
        except KafkaError:
            check("kafka-python: a wrong password", True)
    with checking("aiokafka: a wrong password"):
        async def start():
            client = aiokafka.AIOKafkaProducer(**wrong.python())
            try:
                await client.start()
            finally:
                await client.stop()
        try:
            asyncio.run(start())
            check("aiokafka: a wrong password", False, "it came in")
        except aiokafka.errors.KafkaError:
            check("aiokafka: a wrong password", True)


def by_openssl(node):
    def s_client(*words, listener="SSL"):
        code, out, err = run("openssl", "s_client", "-connect", node.address(listener), *words, stdin=b"", seconds=15)
        return code, (out + err).decode(errors="replace")
    for version in ["-tls1_2", "-tls1_3"]:
        code, text = s_client(version, "-CAfile", key("ca.pem"), "-verify_return_error", "-verify_hostname", "localhost")
        check(f"openssl s_client {version}", code == 0 and "Verify return code: 0 (ok)" in text, text[-300:])
    code, text = s_client("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    check("openssl s_client: TLS 1.1 is refused", code != 0, text[-300:])
    code, text = s_client("-tls1_2", "-cert", key("duke.pem"), "-key", key("duke.key"), listener="MUTUAL")
    check("openssl s_client: a client certificate", code == 0 and "Acceptable client certificate CA names" in text, text[-300:])


def silent_ones_go(node, found):
    """Somebody who connects and says nothing in TLS is closed after the time for handshakes."""
    with socket.create_connection(("127.0.0.1", node.ports["SSL"])) as line:
        line.settimeout(14)
        started = time.monotonic()
        try:
            found.append((line.recv(1), time.monotonic() - started))
        except OSError as error:
            found.append((error, time.monotonic() - started))


def users_alter_live(node):
    admin = AdminClient({**Way(node, "SASL_SSL", "SASL_SSL", "SCRAM-SHA-512").librdkafka(), "log_level": 0})

    def alter(*changes):
        for future in admin.alter_user_scram_credentials(list(changes)).values():
            future.result(10)

    def comes_in(mechanism, password):
        way = Way(node, "SASL_PLAINTEXT", "SASL_PLAINTEXT", mechanism, "bob", password)
        return "" == confluent_errors({**way.librdkafka(), "allow.auto.create.topics": False}, 0.6)
    with checking("confluent: a user made"):
        alter(UserScramCredentialUpsertion("bob", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"b1"))
        check("confluent: a user made comes in", comes_in("SCRAM-SHA-256", "b1"))
        check("and not by the other mechanism", not comes_in("SCRAM-SHA-512", "b1"))
        found = admin.describe_user_scram_credentials(["bob"])["bob"].result(10).scram_credential_infos
        equal("confluent: and is described", [(c.mechanism, c.iterations) for c in found], [(ScramMechanism.SCRAM_SHA_256, 4096)])
    with checking("kafka-python: its password changed"):
        other = KafkaAdminClient(**Way(node, "SASL_SSL", "SASL_SSL", "PLAIN").python())
        from kafka.admin import UserScramCredentialUpsertion as Upsertion
        from kafka.admin import ScramMechanism as Mechanism
        other.alter_user_scram_credentials([Upsertion("bob", Mechanism.SCRAM_SHA_256, "b2")])
        other.close()
        check("kafka-python: its password changed, the new one is good", comes_in("SCRAM-SHA-256", "b2"))
        check("and the old one is not", not comes_in("SCRAM-SHA-256", "b1"))
    with checking("confluent: a user removed"):
        alter(UserScramCredentialDeletion("bob", ScramMechanism.SCRAM_SHA_256))
        check("confluent: a user removed stays out", not comes_in("SCRAM-SHA-256", "b2"))
        try:
            alter(UserScramCredentialDeletion("bob", ScramMechanism.SCRAM_SHA_256))
            check("and cannot be removed twice", False)
        except KafkaException as error:
            check("and cannot be removed twice", "does not exist" in str(error), error)


def own_users(node):
    """Users made and changed by `kastellan users` and by the console's keys on a terminal, judged by librdkafka's logins; their passwords
    stand in no file that is written meanwhile."""
    path = os.path.join(harness.TMP, "own-users.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{k}={v}\n" for k, v in Way(node, "SASL_SSL", "SASL_SSL", "SCRAM-SHA-512").librdkafka().items())
    state = os.path.join(harness.TMP, "own-users-state")
    environment = {"XDG_STATE_HOME": state, "CAROL": "carol-first"}

    def use(*words, stdin=None):
        return kastellan(*words, "--command-config", path, stdin=stdin, environment=environment)

    def comes_in(mechanism, password):
        way = Way(node, "SASL_PLAINTEXT", "SASL_PLAINTEXT", mechanism, "carol", password)
        return "" == confluent_errors({**way.librdkafka(), "allow.auto.create.topics": False}, 0.6)

    code, out, err = use("users", "set", "carol", "--password-from", "${env:CAROL}", "--iterations", "5000", "--yes")
    check("kastellan users set makes a user", code == 0 and out == "Create user carol: done.\n", (code, out, err))
    check("who comes in", comes_in("SCRAM-SHA-512", "carol-first"))
    code, out, _ = use("users", "list", "-o", "csv")
    check("and is listed", code == 0 and "carol,SCRAM-SHA-512,5000\n" in out, out)
    code, out, err = use("users", "set", "carol", "--mechanism", "SCRAM-SHA-256", "--yes", stdin="carol-second\n")
    check("a password can come by a pipe", code == 0 and comes_in("SCRAM-SHA-256", "carol-second"), (code, out, err))
    code, out, err = use("users", "set", "carol", "--password-from", "carol-plain", "--yes")
    check("and never by an argument", code == 2 and "carol-plain" not in out + err, (code, out, err))
    code, out, err = use("users", "set", "carol", "--dry-run", stdin="carol-dry\n")
    check("a dry run shows everything but the password", code == 0 and "new password" in out and "carol-dry" not in out + err, (out, err))
    recording = os.path.join(harness.TMP, "own-users.rec")
    terminal = Terminal("record", recording, "--command-config", path, "-c", "users", environment={**os.environ, **environment})
    terminal.expect("the console shows users", "carol", "SCRAM-SHA-256", "connected")
    terminal.press("/carol\r")
    terminal.press("e")
    terminal.expect("a form for another password", "Login of carol", "Password", "Once more")
    terminal.press("\t\tcarol-third\tcarol-third")
    terminal.expect("what is typed is not shown", "***********")
    check("nowhere on the screen", "carol-third" not in terminal.text, terminal.text)
    terminal.press("\r")
    terminal.expect("a plan without it", "Change the password of carol", "new password")
    check("nor in the plan", "carol-third" not in terminal.text, terminal.text)
    terminal.press("\t\r")
    terminal.expect("carried out and checked", "carol logs in by SCRAM-SHA-256 with the new password")
    terminal.press("\x1b", "\x03")
    terminal.ended()
    check("the new password is good, the old one is not", comes_in("SCRAM-SHA-256", "carol-third") and not comes_in(
        "SCRAM-SHA-256", "carol-second"))
    found = []
    for folder, _, names in os.walk(state):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            found += [(name, word) for word in [b"carol-first", b"carol-second", b"carol-third", b"carol-dry"] if word in data]
    with open(recording, "rb") as file:
        data = file.read()
    check("no password is in the audit, the history or the recording", found == [] and b"third" not in data, found)
    with open(os.path.join(state, "kastellan", "audit.jsonl"), encoding="utf-8") as audit:
        lines = audit.read()
    check("and the changes are in the audit", lines.count("carol") >= 3, lines)
    code, out, err = use("users", "remove", "carol", "--mechanism", "SCRAM-SHA-256", "--yes")
    check("one login taken away, the other stays", code == 0 and comes_in("SCRAM-SHA-512", "carol-first") and not comes_in(
        "SCRAM-SHA-256", "carol-third"), (code, out, err))


def logins_expire(node):
    """A login of 1.5 seconds: who makes it again in time stays, who does not is closed."""
    way = Way(node, "SHORT", "SASL_PLAINTEXT", "PLAIN")
    line = socket.create_connection(("127.0.0.1", node.ports["SHORT"]))

    def ask(api, version, body):
        frame = struct.pack(">hhih", api, version, 1, 1) + b"x" + body
        line.sendall(struct.pack(">i", len(frame)) + frame)
        head = line.recv(4, socket.MSG_WAITALL)
        return line.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL) if len(head) == 4 else None
    ask(17, 1, struct.pack(">h", 5) + b"PLAIN")
    token = b"\0alice\0alice-secret"
    answer = ask(36, 1, struct.pack(">i", len(token)) + token)
    equal("a login is said to last 1.5 seconds", struct.unpack(">q", answer[-8:])[0], 1500)
    check("and requests are served", ask(3, 1, struct.pack(">i", 0)) is not None)
    producer = KafkaProducer(**way.python())
    producer.send("short", b"before").get(10)
    time.sleep(1.7)
    equal("an expired login is served nothing", ask(3, 1, struct.pack(">i", 0)), None)
    line.close()
    with checking("kafka-python goes on after its login expired"):
        producer.send("short", b"after").get(10)
        producer.close()
        check("kafka-python goes on after its login expired", True)


def own_command_line(node):
    def use(way, *words):
        path = os.path.join(harness.TMP, f"client-{threading.get_ident()}.properties")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{k}={v}\n" for k, v in way.librdkafka().items())
        return kastellan(*words, "--command-config", path)
    for way in [Way(node, "SSL", "SSL"), Way(node, "MUTUAL", "SSL", certificate="duke"), Way(node, "SASL_PLAINTEXT", "SASL_PLAINTEXT", "PLAIN"),
                Way(node, "SASL_SSL", "SASL_SSL", "SCRAM-SHA-256"), Way(node, "SASL_SSL", "SASL_SSL", "SCRAM-SHA-512")]:
        code, out, err = use(way, "topics", "list")
        check(f"kastellan over {way.name}", code == 0 and "kcat-SSL" in out, f"{code} {err}")
    code, _, err = use(Way(node, "SASL_SSL", "SASL_SSL", "SCRAM-SHA-256", password="nope"), "topics", "list")
    check("kastellan says what is wrong with a login", code == 4 and "invalid credentials" in err and "nope" not in err, f"{code} {err}")
    code, _, err = use(Way(node, "SSL", "SSL", ca="other"), "topics", "list", "--timeout", "3000")
    check("kastellan does not believe another authority", code == 5 and "certificate verify failed" in err, f"{code} {err}")


def three_brokers():
    jaas = f"{PLAIN_LOGIN} {USERS}"
    settings = {
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL", "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS), "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN", "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": jaas, "listener.name.controller.plain.sasl.jaas.config": jaas,
        # Brokers too must log in again while the cluster works.
        "connections.max.reauth.ms": 2500, "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:nodes;User:alice", **tls_settings(),
    }
    cluster = Cluster(3, settings, directory=os.path.join(harness.TMP, "three"), listener="SASL_SSL")
    try:
        cluster.start()
        way = Way(cluster.bootstrap, "SASL_SSL", "SASL_SSL", "PLAIN")
        keys = {**way.librdkafka(), "log_level": 0}
        admin = AdminClient(keys)
        from confluent_kafka.admin import NewTopic
        admin.create_topics([NewTopic("safe", 3, 3)])["safe"].result(15)
        producer = Producer({**keys, "enable.idempotence": True, "linger.ms": 5})
        lost, acknowledged = [], []

        def noted(error, message):
            (lost if error else acknowledged).append(message.value())
        for number in range(3000):
            producer.produce("safe", b"%d" % number, on_delivery=noted)
            if number == 1000:
                cluster.node(2).kill()
            if number % 10 == 0:
                producer.poll(0.01)
        producer.flush(20)
        equal("three brokers over SASL_SSL: all is acknowledged while one dies", (len(acknowledged), lost), (3000, []))
        cluster.node(2).start()
        check("a broker that comes back is let in", cluster.node(2).wait_ready(20), cluster.node(2).tail())

        def in_sync():
            return all(len(p.isrs) == 3 for p in admin.list_topics("safe", timeout=5).topics["safe"].partitions.values())
        check("and is in sync again", wait_until(in_sync, 20))
        consumer = Consumer({**keys, "group.id": "g", "auto.offset.reset": "earliest"})
        consumer.subscribe(["safe"])
        found, end = set(), time.monotonic() + 20
        while len(found) < 3000 and time.monotonic() < end:
            found |= {m.value() for m in consumer.consume(500, 0.3) if not m.error()}
        consumer.close()
        equal("nothing is lost", len(found), 3000)
        equal("no broker ended by itself", cluster.crashes(), [])
    finally:
        cluster.close()


def dev_secure():
    with Broker(data=os.path.join(harness.TMP, "dev"), arguments=["--secure"]) as broker:
        folder = os.path.join(broker.data, "security")
        modes = {name: oct(os.stat(os.path.join(folder, name)).st_mode & 0o777) for name in os.listdir(folder)}
        equal("dev --secure: its secrets are its owner's", set(modes.values()), {"0o600"})
        conf, properties = os.path.join(folder, "librdkafka.conf"), os.path.join(folder, "client.properties")
        code, out, err = run("kcat", "-F", conf, "-P", "-t", "t", stdin=b"a\nb\n", seconds=20)
        code, out, err = run("kcat", "-F", conf, "-C", "-t", "t", "-c", "2", "-q", seconds=20)
        equal("dev --secure: kcat -F librdkafka.conf", (code, out), (0, b"a\nb\n"))
        code, out, err = kastellan("topics", "list", "--names", "--command-config", properties)
        check("dev --secure: kastellan with client.properties", code == 0 and "t" in out.split(), f"{code} {out} {err}")
        code, out, err = run("kcat", "-b", broker.bootstrap, "-L", "-m", "2", seconds=20)
        check("dev --secure: nobody comes in without a login", code != 0, out)
        broker.stop()
        broker.start()
        code, out, err = run("kcat", "-F", conf, "-C", "-t", "t", "-c", "2", "-q", seconds=20)
        equal("dev --secure: and after a restart", (code, out), (0, b"a\nb\n"))


make_keys()
secure = Node()
silent = []
watcher = threading.Thread(target=silent_ones_go, args=(secure, silent))
watcher.start()
with concurrent.futures.ThreadPoolExecutor(2) as both:
    jobs = [both.submit(three_brokers), both.submit(dev_secure)]
    everybody_comes_in(secure)
    for part in [wrong_ones_stay_out, by_openssl, users_alter_live, own_users, logins_expire, own_command_line]:
        with checking(part.__name__):
            part(secure)
    for name, job in zip(["three brokers", "dev --secure"], jobs):
        with checking(name):
            job.result()
watcher.join()
check("who says nothing in TLS is closed after ten seconds", silent and 9 < silent[0][1] < 13, silent)
secure.stop()
done()
