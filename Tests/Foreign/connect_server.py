"""A stand-in for a cluster of Kafka Connect: the REST API that Kafka documents, over state that changes as it is told, a while after it was told.

No connector runs here: a task is a state, a worker and perhaps a trace. What is asked without the password of alice is refused."""

import http.server
import json
import re
import threading
import time
import urllib.parse

TRACE = ("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n"
         "\tat org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.execAndHandleError(RetryWithToleranceOperator.java:230)\n"
         "Caused by: java.sql.SQLException: \x1b[31mno such table\x1b[0m: orders")
CLASSES = {"FileStreamSink": "sink", "FileStreamSource": "source", "JdbcSinkConnector": "sink"}


class Connect:
    """Connectors by name. `delay`: seconds from a request to when the change shows."""

    def __init__(self, delay=0.3, authorization="Basic YWxpY2U6d29uZGVy"):
        self.connectors = {}
        self.delay = delay
        self.authorization = authorization
        self.asked = []
        self.busy = False
        self.lock = threading.Lock()
        connect = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                if connect.authorization and self.headers.get("Authorization") != connect.authorization:
                    return self.answer(401, {"error_code": 401, "message": "User cannot access the resource."})
                if raw and not self.headers.get("Content-Type", "").startswith("application/json"):
                    return self.answer(415, {"error_code": 415, "message": "HTTP 415 Unsupported Media Type"})
                url = urllib.parse.urlsplit(self.path)
                with connect.lock:
                    connect.asked.append((self.command, self.path))
                    status, body = connect.answer(
                        self.command, url.path, urllib.parse.parse_qs(url.query), json.loads(raw) if raw else None)
                return self.answer(status, body)

            def answer(self, status, body):
                data = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if body is not None:
                    self.send_header("Content-Type", "application/json")
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.name}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # What is there.

    def add(self, name, config):
        config = {**config, "name": name}
        self.connectors[name] = {"config": config, "state": "RUNNING", "wanted": [], "tasks": []}
        self.start_tasks(name)

    def start_tasks(self, name):
        one = self.connectors[name]
        count = int(one["config"].get("tasks.max", "1"))
        one["tasks"] = [{"id": n, "state": "RUNNING", "worker_id": f"10.0.0.{n % 2 + 1}:8083"} for n in range(count)]

    def fail(self, name, task):
        self.connectors[name]["tasks"][task] |= {"state": "FAILED", "trace": TRACE}

    def settle(self, one):
        """What was asked for long enough ago has come to be."""
        while one["wanted"] and one["wanted"][0][0] <= time.monotonic():
            one["wanted"].pop(0)[1]()

    def later(self, one, change):
        one["wanted"].append((time.monotonic() + self.delay, change))

    def kind(self, name):
        return CLASSES[self.connectors[name]["config"]["connector.class"].split(".")[-1]]

    def status(self, name):
        one = self.connectors[name]
        return {"name": name, "connector": {"state": one["state"], "worker_id": "10.0.0.1:8083"}, "tasks": one["tasks"],
                "type": self.kind(name)}

    def info(self, name):
        one = self.connectors[name]
        return {"name": name, "config": one["config"], "tasks": [{"connector": name, "task": task["id"]} for task in one["tasks"]],
                "type": self.kind(name)}

    # What is asked.

    def answer(self, method, path, query, body):
        for one in self.connectors.values():
            self.settle(one)
        if self.busy and method != "GET":
            return 409, {"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"}
        if match := re.fullmatch(r"/connector-plugins/([^/]+)/config/validate", path):
            return self.validate(match[1], body)
        if path == "/connectors":
            if method == "POST":
                return self.create(body["name"], body["config"])
            if "expand" in query:
                return 200, {name: {kind: getattr(self, kind)(name) for kind in query["expand"]} for name in self.connectors}
            return 200, list(self.connectors)
        match = re.fullmatch(r"/connectors/([^/]+)(/.*)?", path)
        if not match:
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        name, rest = urllib.parse.unquote(match[1]), (match[2] or "").rstrip("/")
        if name not in self.connectors and not (method == "PUT" and rest == "/config"):
            return 404, {"error_code": 404, "message": f"Connector {name} not found"}
        return self.of_one(method, name, rest, query, body)

    def of_one(self, method, name, rest, query, body):
        one = self.connectors.get(name)
        if method == "GET":
            found = {"": self.info, "/status": self.status, "/config": lambda _: one["config"]}.get(rest)
            return (200, found(name)) if found else (404, {"error_code": 404, "message": "HTTP 404 Not Found"})
        if method == "DELETE" and rest == "":
            del self.connectors[name]
            return 204, None
        if method == "PUT" and rest == "/config":
            existed = one is not None
            if existed:
                one["config"] = {**body, "name": name}
                self.later(one, lambda: self.start_tasks(name))
            else:
                self.add(name, body)
            return (200 if existed else 201), self.info(name)
        if method == "PUT" and rest in ("/pause", "/resume", "/stop"):
            self.later(one, lambda: self.to(name, {"/pause": "PAUSED", "/resume": "RUNNING", "/stop": "STOPPED"}[rest]))
            return (204 if rest == "/stop" else 202), None
        if method == "POST" and rest == "/restart":
            with_tasks, failed = query.get("includeTasks") == ["true"], query.get("onlyFailed") == ["true"]
            chosen = [task for task in one["tasks"] if with_tasks and (not failed or task["state"] == "FAILED")]
            for task in chosen:
                task["state"] = "RESTARTING"
                self.later(one, lambda task=task: self.run(task))
            return 202, self.status(name)
        if method == "POST" and (match := re.fullmatch(r"/tasks/(\d+)/restart", rest)):
            task = one["tasks"][int(match[1])]
            self.later(one, lambda: self.run(task))
            return 204, None
        return 405, {"error_code": 405, "message": "HTTP 405 Method Not Allowed"}

    def run(self, task):
        task["state"] = "RUNNING"
        task.pop("trace", None)

    def to(self, name, state):
        one = self.connectors[name]
        before, one["state"] = one["state"], state
        if state == "STOPPED":
            one["tasks"] = []
        elif before == "STOPPED":
            self.start_tasks(name)
        for task in one["tasks"]:
            if task["state"] != "FAILED":
                task["state"] = state

    def create(self, name, config):
        if name in self.connectors:
            return 409, {"error_code": 409, "message": f"Connector {name} already exists"}
        self.add(name, config)
        return 201, self.info(name)

    def validate(self, plugin, config):
        if plugin not in CLASSES:
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        errors = {"topics": []}
        if CLASSES[plugin] == "sink" and not config.get("topics"):
            errors["topics"].append("Must configure one of topics or topics.regex")
        if not config.get("tasks.max", "1").isdigit():
            errors["tasks.max"] = [f"Invalid value {config['tasks.max']} for configuration tasks.max: Not a number of type INT"]
        configs = [{"definition": {"name": key}, "value": {"name": key, "value": config.get(key), "errors": list_}}
                   for key, list_ in errors.items()]
        return 200, {"name": plugin, "error_count": sum(len(list_) for list_ in errors.values()), "configs": configs}
