"""What a large cluster costs the server that watches it: memory, time until ready, CPU of an event.

    python -m tests.benchmarks.cluster [pods] [namespaces]

A child process plays the API server. Every pod has about 5 KB of JSON, as pods of a Deployment with two
containers, probes, volumes, tolerations, conditions and managedFields have.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from gatekeeper_py.cluster.follower import Picture
from gatekeeper_py.cluster.live import LiveCluster, configuration
from gatekeeper_py.engine import load_policies
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.reads import read_by
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS
from gatekeeper_py.webhook.memory import frugal, settle, trim
from tests.shipped import SHIPPED

Json = dict[str, Any]

PODS, NAMESPACES = 100_000, 10_000
EVENTS = 20_000
CHANGES = 2_000
POD = GroupVersionKind("", "v1", "Pod")
SECONDS = 600


def serve(port: Any, pods: int, namespaces: int, go: Event) -> None:
    """The API server: what it holds, and a burst of status patches once it is told to go."""
    texts = {
        "/api/v1/pods": lambda number: pod_text(number, namespaces),
        "/api/v1/namespaces": namespace_text,
    }
    counts = {"/api/v1/pods": pods, "/api/v1/namespaces": namespaces}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if "watch" not in asked:
                self.list(url.path, int(asked.get("continue", 0)), int(asked.get("limit", 500)))
            elif url.path == "/api/v1/pods" and go.wait(5) and not done:
                done.append(True)
                for number in range(EVENTS):
                    text = pod_text(number, namespaces, version=10 + number)
                    self.wfile.write(b'{"type":"MODIFIED","object":' + text + b"}\n")
                self.wfile.write(bookmark(999_999))
            else:
                time.sleep(5)

        def list(self, path: str, begin: int, limit: int) -> None:
            end = min(begin + limit, counts.get(path, 0))
            items = b",".join(texts[path](number) for number in range(begin, end)) if path in texts else b""
            more = f',"continue":"{end}"' if end < counts.get(path, 0) else ""
            metadata = f'{{"resourceVersion":"7"{more}}}'.encode()
            self.wfile.write(b'{"metadata":' + metadata + b',"items":[' + items + b"]}")

        def log_message(self, *_: object) -> None:
            pass

    done: list[bool] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_port)
    server.serve_forever()


def bookmark(version: int) -> bytes:
    return (
        orjson.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}) + b"\n"
    )


def container(name: str) -> Json:
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10}
    resources = {"cpu": "250m", "memory": "256Mi"}
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}@sha256:{'0' * 64}",
        "env": [{"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(12)],
        "resources": {"requests": resources, "limits": resources},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "securityContext": {"privileged": False, "allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }


def status(name: str) -> Json:
    return {"name": name, "ready": True, "restartCount": 0, "imageID": f"sha256:{'0' * 64}", "started": True}


def pod() -> Json:
    """As large as an ordinary one, with words in capitals for what differs."""
    names = ("web", "proxy")
    labels = {
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/instance": "web",
        "pod-template-hash": "5d9c",
    }
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9c", "uid": "owner-NAMESPACE"}
    fields: Json = {
        f"f:{name}": {} for name in ("image", "name", "env", "resources", "ports", "volumeMounts")
    }
    return {
        "metadata": {
            "name": "NAME",
            "namespace": "NAMESPACE",
            "uid": "0f0f0f0f-aaaa-bbbb-cccc-NAME",
            "resourceVersion": "VERSION",
            "creationTimestamp": "2026-11-30T12:00:00Z",
            "labels": labels,
            "ownerReferences": [owner],
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": fields}] * 3,
        },
        "spec": {
            "containers": [container(name) for name in names],
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "token", "projected": {"sources": []}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}] * 2,
            "nodeName": "node-1",
            "runtimeClassName": "kata",
        },
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": name, "status": "True"} for name in ("Ready", "Initialized", "PodScheduled")
            ],
            "containerStatuses": [status(name) for name in names],
        },
    }


TEMPLATE = orjson.dumps(pod())


def pod_text(number: int, namespaces: int, version: int = 1) -> bytes:
    """A pod of one of ten Deployments of its namespace."""
    parts = (
        (b"NAMESPACE", f"ns-{number % namespaces}"),
        (b"NAME", f"web-{number}"),
        (b"VERSION", str(version)),
    )
    text = TEMPLATE
    for mark, value in parts:
        text = text.replace(mark, value.encode())
    return text


def namespace_text(number: int) -> bytes:
    name = f"ns-{number}"
    labels = {"kubernetes.io/metadata.name": name}
    return orjson.dumps({"metadata": {"name": name, "resourceVersion": "1", "labels": labels}})


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024**2


def kubeconfig(folder: str, port: int) -> Path:
    path = Path(folder) / "kubeconfig"
    user = {"name": "u", "user": {"token": "t"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    document = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "c"}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **document}), encoding="utf-8")
    return path


def main(pods: int = PODS, namespaces: int = NAMESPACES) -> None:
    here, there = multiprocessing.Pipe()
    go = multiprocessing.get_context("fork").Event()
    child = multiprocessing.get_context("fork").Process(
        target=serve, args=(there, pods, namespaces, go), daemon=True
    )
    child.start()
    frugal()
    kept = read_by(load_policies(read(SHIPPED)))
    settle()
    before = megabytes()
    with tempfile.TemporaryDirectory() as folder:
        measure(LiveCluster(configuration(kubeconfig(folder, here.recv())), TENANCY_KINDS), kept, go, before)
    child.terminate()
    child.join()


def measure(live: LiveCluster, kept: Any, go: Event, before: float) -> None:
    live.follow(kept)
    begun, cpu = time.monotonic(), time.process_time()
    live.start()
    assert live.wait_until_synced(SECONDS), live.problems
    print(f"ready after {time.monotonic() - begun:.1f} s, {time.process_time() - cpu:.1f} s of CPU")
    settle()
    trim()
    found = len(list(live.seen.list(POD)))
    print(
        f"{found} pods of {len(TEMPLATE)} bytes: {megabytes() - before:.0f} MiB more than without, {megabytes():.0f} in all"
    )
    cpu = time.process_time()
    longest = burst(live, go)
    spent = (time.process_time() - cpu) / EVENTS * 1000
    print(
        f"an event that changes nothing that is kept: {spent:.3f} ms of CPU, longest pause {longest * 1000:.0f} ms"
    )
    live.stop()
    cpu = time.process_time()
    picture = Picture()
    picture.snapshot = live.seen
    for value in islice(live.seen.list(POD), CHANGES):
        picture.change(POD, [{**value, "spec": {}}], [])
    spent = (time.process_time() - cpu) / CHANGES * 1000
    print(f"to put one in force that changes something: {spent:.3f} ms of CPU")


def burst(live: LiveCluster, go: Event) -> float:
    """Until the status patches have been read; the longest that this thread had to wait meanwhile."""
    go.set()
    longest = 0.0
    pods = live._followers[POD]
    while pods._version != "999999":
        begun = time.monotonic()
        time.sleep(0.001)
        longest = max(longest, time.monotonic() - begun)
    return longest


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
