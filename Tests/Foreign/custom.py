# time: 90
"""The console as somebody wants it: keys, columns and programs of kastellan.yaml, a skin that changes under its eyes, mistakes told."""

import os

import harness
from harness import BOOTSTRAP, TMP, check, checking, done, kastellan, kcat, wait_until
from console_keys import ENTER, Terminal

CONFIG = os.path.join(TMP, "config")
PLACES = {"KASTELLAN_CONFIG_DIR": CONFIG, "XDG_STATE_HOME": os.path.join(TMP, "state"), "KASTELLAN_SKIN": ""}
OUT = os.path.join(TMP, "out")
SKIN = "k9s:\n  body: {fgColor: white, bgColor: '%s', logoColor: orange}\n  views: {table: {cursorBgColor: aqua}}\n"


def write(name, text):
    path = os.path.join(CONFIG, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def customised():
    kastellan("topics", "create", "orders", "-p", "3")
    kcat("-P", "-t", "orders", stdin=b"1\n2\n")
    script = os.path.join(TMP, "look")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nprintf '%s|' \"$@\" \"$KASTELLAN_TOPIC\" \"$KASTELLAN_COLUMN_PARTS\" > {OUT}.new\nmv {OUT}.new {OUT}\n")
    os.chmod(script, 0o700)
    write("skins/mine.yaml", SKIN % "#101010")
    write("kastellan.yaml", f"""skin: mine
keys:
  preset: vim
  bind: {{topics.describe: i}}
columns:
  topics: {{order: [PARTS], sort: NAME}}
commands:
  - {{key: f7, name: look, in: topics, run: "{script} '${{topic}} $(id)' -x", confirm: true}}
""")
    terminal = Terminal("-b", BOOTSTRAP, "-c", "topics", environment=PLACES)
    try:
        terminal.expect("the columns that were chosen", "NAME", "PARTS", "orders")
        check("and no others", "MESSAGES" not in terminal.text, terminal.text)
        terminal.press("i")
        terminal.expect("a key of one's own", "Describe(topic orders)")
        terminal.press("\x1b")
        terminal.press("\x1b[18~")
        terminal.expect("a program asks first", "runs it; any other key does not")
        terminal.press("y")
        wait_until(lambda: os.path.exists(OUT))
        with open(OUT, encoding="ascii") as file:
            text = file.read()
        check("it gets the row, and no shell has seen it", text == "orders $(id)|-x|orders|3|", text)
        terminal.expect("the console is back", "Topics(")
        terminal.press("D")
        terminal.expect("vim's way to delete", "Delete topic orders")
        terminal.press("\x1b")
        before = len(terminal.raw)
        write("skins/mine.yaml", SKIN % "#204060")
        terminal.expect("a skin that was written anew is read", "Theme mine was read again")
        check("and shown", b"48;5;" in terminal.raw[before:] or b"[4" in terminal.raw[before:], terminal.raw[before:][:300])
        write("skins/mine.yaml", "k9s: [\n")
        terminal.expect("a broken one is told, and the old one stays", "Theme mine: line 2")
        terminal.type(":q" + ENTER)
    finally:
        terminal.close()
    write("kastellan.yaml", "keys:\n  bind:\n    up: e\n")
    code, out, err = kastellan("info", environment=PLACES)
    check("a conflict is refused with its line", code == 2 and "kastellan.yaml: line 3: e would be both" in err, (code, err))


with checking("customised"):
    customised()
done()
