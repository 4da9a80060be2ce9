# time: 150
"""Kafka Connect through its REST API, as `kastellan connect` and the console use it: listed, paused, restarted, altered, created and deleted against
a stand-in that keeps state, asks for a password and takes its time. No real Connect is here."""

import json
import os

import harness
from connect_server import Connect
from harness import BOOTSTRAP, TMP, check, checking, done, equal
from line_console import PLACES, Lines

SINK = {"connector.class": "org.example.JdbcSinkConnector", "topics": "orders", "tasks.max": "3",
        "connection.url": "jdbc:postgresql://db/orders", "connection.password": "hunter2", "key.converter": "${file:/etc/secrets:converter}"}


def clusters():
    one, two = Connect(), Connect()
    one.add("orders-sink", SINK)
    one.add("clicks-source", {"connector.class": "FileStreamSource", "file": "/tmp/in", "topic": "clicks"})
    one.fail("orders-sink", 1)
    two.add("audit-sink", {"connector.class": "FileStreamSink", "topics": "audit"})
    settings = os.path.join(TMP, "connect.properties")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(f"bootstrap.servers={BOOTSTRAP}\nconnect.url={one.url},{two.url}\n"
                   "connect.basic.auth.user.info=${env:CONNECT_USER}\n")
    return one, two, settings


def kastellan(settings, *words, stdin=None):
    environment = {**PLACES, "CONNECT_USER": "alice:wonder"}
    return harness.kastellan(*words, "--command-config", settings, stdin=stdin, environment=environment)


def table(settings, *words):
    code, out, err = kastellan(settings, *words, "-o", "json")
    return check(f"{' '.join(words)} prints JSON", code == 0, (code, out, err)) and json.loads(out) or []


def headless(one, two, settings):
    rows = {row["connector"]: row for row in table(settings, "get", "connectors")}
    equal("connectors of both", sorted(rows), ["audit-sink", "clicks-source", "orders-sink"])
    sink = rows["orders-sink"]
    equal("a sink's tasks", (sink["state"], sink["tasks"], sink["running"], sink["failed"]), ("RUNNING", 3, 2, 1))
    equal("its group and class", (sink["group"], sink["class"], sink["connect"]), ("connect-orders-sink", "JdbcSinkConnector", one.name))
    equal("a source has no group", rows["clicks-source"]["group"], None)
    parts = table(settings, "connect", "show", "orders-sink")
    check("the trace of what failed", "no such table" in (parts[2]["trace"] or "") and parts[1]["trace"] is None, parts)
    code, out, _ = kastellan(settings, "connect", "show", "orders-sink")
    check("on a terminal nothing of it is obeyed", code == 0 and "\x1b" not in out, out)
    config = {row["key"]: row["value"] for row in table(settings, "connect", "config", "orders-sink")}
    equal("a secret is hidden, a reference to one is not", (config["connection.password"], config["key.converter"]),
          ("(hidden)", "${file:/etc/secrets:converter}"))

    changes(one, settings)
    code, _, err = harness.kastellan("get", "connectors", "--connect", one.url, environment=PLACES)
    check("without the password it is refused, and says so", code == 1 and "refuses who we are (401)" in err, err)
    two.close()
    code, out, err = kastellan(settings, "connect", "list")
    check("one that is away does not hide the other", code == 3 and "orders-sink" in out and two.name in err, (code, out, err))


def changes(one, settings):
    before = len(one.asked)
    code, out, _ = kastellan(settings, "connect", "pause", "orders-sink", "--dry-run")
    check("a dry run shows what would be", code == 0 and "PAUSED" in out and f"curl -X PUT '{one.url}/connectors/orders-sink/pause'" in out, out)
    check("and asks only", all(method == "GET" for method, _ in one.asked[before:]), one.asked[before:])
    code, out, err = kastellan(settings, "connect", "pause", "orders-sink", "--yes")
    equal("paused, and looked at until it was", (code, out, one.connectors["orders-sink"]["state"]), (0, "orders-sink is paused.\n", "PAUSED"))
    code, out, _ = kastellan(settings, "connect", "pause", "orders-sink", "--yes")
    check("twice changes nothing", code == 0 and "nothing to change" in out, out)
    equal("resumed", kastellan(settings, "connect", "resume", "orders-sink", "--yes")[0], 0)
    code, out, err = kastellan(settings, "connect", "restart", "orders-sink", "--failed", "--yes")
    check("what failed runs again", code == 0 and all(task["state"] == "RUNNING" for task in one.connectors["orders-sink"]["tasks"]), (out, err))
    equal("asked for what failed alone", [path for method, path in one.asked if method == "POST"][-1],
          "/connectors/orders-sink/restart?includeTasks=true&onlyFailed=true")
    one.fail("orders-sink", 2)
    equal("a task by its number", kastellan(settings, "connect", "restart", "orders-sink", "--task", "2", "--yes")[0], 0)
    equal("stopped", kastellan(settings, "connect", "stop", "orders-sink", "--yes")[0], 0)
    equal("it has no tasks then", one.connectors["orders-sink"]["tasks"], [])
    kastellan(settings, "connect", "resume", "orders-sink", "--yes")

    code, out, _ = kastellan(settings, "connect", "alter", "orders-sink", "--set", "tasks.max=2", "--set", "connection.password=other",
                             "--dry-run")
    check("a change of a secret shows no secret", code == 0 and "tasks.max" in out and "hunter2" not in out and "other" not in out.replace(
        "another", ""), out)
    code, out, err = kastellan(settings, "connect", "alter", "orders-sink", "--set", "tasks.max=many", "--yes")
    check("what the plugin objects to is an obstacle", code == 1 and "Not a number" in err, err)
    equal("altered", kastellan(settings, "connect", "alter", "orders-sink", "--set", "tasks.max=2", "--delete", "key.converter", "--yes")[0], 0)
    config = one.connectors["orders-sink"]["config"]
    check("the rest stays", config["tasks.max"] == "2" and "key.converter" not in config and config["connection.password"] == "hunter2", config)

    code, out, err = kastellan(settings, "connect", "create", "-", "--on", one.name, "--yes", stdin="name=new-sink\nconnector.class=FileStreamSink\n")
    check("a sink without topics is refused", code == 1 and "topics" in err, err)
    kept(one, settings)
    body = json.dumps({"name": "new-sink", "config": {"connector.class": "FileStreamSink", "topics": "a", "tasks.max": 1}})
    equal("created from JSON", kastellan(settings, "connect", "create", "-", "--on", one.name, "--yes", stdin=body)[0], 0)
    equal("it is there", one.connectors["new-sink"]["config"]["topics"], "a")
    equal("deleted", kastellan(settings, "connect", "delete", "new-sink", "--yes")[0], 0)
    check("it is gone", "new-sink" not in one.connectors)
    one.busy = True
    code, _, err = kastellan(settings, "connect", "pause", "orders-sink", "--yes")
    check("workers that rebalance are not waited for", code == 1 and "cannot do it now (409)" in err, err)
    one.busy = False
    with open(os.path.join(TMP, "state", "kastellan", "audit.jsonl"), encoding="utf-8") as file:
        audit = file.read()
    check("every change is on record, no secret is", "Pause connector orders-sink" in audit and "hunter2" not in audit, audit[-600:])


