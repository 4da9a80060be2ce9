# time: 180
# broker: none
"""Contexts: clusters by name against a secure cluster; other programs' configurations read in place and taken over; secrets from the
environment, files and commands and never on the screen; read-only contexts; OAUTHBEARER against a listener that checks the token;
the console's list of contexts, going over to another, arming."""

import base64
import json
import os
import socket
import struct
import threading
import time

import harness
from harness import Broker, check, checking, done, equal, kastellan
from console_keys import ENTER, ESC, Terminal

HOME = os.path.join(harness.TMP, "home")
CONFIG = os.path.join(HOME, ".config", "kastellan")
PLACES = {
    "HOME": HOME, "XDG_CONFIG_HOME": os.path.join(HOME, ".config"), "XDG_STATE_HOME": os.path.join(HOME, "state"),
    "KASTELLAN_BOOTSTRAP": "",
}
SECRET = "alice-secret"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def ours(*words, environment=None, **more):
    return kastellan(*words, environment={**PLACES, **(environment or {})}, **more)


def properties(path):
    out = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            if "=" in line and not line.startswith("#"):
                key, value = line.rstrip("\n").split("=", 1)
                out[key] = value.replace("\\", "")
    return out


def by_name(broker):
    """A client.properties as it is, the same through YAML, and a secret from three places."""
    java = f"{broker.data}/security/client.properties"
    with open(java, encoding="ascii") as file:
        text = file.read()
    write(f"{CONFIG}/contexts/plain.properties", text)
    rdkafka = properties(f"{broker.data}/security/librdkafka.conf")
    password = rdkafka.pop("sasl.password")
    rows = "\n".join(f"      {key}: \"{value}\"" for key, value in rdkafka.items() if key != "bootstrap.servers")
    servers = f"      bootstrap.servers: [{broker.bootstrap}]\n"
    write(f"{HOME}/secret", password + "\n")
    script = write(f"{HOME}/tell", f"#!/bin/sh\n[ \"$1\" = 'the one' ] && echo {password}\n")
    os.chmod(script, 0o700)
    sources = {"environment": "${env:CASTLE_PASSWORD}", "file": f"${{file:{HOME}/secret}}", "command": f"${{command:{script} 'the one'}}",
               "unset": "${env:NOBODY_SET_THIS}", "failing": "${command:/bin/false}"}
    text = "contexts:\n"
    for name, source in sources.items():
        text += f"  {name}:\n    color: red\n    read-only: {'true' if name == 'file' else 'false'}\n    properties:\n{servers}{rows}\n"
        text += f"      sasl.password: \"{source}\"\n"
    text += f"  pointing:\n    properties-file: {java}\n"
    write(f"{CONFIG}/contexts.yaml", text)
    names = ["plain", "environment", "file", "command", "pointing"]
    for name in names:
        code, out, err = ours("topics", "create", f"by-{name}", "--context", name, environment={"CASTLE_PASSWORD": password})
        if name == "file":
            check("a read-only context refuses a change", code == 1 and "is read-only" in err and "contexts.yaml" in err, (code, out, err))
        else:
            equal(f"a topic by context {name}", (code, out), (0, f"Created topic by-{name}.\n"))
    code, out, err = ours("produce", "by-plain", "--context", "file", stdin="x\n")
    check("and a record", code == 1 and "read-only" in err, (code, err))
    code, out, err = ours("topics", "list", "--names", "--context", "file")
    check("and lets one read", code == 0 and "by-plain" in out, (code, err))
    code, out, err = ours("topics", "list", "--context", "unset")
    check("a variable that is not set is named, with the line", code == 1 and "NOBODY_SET_THIS" in err and "contexts.yaml:" in err, err)
    code, out, err = ours("topics", "list", "--context", "failing")
    check("a command that fails is named", code == 1 and "/bin/false: ended with exit code 1" in err, err)
    code, out, err = ours("topics", "list", "--context", "plane")
    check("a name that is nearly one", code == 2 and 'did you mean "plain"' in err, err)
    info = ""
    for name in names:
        code, out, err = ours("info", "--context", name, "-o", "jsonl", environment={"CASTLE_PASSWORD": password})
        info += out + err
        rows = {row["what"]: row for row in map(json.loads, out.splitlines())}
        check(f"info of {name}", code == 0 and rows["bootstrap.servers"]["value"] == broker.bootstrap
              and ":" in rows["bootstrap.servers"]["from"], (code, out, err))
    check("no secret is in it", password not in info, "")
    check("but where they come from", "environment CASTLE_PASSWORD" in info and f"file {HOME}/secret" in info
          and f"command {script}" in info, info)
    code, out, err = ours("contexts", "list", "-o", "json")
    listed = {row["context"]: row for row in json.loads(out)}
    check("contexts are listed", set(names) <= set(listed) and listed["file"]["readOnly"] and listed["plain"]["security"].startswith("SASL_SSL"),
          out)
    equal("contexts use", ours("contexts", "use", "plain")[:2], (0, "using plain\n"))
    check("is kept", "by-plain" in ours("topics", "list", "--names")[1], "")
    code, out, err = ours("topics", "list", "-b", "127.0.0.1:1", "--timeout", "2000")
    check("but an address is another cluster", code == 5, (code, err))
    ours("contexts", "use", "--none")
    write(f"{CONFIG}/contexts/broken.yaml", "properties:\n  a: 1\n  a: 2\n")
    code, out, err = ours("contexts", "list")
    check("a mistake is told with its line, and the others are listed",
          code == 3 and "broken.yaml: line 3: a is there twice" in err and "plain" in out, (code, err))
    os.remove(f"{CONFIG}/contexts/broken.yaml")
    return password


