# time: 120
"""Changes by approval: plans that others sign with OpenSSH's own ssh-keygen before they are applied, and every way round it that one can
think of. Judged by ssh-keygen and by another client."""

import glob
import json
import os
import subprocess

from confluent_kafka.admin import AdminClient, ConfigResource

from harness import BOOTSTRAP, PROGRAM, TMP, check, checking, done, equal
from line_console import Lines

CONFIG = os.path.join(TMP, "config")
KEYS = os.path.join(TMP, "keys")
PLACES = {"KASTELLAN_CONFIG_DIR": CONFIG, "XDG_STATE_HOME": os.path.join(TMP, "state")}
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def ours(*words, stdin=None):
    result = subprocess.run([PROGRAM, *words], cwd=TMP, input=stdin, capture_output=True, timeout=60, text=True, env={**os.environ, **PLACES})
    return result.returncode, result.stdout, result.stderr


def prod(*words):
    return ours(*words, "--context", "prod")


def retention():
    resource = ConfigResource(ConfigResource.Type.TOPIC, "orders")
    return admin.describe_configs([resource])[resource].result()["retention.ms"].value


def plan(value):
    """A plan by the way that a context with approval leaves: the change itself, which is only written down."""
    before = set(glob.glob(f"{TMP}/plan-*.json"))
    code, out, err = prod("topics", "alter", "orders", "--set", f"retention.ms={value}", "--yes")
    made = sorted(set(glob.glob(f"{TMP}/plan-*.json")) - before)
    check("a change is only written down", code == 3 and len(made) == 1 and os.path.basename(made[0]) in err and "kastellan approve" in err,
          (code, out, err, made))
    return made[0]


def sign(path, who):
    return ours("approve", path, "--key", f"{KEYS}/{who}", "--yes")


def setup():
    os.makedirs(KEYS, exist_ok=True)
    os.makedirs(CONFIG, exist_ok=True)
    lines = []
    for who in ["alice", "bob", "carol", "mallory", "alices-other"]:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", f"{KEYS}/{who}"], check=True, capture_output=True)
        with open(f"{KEYS}/{who}.pub", encoding="utf-8") as file:
            key = " ".join(file.read().split()[:2])
        # Mallory is known, and not for this.
        options = 'namespaces="git"' if who == "mallory" else 'namespaces="kastellan-plan"'
        name = "alice" if who == "alices-other" else who
        lines.append(f"{name}@example.com {options} {key}\n")
    with open(f"{CONFIG}/allowed_signers", "w", encoding="utf-8") as file:
        file.writelines(lines)
    with open(f"{CONFIG}/contexts.yaml", "w", encoding="utf-8") as file:
        file.write(f"contexts:\n  prod:\n    approval:\n      signers: allowed_signers\n      count: 2\n      as: alice@example.com\n"
                   f"    properties:\n      bootstrap.servers: {BOOTSTRAP}\n")
    equal("a topic", ours("topics", "create", "orders", "-b", BOOTSTRAP)[0], 0)


def agreed():
    before = retention()
    path = plan("60000")
    equal("nothing is changed by it", retention(), before)
    code, _, err = prod("apply", path, "--yes")
    check("unsigned it is not applied", code == 1 and "alice@example.com, who is said to have made the plan, has not signed it" in err, err)
    code, out, _ = prod("apply", path, "--dry-run")
    check("but looked at", code == 0 and "60000" in out, out)
    code, out, err = sign(path, "alice")
    check("its maker signs it, and sees what", code == 0 and "retention.ms" in out and "made by alice@example.com" in out and "Signed." in out,
          (code, out, err))
    code, _, err = prod("apply", path, "--yes")
    check("alone that is not enough", code == 1 and "2 others have to sign it, and nobody has" in err, err)
    code, _, err = sign(path, "alice")
    check("one key signs once", code == 1 and "has a signature by this key already" in err, err)
    equal("her other key is hers too", sign(path, "alices-other")[0], 0)
    equal("bob agrees", sign(path, "bob")[0], 0)
    code, _, err = prod("apply", path, "--yes")
    check("one other of two", code == 1 and "only bob@example.com has" in err, err)
    equal("mallory's signature is made", sign(path, "mallory")[0], 0)
    code, _, err = prod("apply", path, "--yes")
    check("and counts for nothing", code == 1 and "only bob@example.com has" in err and "not in" in err, err)
    equal("still unchanged", retention(), before)
    equal("carol agrees", sign(path, "carol")[0], 0)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    code, out, err = prod("apply", path, "--yes")
    check("two others agreed: applied", code == 0 and "agreed to by bob@example.com, carol@example.com" in err, (code, out, err))
    equal("as another client sees it", retention(), "60000")
    return json.loads(text), path


