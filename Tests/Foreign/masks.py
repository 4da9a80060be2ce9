# time: 120
"""Masks: what confluent-kafka wrote is seen masked in `tail`, in the console, in what it saves and copies; a context that requires them
lets nobody take them away; messages that are copied are copied whole, and only where they stay masked; a mistake shows nothing."""

import json
import os

import harness
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from harness import BOOTSTRAP, TMP, check, checking, done, equal, kastellan
from console_keys import ENTER, ESC, Terminal

CONFIG = os.path.join(TMP, "config")
WORK = os.path.join(TMP, "work")
PLACES = {"KASTELLAN_CONFIG_DIR": CONFIG, "XDG_STATE_HOME": os.path.join(TMP, "state"), "EDITOR": "false"}
VALUE = {"id": 7, "card": {"number": "4111 1111 1111 1234", "cvc": 123}, "mail": "Anna@example.net", "items": [{"note": "Secret7"}], "sum": 12.50}
RULES = r"""masks:
  - name: cards
    topics: [pay*, /^vault$/]
    of: [value.card.number]
    by: {mask: 4}
  - {name: codes, topics: [pay*, vault], of: value.card.cvc, by: remove}
  - {name: people, topics: [pay*, vault], of: [value.mail, value.items.note, key], by: hash}
  - {name: tokens, of: [header.authorization], by: {replace: "***"}}
"""
SECRETS = ["4111", "Anna", "Secret7", "123", "alice", "bearer-x"]


def write(name, text):
    path = os.path.join(CONFIG, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def ours(*words, context=None, **more):
    return kastellan(*words, *(["--context", context] if context else []), environment=PLACES, **more)


def seed():
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    names = ("payments", "payments.copy", "plain", "lost-found")
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result(20)
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for topic in ("payments", "plain"):
        producer.produce(topic, json.dumps(VALUE).encode(), b"alice", headers=[("Authorization", b"bearer-x"), ("trace", b"t1")])
    producer.produce("payments", b"no JSON: 4111", b"alice")
    producer.produce("payments", None, b"alice")
    producer.flush(20)
    write("kastellan.yaml", RULES)
    for name, more in (("free", ""), ("strict", "    masks: required\n")):
        write(f"contexts/{name}.yaml", f"{more.replace('    ', '')}properties:\n  bootstrap.servers: \"{BOOTSTRAP}\"\n")


def leaks(text, but=()):
    return [word for word in SECRETS if word in text and word not in but]


def tails():
    code, out, err = ours("tail", "payments", "-o", "beginning", "-e", "-f", "json", context="free")
    lines = [json.loads(line) for line in out.splitlines()]
    equal("three records", (code, len(lines)), (0, 3))
    equal("nothing of it is there", leaks(out.replace("1234", ""), but=("123",)), [])
    value = json.loads(lines[0]["payload"])
    equal("a number keeps its shape and its end", value["card"], {"number": "nnnn nnnn nnnn 1234"})
    equal("what is not masked is as it was", (value["id"], value["sum"]), (7, 12.5))
    check("a hash stands for it", value["mail"].startswith("#") and len(value["mail"]) == 17, value)
    equal("headers", [value for _, value in lines[0]["headers"]], ["***", "t1"])
    equal("what is no JSON is not shown", lines[1]["payload"], "(masked: no JSON)")
    equal("a tombstone is one", lines[2]["payload"], None)
    equal("the same key has the same hash", len({line["key"] for line in lines}), 1)
    code, raw, err = ours("tail", "payments", "-o", "beginning", "-e", "--raw", "-f", "%k %s %h\\n", context="strict")
    equal("nor undecoded", (code, leaks(raw, but=("123",))), (0, []))
    code, found, err = ours("tail", "payments", "-o", "beginning", "-e", "-F", "Anna", context="free")
    equal("a search does not find what is masked", (code, found), (0, ""))
    code, found, err = ours("tail", "payments", "-o", "beginning", "-e", "-F", "| .mail", context="free")
    equal("nor does jq show it", (code, leaks(found)), (0, []))
    code, out, err = ours("tail", "payments", "-o", "beginning", "-e", "--unmasked", context="free")
    check("where it is allowed, it is shown", code == 0 and "Anna@example.net" in out, (code, err))
    code, out, err = ours("tail", "payments", "-o", "beginning", "-e", "--unmasked", context="strict")
    check("where it is not, it is not, and who says so is named", code == 1 and out == "" and "strict.yaml:1" in err, (code, out, err))
    code, out, err = ours("tail", "plain", "-o", "beginning", "-e", "-f", "%s %h", context="strict")
    check("other topics are as they are, but for what holds everywhere", "Anna@example.net" in out and "bearer-x" not in out, out)


def copies():
    """A copy is whole; what is told of it is masked; where masks are required it goes nowhere where it would be seen."""
    code, out, err = ours("copy", "payments", "payments.copy", "--dry-run", context="strict")
    equal("a plan shows no secret", (code, leaks(out, but=("123",))), (0, []))
    code, out, err = ours("copy", "payments", "payments.copy", "--yes", context="strict")
    check("a copy to a topic with the same masks", code == 0 and "3 written" in out, (code, out, err))
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "nobody"})
    consumer.assign([TopicPartition("payments.copy", 0, 0)])
    message = consumer.poll(20)
    consumer.close()
    equal("is the message and not its mask", (message.key(), json.loads(message.value())), (b"alice", VALUE))
    code, out, err = ours("copy", "payments", "lost-found", "--yes", context="strict")
    check("not to one without", code == 1 and "masked here" in err, (code, out, err))
    code, out, err = ours("copy", "payments", "payments.copy", "--transform", ".mail", "--yes", context="strict")
    check("nor made into something else", code == 1 and "not transformed" in err, (code, out, err))
    code, out, err = ours("copy", "payments", "lost-found", "-o", ":1", "--yes", context="free")
    check("where they are not required, anywhere", code == 0 and "1 written" in out, (code, out, err))
    code, out, err = ours("record", os.path.join(TMP, "x.kast"), context="strict")
    check("nor recorded", code == 2 and "--redact" in err and not os.path.exists(os.path.join(TMP, "x.kast")), (code, err))