def other_programs(broker, password):
    rdkafka = properties(f"{broker.data}/security/librdkafka.conf")
    user, authority, mechanism = rdkafka["sasl.username"], rdkafka["ssl.ca.location"], rdkafka.get("sasl.mechanism") or rdkafka["sasl.mechanisms"]
    servers = ", ".join(broker.bootstrap.split(","))
    write(f"{HOME}/.kaf/config", f"""current-cluster: castle
clusters:
- name: castle
  brokers: [{servers}]
  SASL: {{mechanism: {mechanism}, username: {user}, password: {password}}}
  TLS: {{cafile: {authority}, insecure: false}}
  security-protocol: SASL_SSL
""")
    words = {"SCRAM-SHA-512": "scram-sha512", "SCRAM-SHA-256": "scram-sha256", "PLAIN": "plaintext"}
    write(f"{HOME}/.config/kafkactl/config.yml", f"""contexts:
  castle:
    brokers: [{servers}]
    tls: {{enabled: true, ca: {authority}}}
    sasl: {{enabled: true, username: {user}, password: {password}, mechanism: {words[mechanism]}}}
""")
    write(f"{HOME}/.config/rpk/rpk.yaml", f"""profiles:
  - name: castle
    kafka_api:
      brokers: [{servers}]
      tls: {{ca_file: {authority}}}
      sasl: {{user: {user}, password: {password}, mechanism: {mechanism}}}
""")
    with open(f"{broker.data}/security/librdkafka.conf", encoding="ascii") as file:
        write(f"{HOME}/.config/kcat.conf", file.read())
    for name in ["kaf/castle", "kafkactl/castle", "rpk/castle", "kcat/default"]:
        code, out, err = ours("topics", "list", "--names", "--context", name)
        check(f"read in place: {name}", code == 0 and "by-plain" in out, (code, err))
    for program in ["kaf", "kcat"]:
        code, out, err = ours("contexts", "import", program)
        name = "castle" if program == "kaf" else "kcat"
        path = f"{CONFIG}/contexts/{name}.yaml"
        check(f"import from {program}", code == 0 and path in out and password not in out + err, (code, out, err))
        check("for nobody else's eyes", os.stat(path).st_mode & 0o777 == 0o600, "")
        code, out, err = ours("topics", "list", "--names", "--context", name)
        check(f"and used: {name}", code == 0 and "by-plain" in out, (code, err))
    code, out, err = ours("contexts", "import", "kafkactl")
    check("what is there is left as it is", code == 1 and "there already" in err, (code, err))
    password_in = ours("info", "--context", "kaf/castle")[1]
    check("what others keep in the open is hidden too", password not in password_in and "(hidden)" in password_in, password_in)


