"""One column on one topology, in a process of its own: reads rounds from standard input, writes outcomes to standard output, both as lines
of JSON.

    {"round": [row, …], "victim": broker or null, "suffix": text}      runs these rows at once, each on a thread; the suffix makes names new
    {"go": true}                                        the broker has been killed: rows that wait in their middle go on

    {"middle": row}                                     a row has come to its middle
    {"row": row, "ok": bool, "why": text, "seconds": n, "fault": bool}     fault: whether its broker was killed in its middle
"""

import json
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from conformance import rows_admin, rows_consumers, rows_groups, rows_records, rows_transactions  # noqa: F401 - they fill ROWS
from conformance.aio import Aio
from conformance.base import Cell
from conformance.confluent import Confluent
from conformance.kafka_python import KafkaPython
from conformance.kastellan import Kastellan
from conformance.kcat import Kcat
from conformance.own_library import OwnLibrary
from conformance.suite import ROWS

CLIENTS = {c.name: c for c in (Kcat, Confluent, KafkaPython, Aio, Kastellan, OwnLibrary)}


class Worker:
    def __init__(self, client, bootstrap, brokers, directory, width):
        self.client, self.bootstrap, self.brokers, self.directory, self.width = client, bootstrap, brokers, directory, width
        self.gone = threading.Event()
        self.lock = threading.Lock()

    def say(self, line):
        with self.lock:
            print(json.dumps(line), flush=True)

    def run(self, name, victim, suffix):
        row, started, why = ROWS[name], time.monotonic(), ""
        reached = threading.Event()

        def middle():
            if victim is not None:
                reached.set()
                self.say({"middle": name})
                self.gone.wait(60)

        cell = Cell(name, self.client.name, self.bootstrap, self.brokers, victim, middle, self.directory)
        cell.name += suffix
        try:
            row.test(cell, self.client)
        except Exception as error:  # noqa: BLE001 - every failure of a client is a finding
            why = f"{type(error).__name__}: {error}"
            with open(os.path.join(self.directory, f"{cell.name}.txt"), "w", encoding="utf-8") as file:
                traceback.print_exc(file=file)
        for member in cell.leftovers:
            if member.process.poll() is None:
                member.kill()
        if victim is not None and not why and not reached.is_set():
            why = "the row never came to its middle"
        self.say({"row": name, "ok": not why, "why": why[:600], "seconds": round(time.monotonic() - started, 1)})

    def serve(self):
        with ThreadPoolExecutor(self.width) as pool:
            for line in sys.stdin:
                order = json.loads(line)
                if "go" in order:
                    self.gone.set()
                    continue
                self.gone.clear()
                for name in order["round"]:
                    pool.submit(self.run, name, order["victim"], order["suffix"])


def main():
    name, bootstrap, brokers, directory, width, *others = sys.argv[1:]
    for other in others:
        rows_records.ALL[other] = CLIENTS[other]()
    Worker(CLIENTS[name](), bootstrap, int(brokers), directory, int(width)).serve()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