def forged(good, path):
    """Whatever is changed in the file, the signatures are of another plan then."""
    def refused(name, change, why="has not signed it"):
        made = json.loads(json.dumps(good))
        change(made)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(made, file)
        code, _, err = prod("apply", path, "--yes")
        check(name, code == 1 and why in err, (code, err))

    refused("another value", lambda made: made["action"]["set"].__setitem__(0, ["retention.ms", "1"]))
    refused("another step", lambda made: made["steps"].append("x"))
    refused("another maker", lambda made: made.__setitem__("maker", "bob@example.com"))
    refused("no maker", lambda made: made.pop("maker"), "does not say who made it")
    refused("another cluster", lambda made: made.__setitem__("cluster", None))
    refused("signatures of another plan", lambda made: made.__setitem__("title", "harmless"))
    refused("one signature many times", lambda made: made.__setitem__("approvals", made["approvals"][:1] * 50), "nobody has")
    refused("no signatures", lambda made: made.pop("approvals"))
    refused("what is no signature", lambda made: made.__setitem__("approvals", ["-----BEGIN SSH SIGNATURE-----\nAAAA\n"]))
    equal("nothing of it was done", retention(), "60000")
    # The file as such, and one that somebody formatted anew, are the same plan.
    with open(path, "w", encoding="utf-8") as file:
        json.dump(good, file, indent=3)
    code, _, err = prod("apply", path, "--yes")
    check("the signatures hold for the plan, and it is done already", code == 1 and "not as it was previewed" in err, err)


def around():
    """Other ways to change the cluster in this context."""
    before = retention()
    for words in [("produce", "orders"), ("topics", "delete", "orders", "--yes"), ("topics", "create", "more"),
                  ("copy", "orders", "orders2", "--yes"), ("perf", "produce", "orders", "--records", "1", "--yes")]:
        code, out, err = ours(*words, "--context", "prod", stdin="x\n")
        check(f"{words[0]} {words[1]} is not done", code != 0, (code, out, err))
    manifest = os.path.join(TMP, "topics.yaml")
    with open(manifest, "w", encoding="utf-8") as file:
        file.write("topics:\n  orders:\n    configs:\n      retention.ms: 5\n")
    code, _, err = prod("apply", manifest, "--yes")
    check("a manifest is not applied", code == 1 and "made by approval" in err, err)
    equal("nothing was changed", (retention(), sorted(name for name in admin.list_topics().topics if not name.startswith("_"))),
          (before, ["orders"]))
    equal("without the context it is as ever", ours("topics", "alter", "orders", "--set", "retention.ms=70000", "--yes", "-b", BOOTSTRAP)[0], 0)


def console():
    """The console plans, shows and keeps; it does not change."""
    os.chdir(TMP)
    before = set(glob.glob(f"{TMP}/plan-*.json"))
    lines = Lines("--context", "prod", "--line-mode", "--refresh", "1")
    try:
        lines.expect("the console is there", "Connected.")
        lines.type("arm")
        lines.expect("arming does not help", "made by approval")
        lines.type("topics")
        lines.expect("its topics", "orders")
        lines.type("1 delete")
        lines.expect("a plan, and what has to be done with it", "Delete topic orders", "made by approval")
        lines.type("orders")
        lines.expect("it is kept and not carried out", "waits for approval")
    finally:
        lines.close()
    made = sorted(set(glob.glob(f"{TMP}/plan-*.json")) - before)
    check("in a file", len(made) == 1 and json.load(open(made[0], encoding="utf-8"))["maker"] == "alice@example.com", made)
    check("the topic is there", "orders" in admin.list_topics().topics)
    for who in ["alice", "bob", "carol"]:
        sign(made[0], who)
    code, out, err = prod("apply", made[0], "--yes")
    check("signed, it is deleted", code == 0 and "orders" not in admin.list_topics().topics, (code, out, err))


with checking("changes by approval"):
    setup()
    good, path = agreed()
    forged(good, path)
    around()
with checking("the console of such a context"):
    console()
done()