class TokenListener:
    """A listener with OAUTHBEARER as Kafka's has it: reads the login by itself, then hands the connection on to a broker without one."""

    def __init__(self, behind):
        self.behind = behind
        self.good = "none"
        self.seen = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @staticmethod
    def exactly(sock, count):
        out = b""
        while len(out) < count:
            part = sock.recv(count - len(out))
            if not part:
                raise ConnectionError("closed")
            out += part
        return out

    def frame(self, sock):
        return self.exactly(sock, struct.unpack(">i", self.exactly(sock, 4))[0])

    def login(self, client):
        """True once the token was good. ApiVersions goes to the broker behind, with SaslHandshake and SaslAuthenticate added by it."""
        with socket.create_connection(self.behind) as behind:
            while True:
                request = self.frame(client)
                key, version, correlation = struct.unpack(">hhi", request[:8])
                if key == 18:
                    behind.sendall(struct.pack(">i", len(request)) + request)
                    answer = self.frame(behind)
                elif key == 17:
                    length = struct.unpack(">h", request[8:10])[0]
                    name_at = 10 + max(0, length)
                    name = request[name_at + 2:name_at + 2 + struct.unpack(">h", request[name_at:name_at + 2])[0]]
                    self.seen.append(name)
                    answer = struct.pack(">ihi", correlation, 0, 1) + struct.pack(">h", 11) + b"OAUTHBEARER"
                elif key == 36:
                    token = request[request.index(b"n,,"):] if b"n,," in request else request[-2:]
                    self.seen.append(token)
                    text = f"auth=Bearer {self.good}\x01".encode()
                    # Version 2: flexible.
                    def reply(code, message, body, lifetime):
                        text = bytes([len(message) + 1]) + message if message is not None else b"\x00"
                        return (struct.pack(">ib", correlation, 0) + struct.pack(">h", code) + text + bytes([len(body) + 1]) + body
                                + struct.pack(">q", lifetime) + b"\x00")
                    assert version == 2, version
                    if text in token:
                        answer = reply(0, None, b"", 3_600_000)
                        client.sendall(struct.pack(">i", len(answer)) + answer)
                        return True
                    if b"n,," in token:
                        answer = reply(0, None, b'{"status":"invalid_token"}', 0)
                    else:
                        self.seen.append("told")
                        answer = reply(58, b'{"status":"invalid_token"}', b"", 0)
                else:
                    raise ConnectionError("a request before the login")
                client.sendall(struct.pack(">i", len(answer)) + answer)

    def serve(self, client):
        try:
            if not self.login(client):
                return
            behind = socket.create_connection(self.behind)

            def pump(a, b):
                try:
                    while data := a.recv(65536):
                        b.sendall(data)
                except OSError:
                    pass
                finally:
                    b.close()
            threading.Thread(target=pump, args=(behind, client), daemon=True).start()
            pump(client, behind)
        except (ConnectionError, OSError, ValueError):
            client.close()


def jwt(seconds):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'none'})}.{part({'sub': 'ops', 'exp': int(time.time()) + seconds})}.c2ln"


