#!/usr/bin/env python3
"""Runs the scripts of this folder against the program, each with a broker of its own and a bounded time.

    run.py --program .build/release/kastellan [--jobs N] [--only NAME]      all scripts, or those whose names begin so
    run.py --second-chance                  what failed in company runs once more, alone

Scripts mostly wait, so twice as many run at once as there are processors, the longest first; what one prints comes in one piece when it has
ended. `# alone` among the first lines of a script that measures, or that needs the whole machine, keeps the others away from it.

With `--second-chance` a script that failed runs once more when all others are over. Clients that we did not write have time limits of
their own, which a busy machine passes; what fails alone too has failed. What passed only then is named at the end as unsteady: it is
something to look at, and to mend where the cause is ours.

Prints a line per check and in the end `N passed, N failed`. After each script its broker must stop cleanly, and the data directory it
leaves must satisfy check_log_dir.py, which knows Kafka's format and nothing of our code.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_SCRIPTS = {"run.py", "harness.py", "check_log_dir.py"}


def is_script(name):
    """A Python file here that does something by itself; the rest are modules of such."""
    if not name.endswith(".py") or name in NOT_SCRIPTS:
        return False
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        text = file.read()
    return "__main__" in text or "\ndone()" in text or "    done()" in text


class Tally:
    """What one script printed and how its checks ended; joined to the sum when the script is over."""

    def __init__(self, script=""):
        self.script = script
        self.passed = 0
        self.failed = []
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    def line(self, text):
        """Counts a script's line of output where it is a check; keeps it in any case."""
        if text.startswith("ok "):
            self.passed += 1
            self.say(f"  ok   {self.script}: {text[3:]}")
        elif text.startswith("not ok "):
            self.failed.append(f"{self.script}: {text[7:]}")
            self.say(f"  FAIL {self.script}: {text[7:]}")
        elif counts := re.match(r"(\d+) passed, (\d+) failed", text):
            # A script that counts for itself, and has printed what differs.
            self.passed += int(counts.group(1))
            self.failed += [f"{self.script}: {text}"] * int(counts.group(2))
            self.say(f"       {text}")
        elif text:
            self.say(f"       {text[:400]}")

    def check(self, name, condition, why=""):
        self.line(f"ok {name}" if condition else f"not ok {name}: {why}")


class Settings:
    """`# time: N`, `# broker: none` and `# alone` among the first lines of a script."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            head = "".join(file.readlines()[:12])
        limit = re.search(r"^# time: (\d+)", head, re.M)
        self.seconds = int(limit.group(1)) if limit else 120
        self.wants_broker = not re.search(r"^# broker: none", head, re.M)
        self.alone = bool(re.search(r"^# alone", head, re.M))


def run_script(path, program):
    """One script from its broker's start to the look at what that broker left; its tally."""
    name = os.path.basename(path)[:-3]
    settings, tally = Settings(path), Tally(name)
    import harness  # once KASTELLAN_TMP is there: it reads it when it is loaded

    temporary = tempfile.mkdtemp(prefix=f"{name}-", dir=harness.TMP)
    broker = None
    started = time.monotonic()
    try:
        environment = dict(
            os.environ, PYTHONPATH=HERE, PYTHONUNBUFFERED="1", KASTELLAN_TMP=temporary, KASTELLAN_PROGRAM=program)
        environment.pop("KASTELLAN_BOOTSTRAP", None)
        if settings.wants_broker:
            try:
                broker = harness.Broker(data=os.path.join(temporary, "data"), scratch=temporary, program=program).start()
            except (RuntimeError, OSError) as error:
                tally.check("broker starts", False, str(error)[:600])
                return tally
            environment.update(KASTELLAN_BOOTSTRAP=broker.bootstrap, KASTELLAN_DATA=broker.data)
        run_process(path, settings.seconds, environment, tally, temporary)
        if broker:
            alive = broker.process.poll() is None
            tally.check("broker alive at the end", alive, broker.tail_of_log())
            if alive:
                code = broker.stop()
                tally.check("broker stops cleanly", code == 0, f"exit code {code}")
                check_directory(os.path.join(broker.data, "broker-1"), tally)
    finally:
        if broker:
            broker.kill()
        if os.environ.get("KEEP"):
            tally.say(f"       kept {temporary}")
        else:
            shutil.rmtree(temporary, ignore_errors=True)
        tally.say(f"-- {name}: {time.monotonic() - started:.1f} s")
    return tally