def kept(one, settings):
    """Changes as plan files: what was seen, or nothing, and no secret in the file."""
    plan = os.path.join(TMP, "connect-plan.json")

    def keep(*words):
        code, out, err = kastellan(settings, "connect", *words, "--dry-run", "-o", "plan")
        with open(plan, "w", encoding="utf-8") as file:
            file.write(out)
        check(f"{words[0]} is kept as a plan", code == 0 and json.loads(out)["action"]["connector"] == "orders-sink" and "hunter2" not in out,
              (code, out, err))

    keep("alter", "orders-sink", "--set", "tasks.max=5", "--set", "batch.size=10")
    equal("nothing is changed by that", one.connectors["orders-sink"]["config"]["tasks.max"], "2")
    code, out, err = kastellan(settings, "apply", plan, "--yes")
    config = one.connectors["orders-sink"]["config"]
    check("applied, and the rest stays", code == 0 and (config["tasks.max"], config["batch.size"], config["connection.password"]) ==
          ("5", "10", "hunter2"), (code, out, err, config))
    code, _, err = kastellan(settings, "apply", plan, "--yes")
    check("once", code == 1 and "not as it was previewed" in err, err)
    keep("alter", "orders-sink", "--set", "tasks.max=2", "--delete", "batch.size")
    equal("somebody else changes it", kastellan(settings, "connect", "alter", "orders-sink", "--set", "tasks.max=7", "--yes")[0], 0)
    code, _, err = kastellan(settings, "apply", plan, "--yes")
    check("not applied then", code == 1 and "tasks.max | 5 | 2; now: tasks.max | 7 | 2" in err, err)
    kastellan(settings, "connect", "alter", "orders-sink", "--set", "tasks.max=5", "--yes")
    equal("as it was seen it is", kastellan(settings, "apply", plan, "--yes")[0], 0)
    config = one.connectors["orders-sink"]["config"]
    check("the plan's values", config["tasks.max"] == "2" and "batch.size" not in config, config)
    code, out, err = kastellan(settings, "connect", "alter", "orders-sink", "--set", "connection.password=other", "--dry-run", "-o", "plan")
    check("a secret is not written into a file", code == 1 and "connection.password, a secret" in err and out == "", (code, out, err))
    keep("pause", "orders-sink")
    equal("a pause", (kastellan(settings, "apply", plan, "--yes")[0], one.connectors["orders-sink"]["state"]), (0, "PAUSED"))
    kastellan(settings, "connect", "resume", "orders-sink", "--yes")


def console(one, settings):
    one.fail("orders-sink", 0)
    os.environ["CONNECT_USER"] = "alice:wonder"
    lines = Lines("--command-config", settings, "--line-mode", "--refresh", "1")
    try:
        lines.expect("the console is there", "Connected.")
        lines.type("connectors")
        lines.expect("connectors in the console", "orders-sink", "clicks-source", "running", "connect")
        lines.type("orders-sink")
        lines.pump(1)
        lines.type("connector orders-sink")
        lines.expect("its tasks, and why one failed", "failed", "Tolerance exceeded")
        lines.type("restart-failed")
        lines.expect("a plan first", "Restart what failed of connector orders-sink", "curl -X POST", "apply does it")
        lines.type("apply")
        lines.expect("and then it is done", "Done, and the cluster now is as planned.")
        check("it runs", all(task["state"] == "RUNNING" for task in one.connectors["orders-sink"]["tasks"]), one.connectors["orders-sink"])
    finally:
        lines.close()


with checking("connect"):
    first, second, file_name = clusters()
    headless(first, second, file_name)
    console(first, file_name)
done()
