# time: 180
# broker: none
"""The program's own promises: the headless line, signals, the lock, exit codes, pipes, tail and produce, completions, the man page."""

import json
import os
import signal
import socket
import subprocess
import time

from harness import PROGRAM, TMP, Broker, check, checking, done, equal, kastellan, kcat, run, wait_until


def headless_line_and_signals():
    for how in [signal.SIGTERM, signal.SIGINT]:
        broker = Broker().start()
        check("headless prints the line of its address", broker.line == f"bootstrap.servers={broker.bootstrap}\n", broker.line)
        kcat("-P", "-t", "kept", stdin=b"a\n", bootstrap=broker.bootstrap)
        equal(f"{how.name} ends it with 0", broker.stop(how), 0)
        check("and it prints nothing else", broker.process.stdout.read() == b"", "")
        check("the clean stop is marked", os.path.exists(f"{broker.data}/broker-1/.kafka_cleanshutdown"), "")


def lock_and_port():
    with Broker() as first:
        code, out, err = kastellan("dev", "--headless", "--port", "0", "--data", first.data)
        check("a second start on the same data is refused", code == 1 and out == "", (code, out))
        check("in one line that says why", err.count("\n") == 1 and "lock" in err.lower() or "use" in err, err)
        code, out, err = kastellan("dev", "--headless", "--port", str(first.port), "--ephemeral")
        check("a port in use is refused in one line", code == 1 and str(first.port) in err and err.count("\n") == 1, (code, err))
        code, out, err = kastellan("dev", "--headless", "--port", "0", "--brokers", "3", "--data", first.data)
        check("three brokers do not start on the data of one", code == 1 and "of a cluster of 1 broker" in err, (code, err))


def storage_tool():
    """kafka-storage's words and exit codes, as recorded."""
    folder = os.path.join(TMP, "storage")
    os.makedirs(folder)
    settings = f"{folder}/server.properties"
    with open(settings, "w", encoding="ascii") as file:
        file.write(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3\n"
            "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0\ncontroller.listener.names=CONTROLLER\n"
            f"log.dirs={folder}/a\n")
    code, out, err = kastellan("storage", "random-uuid")
    check("a random id has 22 characters", code == 0 and len(out) == 23, (code, out))
    code, out, err = kastellan("storage", "info", "-c", settings)
    check("what is missing is a problem", code == 1 and f"  {folder}/a does not exist\n" in out, (code, out))
    code, out, err = kastellan("broker", settings)
    check("a node of several needs a formatted directory", code == 1 and "No `meta.properties` found in" in err, (code, err))
    cluster = "4L6g3nShT-eMCtK--X86sw"
    code, out, err = kastellan("storage", "format", "-t", cluster, "-c", settings)
    check("format tells what it does", code == 0 and f"Formatting metadata directory {folder}/a with metadata.version" in out, (code, out))
    code, out, err = kastellan("storage", "format", "-t", cluster, "-c", settings)
    check("once is enough", code == 1 and f"Log directory {folder}/a is already formatted. Use --ignore-formatted" in err, (code, err))
    code, out, err = kastellan("storage", "format", "-t", cluster, "-c", settings, "--ignore-formatted")
    equal("unless that may be", (code, out), (0, "All of the log directories are already formatted.\n"))
    code, out, err = kastellan("storage", "format", "-t", "AAAAAAAAAAAAAAAAAAAABw", "-c", settings, "-g")
    check("another cluster's is refused", code == 1 and f"but read {cluster}" in err, (code, err))
    code, out, err = kastellan("storage", "info", "-c", settings)
    check("info tells whose it is", code == 0 and f"cluster.id={cluster}" in out and "node.id=1" in out, (code, out))