def run_process(path, seconds, environment, tally, temporary):
    """The script itself. The clock stops one that hangs: its whole process group ends, and its output with it."""
    log_path = os.path.join(temporary, "script.log")
    with open(log_path, "wb") as log:
        # A script that was given a broker also finds its address as its argument.
        address = [environment["KASTELLAN_BOOTSTRAP"]] if "KASTELLAN_BOOTSTRAP" in environment else []
        process = subprocess.Popen(
            [sys.executable, path, *address], stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True, text=True)
        out_of_time = threading.Event()

        def stop():
            out_of_time.set()
            end_group(process.pid)

        clock = threading.Timer(seconds, stop)
        clock.start()
        try:
            for line in process.stdout:
                tally.line(line.rstrip("\n"))
            code = process.wait()
        finally:
            clock.cancel()
            end_group(process.pid)
    if out_of_time.is_set():
        tally.check(f"ends within {seconds} s", False, "it was stopped")
    elif code != 0 and not tally.failed:
        with open(log_path, "rb") as log:
            tail = log.read()[-600:].decode(errors="replace").replace("\n", " | ")
        tally.check("runs to its end", False, f"exit code {code}: {tail}")
    if os.environ.get("VERBOSE"):
        with open(log_path, encoding="utf-8", errors="replace") as log:
            tally.say(log.read())


def end_group(pid):
    """What the script started and left behind; it has a process group of its own."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def check_directory(data, tally):
    checker = os.path.join(HERE, "check_log_dir.py")
    result = subprocess.run([sys.executable, checker, data], capture_output=True, text=True, timeout=120, check=False)
    tail = (result.stdout + result.stderr)[-600:].replace("\n", " | ")
    tally.check("data directory is as Kafka's tools want it", result.returncode == 0, tail)


def run_all(scripts, program, jobs, second_chance=False):
    """Those that bear company first, several at once; then the others one by one; then, if asked to, those that failed, alone. Prints
    each when it is over. The sum of all, and what failed the first time only."""
    paths = {name: os.path.join(HERE, name) for name in scripts}
    settings = {name: Settings(path) for name, path in paths.items()}
    together = sorted((n for n in scripts if not settings[n].alone), key=lambda n: -settings[n].seconds)
    tallies = {}

    def add(tally):
        print("\n".join([f"-- {tally.script}", *tally.lines]), flush=True)
        tallies[tally.script] = tally

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_script, paths[n], program) for n in together]):
            add(done.result())
    for name in scripts:
        if settings[name].alone:
            add(run_script(paths[name], program))
    unsteady = []
    for script, first in list(tallies.items()) if second_chance else []:
        if first.failed:
            print(f"-- {script} failed and runs once more, alone", flush=True)
            add(run_script(paths[script + ".py"], program))
            if not tallies[script].failed:
                unsteady += first.failed
    total = Tally()
    for tally in tallies.values():
        total.passed += tally.passed
        total.failed += tally.failed
    return total, unsteady


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=".build/release/kastellan")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--second-chance", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    scripts = sorted(n for n in os.listdir(HERE) if is_script(n))
    wanted = arguments.names + arguments.only
    if wanted:
        scripts = [n for n in scripts if any(n.startswith(name) for name in wanted)]
    os.environ["KASTELLAN_TMP"] = tempfile.mkdtemp(prefix="kastellan-foreign-")
    try:
        total, unsteady = run_all(scripts, os.path.abspath(arguments.program), max(1, arguments.jobs), arguments.second_chance)
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(os.environ["KASTELLAN_TMP"], ignore_errors=True)
    if unsteady:
        print("unsteady (failed in company, passed alone):")
        for failure in dict.fromkeys(unsteady):
            print(f"  {failure}")
    if total.failed:
        print("failed:")
        for failure in dict.fromkeys(total.failed):
            print(f"  {failure}")
    print(f"{total.passed} passed, {len(total.failed)} failed", flush=True)
    sys.exit(1 if total.failed or not scripts else 0)


if __name__ == "__main__":
    main()
