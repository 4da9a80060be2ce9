"""What the scripts of this folder share: starting brokers, and saying what was checked.

A script is run by run.py with KASTELLAN_PROGRAM, KASTELLAN_BOOTSTRAP (a broker of its own, with an empty data directory), KASTELLAN_DATA
(that directory) and KASTELLAN_TMP (a scratch directory) in its environment. It prints one line per check, `ok NAME` or
`not ok NAME: why`, and leaves the exit code to `done()`. A comment `# time: 200` among its first lines gives it that many seconds
instead of 120; `# broker: none` says that it starts its own.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

PROGRAM = os.environ.get("KASTELLAN_PROGRAM", ".build/release/kastellan")
BOOTSTRAP = os.environ.get("KASTELLAN_BOOTSTRAP", "")
DATA = os.environ.get("KASTELLAN_DATA", "")
TMP = os.environ.get("KASTELLAN_TMP") or tempfile.mkdtemp(prefix="kastellan-foreign-")
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]

_failed = 0


def check(name, condition, why=""):
    """One line per check; returns the condition."""
    global _failed
    if condition:
        print(f"ok {name}", flush=True)
    else:
        _failed += 1
        print(f"not ok {name}: {str(why)[:600]}".replace("\n", " | "), flush=True)
    return bool(condition)


def equal(name, got, wanted):
    return check(name, got == wanted, f"got {got!r}, wanted {wanted!r}")


@contextlib.contextmanager
def checking(name):
    """Whatever is raised inside is a failed check of that name; nothing else is printed for a success."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every failure of a client is a finding
        traceback.print_exc()
        check(name, False, f"{type(error).__name__}: {error}")


def done():
    # A directory that was made here, and not by run.py, is looked at only where something failed.
    if "KASTELLAN_TMP" not in os.environ and not os.environ.get("KEEP") and not _failed:
        shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(1 if _failed else 0)


def wait_until(condition, seconds=20.0, step=0.05):
    """The first true value of `condition`, or its last value after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


class Broker:
    """A `kastellan dev --headless` of our own."""

    def __init__(self, data=None, port=0, arguments=(), environment=None, scratch=None, program=None):
        self.data = data or tempfile.mkdtemp(prefix="data-", dir=TMP)
        self.log_path = os.path.join(scratch or TMP, "broker.log")
        self.program = program or PROGRAM
        self.port = port
        self.arguments = list(arguments)
        self.environment = environment
        self.process = None
        self.bootstrap = None
        self.line = ""

    def start(self, seconds=15):
        command = [self.program, "dev", "--headless", "--port", str(self.port), "--data", self.data, *self.arguments]
        if "--brokers" not in self.arguments:
            command += ["--brokers", "1"]
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, env={**os.environ, **(self.environment or {})})
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        self.line = self.process.stdout.readline().decode() if ready else ""
        if not self.line.startswith("bootstrap.servers="):
            code = self.process.poll()
            self.kill()
            raise RuntimeError(f"the broker did not start: exit code {code}, printed {self.line!r}; {self.tail_of_log()}")
        self.bootstrap = self.line.strip().split("=", 1)[1]
        # The same port again after a restart, as clients expect of a broker.
        self.port = int(self.bootstrap.split(",")[0].rsplit(":", 1)[1])
        return self

    def tail_of_log(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-800:].decode(errors="replace")

    def kill(self):
        """kill -9."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self, how=signal.SIGTERM, seconds=15):
        """A clean stop; returns the exit code, or None where it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def run(*command, stdin=None, seconds=60, environment=None):
    """A command's exit code, standard output and standard error, as bytes."""
    result = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, timeout=seconds, check=False,
        env={**os.environ, **(environment or {})})
    return result.returncode, result.stdout, result.stderr


def kastellan(*words, stdin=None, seconds=60, bootstrap=None, environment=None):
    """A headless command against this script's broker; text in, text out."""
    code, out, err = run(
        PROGRAM, *words, stdin=stdin.encode() if isinstance(stdin, str) else stdin, seconds=seconds,
        environment={"KASTELLAN_BOOTSTRAP": bootstrap or BOOTSTRAP, **(environment or {})})
    return code, out.decode(errors="replace"), err.decode(errors="replace")


def kcat(*words, stdin=None, seconds=60, bootstrap=None):
    code, out, err = run("kcat", "-b", bootstrap or BOOTSTRAP, *words, stdin=stdin, seconds=seconds)
    return code, out, err
