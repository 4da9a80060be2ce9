"""A cluster of `kastellan broker` processes, each with its own server.properties and data directory: started, killed, paused, stopped,
and, where the machine allows network namespaces, cut off from the others.

With `networks=True` every broker lives in a network namespace of its own, joined to the others and to this process by a bridge. That
needs `inside_namespace()` to have been called first; everything it makes vanishes with the processes.
"""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import time

import harness

# What a cluster on one machine uses, so that it fails over at once; the same as `kastellan dev` gives its brokers.
DEVELOPMENT = {
    "group.initial.rebalance.delay.ms": "0", "num.network.threads": "1", "controller.quorum.election.timeout.ms": "150",
    "controller.quorum.fetch.timeout.ms": "800", "controller.quorum.election.backoff.max.ms": "100",
    "controller.quorum.request.timeout.ms": "1000", "replica.fetch.backoff.ms": "50", "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "250", "replica.lag.time.max.ms": "5000",
}


def can_make_namespaces():
    if os.geteuid() != 0:
        return False
    probe = "ip link set lo up && ip link add br0 type bridge && ip link add v0 type veth peer name e0"
    try:
        return subprocess.run(["unshare", "-n", "sh", "-c", probe], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def inside_namespace():
    """Runs this program once more in a network namespace of its own; returns only there."""
    if os.environ.get("KASTELLAN_NAMESPACE"):
        return
    os.environ["KASTELLAN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def ip(*words, pid=None):
    command = ["ip", *words] if pid is None else ["nsenter", "-t", str(pid), "-n", "ip", *words]
    subprocess.run(command, check=True, capture_output=True, timeout=10)


def free_ports(count):
    """Ports that are free now and that the system gives to nobody else: below those it hands out by itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        low = max(12000, int(file.read().split()[0]))
    found = []
    while len(found) < count:
        port = random.randrange(max(2000, low - 20000), low)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Node:
    """One broker process after another, over the same directory."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.id = number
        self.directory = os.path.join(cluster.directory, str(number))
        self.file = os.path.join(cluster.directory, f"{number}.properties")
        self.log_path = os.path.join(cluster.directory, f"{number}.log")
        self.process = None
        self.is_paused = False
        self.holder = None  # keeps the network namespace
        self.crashes = []
        self.starts = 0

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Starts the process and does not wait for it."""
        self.reap(expected=True)
        prefix = ["nsenter", "-t", str(self.holder.pid), "-n"] if self.holder else []
        self.starts += 1
        with open(self.log_path, "ab") as log:
            log.write(f"== start {self.starts}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                [*prefix, harness.PROGRAM, "broker", self.file], stdout=subprocess.PIPE, stderr=log)

    def wait_ready(self, seconds=30):
        """Whether the broker has said that it serves."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return bool(ready) and self.process.stdout.readline().startswith(b"bootstrap.servers=")

    def reap(self, expected):
        """Notes how a process ended that nobody ended."""
        if self.process is None:
            return
        code = self.process.poll()
        if code is not None and not expected:
            self.crashes.append(f"broker {self.id} ended by itself with {code}: {self.tail()}")
            self.process.stdout.close()
            self.process = None

    def tail(self, count=700):
        with open(self.log_path, "rb") as log:
            return log.read()[-count:].decode(errors="replace")

    def kill(self):
        """kill -9, and it is gone when this returns."""
        if not self.process:
            return
        self.reap(expected=False)
        if not self.process:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process, self.is_paused = None, False

    def pause(self):
        if self.is_running:
            self.process.send_signal(signal.SIGSTOP)
            self.is_paused = True

    def resume(self):
        if self.is_running and self.is_paused:
            self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def stop(self, seconds=20):
        """A clean stop; the exit code, or None where it took too long and was killed."""
        if not self.process:
            return 0
        self.resume()
        self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        self.process.stdout.close()
        self.process = None
        return code

    # Networks.

    @property
    def host(self):
        return f"10.77.0.{self.id}" if self.holder else "127.0.0.1"

    def join_bridge(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "100000"])
        mine = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == mine:
            time.sleep(0.01)
        pid = self.holder.pid
        ip("link", "add", f"v{self.id}", "type", "veth", "peer", "name", f"e{self.id}")
        ip("link", "set", f"e{self.id}", "netns", str(pid))
        ip("link", "set", f"v{self.id}", "master", "br0")
        ip("link", "set", f"v{self.id}", "up")
        ip("link", "set", "lo", "up", pid=pid)
        ip("addr", "add", f"10.77.0.{self.id}/24", "dev", f"e{self.id}", pid=pid)
        ip("link", "set", f"e{self.id}", "up", pid=pid)

    def cut_off(self):
        """From everybody: frames are lost, nothing is refused."""
        ip("link", "set", f"v{self.id}", "down")

    def cut_from(self, other):
        """What this broker sends to the other gets nowhere; the other way stays open, where nothing answers."""
        ip("route", "replace", "blackhole", f"{other.host}/32", pid=self.holder.pid)

    def heal(self):
        if not self.holder:
            return
        ip("link", "set", f"v{self.id}", "up")
        for other in self.cluster.nodes:
            if other is not self:
                try:
                    ip("route", "del", "blackhole", f"{other.host}/32", pid=self.holder.pid)
                except subprocess.CalledProcessError:
                    pass  # there was none


class Cluster:
    def __init__(self, brokers=3, settings=None, directory=None, networks=False, development=True,
                 listener="PLAINTEXT"):
        self.directory = directory or os.path.join(harness.TMP, "cluster")
        os.makedirs(self.directory, exist_ok=True)
        self.nodes = [Node(self, number + 1) for number in range(brokers)]
        self.has_networks = networks
        if networks:
            ip("link", "set", "lo", "up")
            ip("link", "add", "br0", "type", "bridge")
            ip("addr", "add", "10.77.0.254/24", "dev", "br0")
            ip("link", "set", "br0", "up")
            for node in self.nodes:
                node.join_bridge()
        ports = [9092, 9093] * brokers if networks else free_ports(2 * brokers)
        self.ports = {node.id: ports[2 * index] for index, node in enumerate(self.nodes)}
        controllers = {node.id: ports[2 * index + 1] for index, node in enumerate(self.nodes)}
        voters = ",".join(f"{node.id}@{node.host}:{controllers[node.id]}" for node in self.nodes)
        replicas, acknowledging = min(3, brokers), max(1, min(3, brokers) - 1)
        common = {
            "process.roles": "broker,controller", "controller.quorum.voters": voters, "controller.listener.names": "CONTROLLER",
            "default.replication.factor": replicas, "min.insync.replicas": acknowledging,
            "offsets.topic.replication.factor": replicas, "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": min(2, brokers), **(DEVELOPMENT if development else {}), **(settings or {}),
        }
        self.cluster_id = self.tool("random-uuid")[1].strip()
        for node in self.nodes:
            own = {
                "node.id": node.id, "log.dirs": node.directory,
                "listeners": f"{listener}://{node.host}:{self.ports[node.id]},CONTROLLER://{node.host}:{controllers[node.id]}",
            }
            with open(node.file, "w", encoding="utf-8") as file:
                file.writelines(f"{key}={value}\n" for key, value in {**common, **own}.items())
            code, out, err = self.tool("format", "-t", self.cluster_id, "-c", node.file)
            if code != 0:
                raise RuntimeError(f"storage format: exit code {code}: {out} {err}")

    def tool(self, *words):
        return harness.kastellan("storage", *words)

    @property
    def bootstrap(self):
        return ",".join(f"{node.host}:{self.ports[node.id]}" for node in self.nodes)

    def address(self, node):
        return f"{node.host}:{self.ports[node.id]}"

    def start(self, seconds=30):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            if not node.wait_ready(seconds):
                raise RuntimeError(f"broker {node.id} is not ready after {seconds} s: {node.tail()}")
        return self

    def node(self, number):
        return self.nodes[number - 1]

    def crashes(self):
        for node in self.nodes:
            node.reap(expected=False)
        return [crash for node in self.nodes for crash in node.crashes]

    def close(self):
        for node in self.nodes:
            node.kill()
            if node.holder:
                node.holder.kill()
                node.holder.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()


def leaders(admin, topic, seconds=10):
    """Leader and ISR of each partition as one broker tells them: {partition: (leader, [isr])}."""
    found = admin.list_topics(topic, timeout=seconds).topics[topic]
    return {index: (partition.leader, sorted(partition.isrs)) for index, partition in found.partitions.items()}