def data_directory_default_and_ephemeral():
    home = os.path.join(TMP, "home")
    temporary = os.path.join(TMP, "tmp")
    os.makedirs(temporary)
    process = subprocess.Popen(
        [PROGRAM, "dev", "--headless", "--port", "0"], stdout=subprocess.PIPE,
        env={**os.environ, "XDG_DATA_HOME": home, "TMPDIR": temporary})
    process.stdout.readline()
    check("data lies under XDG_DATA_HOME", os.path.isdir(f"{home}/kastellan/dev/broker-1"), "")
    process.terminate()
    process.wait(10)
    process = subprocess.Popen(
        [PROGRAM, "dev", "--headless", "--port", "0", "--ephemeral"], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": temporary})
    process.stdout.readline()
    check("ephemeral data lies in a temporary directory", len(os.listdir(temporary)) == 1, os.listdir(temporary))
    process.terminate()
    process.wait(10)
    equal("which goes with it", os.listdir(temporary), [])


def usage():
    for words, text in [
        ([], "what to do"), (["tial"], "did you mean"), (["tail"], "needs TOPIC"), (["dev", "--port", "99999"], "between"),
        (["topics"], "what?"), (["groups", "reset-offsets", "g"], "exactly one"), (["-b", "no:such:thing"], "HOST:PORT"),
    ]:
        code, out, err = kastellan(*words)
        check(f"usage: {' '.join(words) or 'nothing'}", code == 2 and text in err and out == "" and err.count("\n") == 1, (code, err))
    code, out, err = kastellan("--help")
    check("--help goes to standard output", code == 0 and "Usage:" in out and err == "", (code, err))
    code, out, err = kastellan("version")
    check("version", code == 0 and out.startswith("kastellan "), out)
    code, out, err = kastellan("info")
    check("info names the paths", code == 0 and "dev data" in out, out)
    for shell in ["bash", "zsh", "fish"]:
        code, out, err = kastellan("completion", shell)
        check(f"completion for {shell}", code == 0 and "reset-offsets" in out, (code, err))
    code, out, err = run("bash", "-n", stdin=kastellan("completion", "bash")[1].encode())
    check("which bash can read", code == 0, err)
    code, out, err = kastellan("console")
    check("the console without a terminal is refused", code == 1 and err.count("\n") == 1, (code, err))


def unreachable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    for words in [["topics", "list"], ["tail", "t", "-e"], ["produce", "t"], ["topics", "create", "t"], ["get", "overview"]]:
        code, out, err = kastellan(*words, "-b", address, "--timeout", "3000", stdin="x\n")
        check(f"nobody there: {words[0]} {words[1]}", code == 5 and err.count("\n") == 1 and address in err, (code, err))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        started = time.monotonic()
        code, out, err = kastellan("topics", "list", "-b", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "1000")
        took = time.monotonic() - started
        check("somebody who says nothing: timeout", code in (124, 5) and took < 8, (code, err, took))


def tail_and_produce(broker):
    def kas(*words, **more):
        return kastellan(*words, bootstrap=broker.bootstrap, **more)

    lines = "".join(f"key{i}|value {i}\n" for i in range(5000))
    equal("produce", kas("produce", "pipe", "-K", "|", "-z", "zstd", "-H", "from=us", stdin=lines)[0], 0)
    code, out, err = kas("tail", "pipe", "-e", "-f", "%k|%s\\n")
    equal("tail gives them back", (code, out == lines), (0, True))
    code, out, err = kcat("-C", "-t", "pipe", "-e", "-q", "-f", "%k|%s %h\n", "-o", "-1", bootstrap=broker.bootstrap)
    equal("kcat reads key, value and header", out, b"key4999|value 4999 from=us\n")
    code, out, err = kas("tail", "pipe", "-o", "-3", "-n", "2", "-f", "json")
    rows = [json.loads(line) for line in out.splitlines()]
    equal("the last three, of them two, as JSON", [r["payload"] for r in rows], ["value 4997", "value 4998"])
    equal("with headers", rows[0]["headers"], [["from", "us"]])
    raw = bytes(range(1, 256)).replace(b"\n", b"")
    run(PROGRAM, "produce", "bytes", stdin=raw + b"\n", environment={"KASTELLAN_BOOTSTRAP": broker.bootstrap})
    code, out, err = run(PROGRAM, "tail", "bytes", "-e", environment={"KASTELLAN_BOOTSTRAP": broker.bootstrap})
    equal("a pipe gets the bytes as they are", out, raw + b"\n")
    code, out, err = run("script", "-qec", f"{PROGRAM} tail bytes -e -b {broker.bootstrap}", "/dev/null")
    check("a terminal gets no escape from a record", b"\x1b" not in out and b"\\x1b" in out, out[:200])
    code, out, err = kas("tail", "nosuch", "-e")
    check("tail of an unknown topic", code == 1 and "nosuch" in err, (code, err))
    code, out, err = kas("produce", "bad name", stdin="x\n")
    check("produce to a bad name", code == 1 and "bad name" in err, (code, err))
    follower = subprocess.Popen(
        [PROGRAM, "tail", "pipe", "-b", broker.bootstrap, "-n", "1"], stdout=subprocess.PIPE)
    for _ in range(50):
        kas("produce", "pipe", stdin="news\n")
        if follower.poll() is not None:
            break
        time.sleep(0.1)
    equal("tail follows", follower.communicate(timeout=10)[0], b"news\n")
    head = subprocess.run(
        f"{PROGRAM} tail pipe -o beginning -b {broker.bootstrap} | head -n 1", shell=True, capture_output=True, timeout=20, check=False)
    equal("and ends with the reader of its pipe", head.stdout.count(b"\n"), 1)


def administration(broker):
    def kas(*words, **more):
        return kastellan(*words, bootstrap=broker.bootstrap, **more)

    equal("create", kas("topics", "create", "made", "-p", "3", "-c", "retention.ms=60000")[:2], (0, "Created topic made.\n"))
    code, out, err = kas("topics", "create", "made")
    check("create again", code == 1 and "made" in err and err.count("\n") == 1, (code, err))
    equal("create again, content", kas("topics", "create", "made", "--if-not-exists")[0], 0)
    kcat("-P", "-t", "made", "-p", "0", stdin=b"x\n" * 100, bootstrap=broker.bootstrap)
    run("timeout", "20", "kcat", "-b", broker.bootstrap, "-G", "readers", "-e", "-q", "-X", "auto.offset.reset=earliest", "made", seconds=30)
    code, out, err = kas("groups", "describe", "readers", "-o", "json")
    rows = {r["partition"]: r for r in json.loads(out)}
    equal("the group's commits", (rows[0]["currentOffset"], rows[0]["lag"]), (100, 0))
    code, out, err = kas("groups", "reset-offsets", "readers", "--topic", "made:0", "--shift-by", "-40")
    check("a change without --yes is refused in a pipe", code == 2 and "--yes" in err, (code, err))
    code, out, err = kas("groups", "reset-offsets", "readers", "--topic", "made:0", "--shift-by", "-40", "--dry-run")
    check("the dry run shows before and after and Kafka's command", "60" in out and "kafka-consumer-groups" in out, out)
    equal("reset", kas("groups", "reset-offsets", "readers", "--topic", "made:0", "--shift-by", "-40", "--yes")[0], 0)
    rows = {r["partition"]: r for r in json.loads(kas("groups", "describe", "readers", "-o", "json")[1])}
    equal("the lag after it", rows[0]["lag"], 40)
    csv = kas("groups", "reset-offsets", "readers", "--topic", "made:0", "--to-earliest", "--export")[1]
    equal("export", csv, "made,0,0\n")
    path = os.path.join(TMP, "offsets.csv")
    with open(path, "w", encoding="ascii") as file:
        file.write("made,0,7\n")
    equal("reset from a file", kas("groups", "reset-offsets", "readers", "--from-file", path, "--yes")[0], 0)
    equal("alter", kas("topics", "alter", "made", "--partitions", "4", "--set", "retention.ms=70000", "--yes")[0], 0)
    configs = {r["key"]: r["value"] for r in json.loads(kas("topics", "describe", "--configs", "made", "-o", "json")[1])}
    equal("the config is set", configs["retention.ms"], "70000")
    equal("trim", kas("topics", "trim", "made", "--before", "50", "-p", "0", "--yes")[0], 0)
    partitions = json.loads(kas("topics", "describe", "made", "-o", "json")[1])
    equal("four partitions, the first trimmed", [p["logStartOffset"] for p in partitions], [50, 0, 0, 0])
    for form in ["table", "json", "jsonl", "csv"]:
        for view in ["overview", "brokers", "topics", "partitions", "groups", "members", "lag", "configs"]:
            code, out, err = kas("get", view, "-o", form)
            # Nobody is a member now, and no rows in JSON lines are no lines.
            check(f"get {view} as {form}", code == 0 and (out or (view, form) == ("members", "jsonl")), (code, err))
    code, out, err = kas("groups", "describe", "nosuch")
    check("an unknown group", code == 1 and "nosuch" in err, (code, err))
    equal("delete the group", kas("groups", "delete", "readers", "--yes")[:2], (0, "Deleted group readers.\n"))
    code, out, err = kas("topics", "delete", "made", "nosuch", "--yes")
    equal("of two topics one is there: partial", code, 3)
    gone = wait_until(lambda: "made" not in kas("topics", "list", "--names")[1].split())
    check("deleted", gone, "")


def one_broker_by_its_properties():
    path = os.path.join(TMP, "server.properties")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"node.id=7\nprocess.roles=broker,controller\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={TMP}/seven\nnum.partitions=5\n")
    process = subprocess.Popen([PROGRAM, "broker", path, "--override", "num.partitions=2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline().decode()
    address = line.strip().removeprefix("bootstrap.servers=")
    kcat("-P", "-t", "auto", stdin=b"x\n", bootstrap=address)
    code, out, err = kastellan("get", "partitions", "auto", "-o", "json", bootstrap=address)
    equal("the override wins, the node has its number", [p["leader"] for p in json.loads(out or "[]")], [7, 7])
    process.terminate()
    equal("ends with 0", process.wait(10), 0)
    code, out, err = kastellan("broker", os.path.join(TMP, "nosuch.properties"))
    check("a file that is not there", code == 1 and "nosuch" in err, (code, err))
    with open(path, "a", encoding="ascii") as file:
        file.write("log.retention.ms=soon\n")
    code, out, err = kastellan("broker", path)
    check("a value that is none", code == 1 and "log.retention.ms" in err, (code, err))


def demo():
    process = subprocess.Popen([PROGRAM, "demo", "--headless", "--port", "0"], stdout=subprocess.PIPE)
    address = process.stdout.readline().decode().strip().removeprefix("bootstrap.servers=")
    names = kastellan("topics", "list", "--names", bootstrap=address)[1].split()
    equal("the demo's topics", names, ["clicks", "inventory", "orders", "payments"])
    code, out, err = kastellan("tail", "orders", "-o", "beginning", "-n", "3", bootstrap=address)
    orders = [json.loads(line) for line in out.splitlines()]
    check("orders are JSON", len(orders) == 3 and all("customer" in o for o in orders), out)

    def groups():
        found = json.loads(kastellan("groups", "list", "-o", "json", bootstrap=address)[1] or "[]")
        return {g["group"]: g for g in found}

    stable = wait_until(lambda: len(groups()) == 4 and all(g["state"] == "Stable" for g in groups().values()), 20, 0.3)
    check("four groups are stable", stable, groups())
    lagging = wait_until(lambda: (groups().get("analytics", {}).get("lag") or 0) > 60, 20, 0.5)
    check("one of them lags", lagging, groups().get("analytics"))
    process.send_signal(signal.SIGINT)
    equal("ends with 0", process.wait(15), 0)


for part in [headless_line_and_signals, lock_and_port, storage_tool, data_directory_default_and_ephemeral, usage, unreachable]:
    with checking(part.__name__):
        part()
with Broker() as shared:
    for part in [tail_and_produce, administration]:
        with checking(part.__name__):
            part(shared)
    equal("the broker stops cleanly after all that", shared.stop(), 0)
for part in [one_broker_by_its_properties, demo]:
    with checking(part.__name__):
        part()
done()