def console():
    os.makedirs(WORK, exist_ok=True)
    os.chdir(WORK)
    terminal = Terminal("--context", "free", "-c", "tail payments begin", columns=160, rows=40, environment=PLACES)
    try:
        terminal.expect("the tail is masked and says so", " masked ", "nnnn nnnn nnnn 1234", "(masked: no JSON)")
        terminal.press("g", ENTER)
        terminal.expect("so is a message at length", "Masked", "cards", "***")
        terminal.press(ESC, "x")
        terminal.press("e")
        terminal.expect("it cannot be edited", "would write the masks")
        terminal.press("R")
        terminal.press("\x13")
        terminal.type("\x15out.jsonl" + ENTER)
        terminal.expect("saved", "Saved to out.jsonl")
        with open("out.jsonl", encoding="utf-8") as file:
            equal("masked", leaks(file.read(), but=("123",)), [])
        equal("nothing was on the screen", leaks(terminal.raw.decode(errors="replace"), but=("123",)), [])
        terminal.press("M")
        terminal.press("x")
        terminal.expect("without masks, which is said", "NOT masked", "Anna@example.net")
        terminal.type(":ctx strict" + ENTER)
        terminal.expect("a context that requires them", "kastellan  strict")
        terminal.type(":tail payments begin" + ENTER)
        terminal.expect("masks there", " masked ", "nnnn nnnn nnnn 1234")
        terminal.press("M")
        terminal.expect("and they stay", "requires masks", "strict.yaml:1")
        check("not a sign of it", "Anna" not in terminal.text, terminal.text)
    finally:
        terminal.close()


def mistakes():
    write("kastellan.yaml", RULES + "  - {of: body, by: mask}\n")
    code, out, err = ours("tail", "payments", "-o", "beginning", "-e")
    check("a mistake is told with file and line, and nothing is shown", code == 2 and out == "" and "kastellan.yaml: line 9: body is no part" in err,
          (code, out, err))


def main():
    with checking("messages"):
        seed()
    with checking("tail"):
        tails()
    with checking("copies"):
        copies()
    with checking("the console"):
        console()
    with checking("mistakes"):
        mistakes()
    done()


main()