def tokens(broker):
    host, port = broker.bootstrap.split(",")[0].rsplit(":", 1)
    listener = TokenListener((host, int(port)))
    count = f"{HOME}/count"
    token = f"{HOME}/token"
    script = write(f"{HOME}/fetch-token", f"#!/bin/sh\necho x >> {count}\ncat {token}\n")
    os.chmod(script, 0o700)
    write(f"{CONFIG}/contexts/oauth.yaml", f"""properties:
  bootstrap.servers: 127.0.0.1:{listener.port}
  security.protocol: SASL_PLAINTEXT
  sasl.mechanism: OAUTHBEARER
  kastellan.oauthbearer.token.command: {script}
  sasl.oauthbearer.extensions: logicalCluster=lkc-1
""")
    listener.good = jwt(600)
    write(token, listener.good + "\n")
    code, out, err = ours("get", "overview", "--context", "oauth", "-o", "json", "--timeout", "10000")
    # The cluster tells its real address, which asks for no login: what counts is that the first connection came in.
    check("a token of a command lets one in", b"OAUTHBEARER" in listener.seen and any(b"n,,\x01auth=Bearer " in s and b"\x01logicalCluster=lkc-1\x01\x01" in s
          for s in listener.seen if isinstance(s, bytes)), (code, err, listener.seen))
    with open(count, encoding="ascii") as file:
        equal("which was asked once", len(file.read().split()), 1)
    write(token, "another-token\n")
    code, out, err = ours("topics", "list", "--context", "oauth", "--timeout", "4000")
    check("a token that is refused is told so", code == 4 and "invalid_token" in err and "another-token" not in err, (code, err))
    check("by the broker's last word", "told" in listener.seen, listener.seen)
    write(token, "two tokens\n")
    code, out, err = ours("topics", "list", "--context", "oauth", "--timeout", "3000")
    check("what is no token is not sent, nor shown", code != 0 and "one token" in err and "two tokens" not in err, (code, err))


def console(broker, password):
    """The list, another cluster, a colour, arming; and nothing of the first cluster on the second one's screen."""
    with Broker() as other:
        write(f"{CONFIG}/contexts/elsewhere.yaml", f"read-only: true\ncolor: blue\nproperties:\n  bootstrap.servers: {other.bootstrap}\n")
        equal("a topic elsewhere", kastellan("topics", "create", "far-away", bootstrap=other.bootstrap)[0], 0)
        terminal = Terminal("--context", "plain", "-c", "topics", environment=PLACES)
        try:
            terminal.expect("the first cluster's topics", "by-plain")
            terminal.press("@")
            terminal.expect("the list of contexts", "Contexts(plain)", "elsewhere", "kaf/castle")
            check("without secrets", password not in terminal.raw.decode(errors="replace"), "")
            terminal.type(":topics @elsewhere" + ENTER)
            terminal.expect("another cluster's topics", "far-away")
            check("nothing of the other is left", "by-plain" not in terminal.text, terminal.text)
            check("the context is read-only", "read-only" in terminal.text, terminal.text)
            terminal.press("n")
            terminal.expect("a change is refused", "Read-only: create")
            terminal.type(":arm 2" + ENTER)
            terminal.expect("armed, with what is left of it", "armed 1:5")
            terminal.press("n")
            terminal.expect("changes are there", "New topic")
            terminal.press(ESC)
            terminal.type(":disarm" + ENTER)
            terminal.expect("and gone again", "Read-only again")
            terminal.type(":ctx plain" + ENTER)
            terminal.expect("back", "kastellan  plain")
            terminal.press("3")
            terminal.expect("with its topics", "by-plain")
            check("and none of the others", "far-away" not in terminal.text, terminal.text)
        finally:
            terminal.close()


def main():
    os.makedirs(HOME, exist_ok=True)
    broker = Broker(arguments=["--secure"]).start()
    plain = Broker().start()
    try:
        password = None
        with checking("contexts by name"):
            password = by_name(broker)
        with checking("other programs"):
            other_programs(broker, password)
        with checking("tokens"):
            tokens(plain)
        with checking("the console"):
            console(broker, password)
    finally:
        broker.kill()
        plain.kill()
    done()


if __name__ == "__main__":
    main()
