#!/usr/bin/env python3
"""Runs the scripts of this folder against the program, each with a broker of its own and a bounded time.

    run.py --program .build/release/kastellan [--only NAME]      all scripts, or those whose names begin so

Prints a line per check and in the end `N passed, N failed`. After each script its broker must stop cleanly, and the data directory it
leaves must satisfy check_log_dir.py, which knows Kafka's format and nothing of our code.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
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
    def __init__(self):
        self.passed = 0
        self.failed = []

    def line(self, script, text):
        """Counts a script's line of output where it is a check; prints it in any case."""
        if text.startswith("ok "):
            self.passed += 1
            print(f"  ok   {script}: {text[3:]}", flush=True)
        elif text.startswith("not ok "):
            self.failed.append(f"{script}: {text[7:]}")
            print(f"  FAIL {script}: {text[7:]}", flush=True)
        elif counts := re.match(r"(\d+) passed, (\d+) failed", text):
            # A script that counts for itself, and has printed what differs.
            self.passed += int(counts.group(1))
            self.failed += [f"{script}: {text}"] * int(counts.group(2))
            print(f"       {text}", flush=True)
        elif text:
            print(f"       {text[:400]}", flush=True)


def settings(path):
    """`# time: N` and `# broker: none` among the first lines."""
    with open(path, encoding="utf-8") as file:
        head = "".join(file.readlines()[:12])
    limit = re.search(r"^# time: (\d+)", head, re.M)
    return int(limit.group(1)) if limit else 120, not re.search(r"^# broker: none", head, re.M)


def run_script(path, program, tally):
    name = os.path.basename(path)[:-3]
    seconds, wants_broker = settings(path)
    temporary = tempfile.mkdtemp(prefix=f"kastellan-{name}-")
    os.environ["KASTELLAN_TMP"] = temporary
    os.environ["KASTELLAN_PROGRAM"] = program
    import harness  # after the environment: it reads it when it is loaded

    harness.TMP, harness.PROGRAM = temporary, program
    broker = None
    started = time.monotonic()
    print(f"-- {name}", flush=True)
    try:
        environment = dict(os.environ, PYTHONPATH=HERE, PYTHONUNBUFFERED="1")
        environment.pop("KASTELLAN_BOOTSTRAP", None)
        if wants_broker:
            try:
                broker = harness.Broker(data=os.path.join(temporary, "data")).start()
            except (RuntimeError, OSError) as error:
                tally.line(name, f"not ok broker starts: {str(error)[:600]}")
                return
            environment.update(KASTELLAN_BOOTSTRAP=broker.bootstrap, KASTELLAN_DATA=broker.data)
        run_process(path, name, seconds, environment, tally, temporary)
        if broker:
            alive = broker.process.poll() is None
            tally.line(name, "ok broker alive at the end" if alive else f"not ok broker alive at the end: {broker.tail_of_log()}")
            if alive:
                code = broker.stop()
                tally.line(name, "ok broker stops cleanly" if code == 0 else f"not ok broker stops cleanly: exit code {code}")
                check_directory(os.path.join(broker.data, "broker-1"), name, tally)
    finally:
        if broker:
            broker.kill()
        if os.environ.get("KEEP"):
            print(f"       kept {temporary}")
        else:
            shutil.rmtree(temporary, ignore_errors=True)
        print(f"-- {name}: {time.monotonic() - started:.1f} s", flush=True)


def run_process(path, name, seconds, environment, tally, temporary):
    log_path = os.path.join(temporary, "script.log")
    with open(log_path, "wb") as log:
        # A script that was given a broker also finds its address as its argument.
        address = [environment["KASTELLAN_BOOTSTRAP"]] if "KASTELLAN_BOOTSTRAP" in environment else []
        process = subprocess.Popen(
            [sys.executable, path, *address], stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True, text=True)
        failed_before = len(tally.failed)
        # The clock stops a script that hangs: its whole process group ends, and its output with it.
        alarm = subprocess.Popen(["sleep", str(seconds)])
        try:
            import threading

            def guard():
                if alarm.wait() == 0:
                    try:
                        os.killpg(process.pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass

            watcher = threading.Thread(target=guard, daemon=True)
            watcher.start()
            for line in process.stdout:
                tally.line(name, line.rstrip("\n"))
            code = process.wait()
        finally:
            alarm.kill()
            watcher.join()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    if code == -signal.SIGKILL:
        tally.line(name, f"not ok ends within {seconds} s: it was stopped")
    elif code != 0 and len(tally.failed) == failed_before:
        with open(log_path, "rb") as log:
            tail = log.read()[-600:].decode(errors="replace").replace("\n", " | ")
        tally.line(name, f"not ok runs to its end: exit code {code}: {tail}")
    if os.environ.get("VERBOSE"):
        with open(log_path, encoding="utf-8", errors="replace") as log:
            sys.stdout.write(log.read())


def check_directory(data, name, tally):
    checker = os.path.join(HERE, "check_log_dir.py")
    if not os.path.exists(checker):
        return
    result = subprocess.run([sys.executable, checker, data], capture_output=True, text=True, timeout=120, check=False)
    if result.returncode == 0:
        tally.line(name, "ok data directory is as Kafka's tools want it")
    else:
        tail = (result.stdout + result.stderr)[-600:].replace("\n", " | ")
        tally.line(name, f"not ok data directory is as Kafka's tools want it: {tail}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=".build/release/kastellan")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    sys.path.insert(0, HERE)
    scripts = sorted(n for n in os.listdir(HERE) if is_script(n))
    wanted = arguments.names + arguments.only
    if wanted:
        scripts = [n for n in scripts if any(n.startswith(name) for name in wanted)]
    tally = Tally()
    for script in scripts:
        run_script(os.path.join(HERE, script), program, tally)
    if tally.failed:
        print("failed:")
        for failure in dict.fromkeys(tally.failed):
            print(f"  {failure}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed", flush=True)
    sys.exit(1 if tally.failed or not scripts else 0)


if __name__ == "__main__":
    main()
