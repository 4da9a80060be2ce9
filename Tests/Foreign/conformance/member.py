"""One group member in a process of its own, so that it can be killed: prints a line of JSON whenever what it owns changes, and what it read.

    member.py CLIENT BOOTSTRAP GROUP TOPIC ASSIGNOR [INSTANCE]

A line on standard input, or its end, makes it leave in an orderly way.
"""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def client_named(name):
    if name == "confluent-kafka":
        from conformance.confluent import Confluent
        return Confluent()
    if name == "kafka-python":
        from conformance.kafka_python import KafkaPython
        return KafkaPython()
    from conformance.aio import Aio
    return Aio()


def main():
    name, bootstrap, group, topic, assignor, *instance = sys.argv[1:]
    leaving = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), leaving.set()), daemon=True).start()
    owned = None
    # Whoever has started it is told at once that it runs: from here on, time is the cluster's.
    print(json.dumps(["owned", []]), flush=True)
    events = client_named(name).member(group, topic, bootstrap, assignor, instance[0] if instance else None)
    for event in events:
        if event[0] == "read":
            print(json.dumps(event), flush=True)
        elif event[1] != owned:
            owned = event[1]
            print(json.dumps(event), flush=True)
        if leaving.is_set():
            break
    events.close()
    os._exit(0)


if __name__ == "__main__":
    main()
