"""An S3 that runs inside the tests, and a road to it on which things go wrong."""

import http.client
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3

from lyricsite.object_store import s3_storage
from tests.needs import lacking

BUCKET = "songs"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
HOP = {"connection", "transfer-encoding", "content-length", "expect", "server", "date"}


@contextmanager
def running_store() -> Iterator[str]:
    """An S3 server of this process; gives its address."""
    try:
        from moto.server import ThreadedMotoServer
    except ModuleNotFoundError as missing:
        lacking(str(missing))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass
class Bucket:
    """An empty bucket, behind a road that may be told to fail."""

    store: str
    url: str
    name: str = BUCKET
    faults: list[str] = field(default_factory=list)  # what happens to the next uploads, in turn: "cut" or "503"
    uploads: list[str] = field(default_factory=list)  # the keys that were sent, whatever became of them

    def keys(self) -> list[str]:
        return sorted(one.key for one in self.resource().all())

    def resource(self):
        client = boto3.resource("s3", endpoint_url=self.store)
        return client.Bucket(self.name).objects

    def settings(self) -> dict:
        return s3_storage(self.name, self.url)


@contextmanager
def new_bucket(store: str) -> Iterator[Bucket]:
    """An empty bucket of the server at ``store``; needs the keys in the environment."""
    bucket = boto3.resource("s3", endpoint_url=store).create_bucket(Bucket=BUCKET)
    made = Bucket(store, "")
    road = ThreadingHTTPServer(("127.0.0.1", 0), _road_to(made))
    threading.Thread(target=road.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{road.server_port}"
    try:
        yield made
    finally:
        road.shutdown()
        road.server_close()
        for upload in bucket.multipart_uploads.all():
            upload.abort()
        bucket.objects.all().delete()
        bucket.delete()


def _road_to(bucket: Bucket) -> type[BaseHTTPRequestHandler]:
    class Road(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            fault = ""
            if self.command == "PUT":
                bucket.uploads.append(self.path)
                fault = bucket.faults.pop(0) if bucket.faults else ""
            if fault == "cut":
                self.rfile.read(length // 2)
                self.close_connection = True
                self.connection.close()
                return
            body = self.rfile.read(length)
            if fault == "503":
                self.answer(503, {}, b"")
                return
            there = http.client.HTTPConnection(bucket.store.removeprefix("http://"), timeout=20)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            there.request(self.command, self.path, body=body, headers=headers)
            answer = there.getresponse()
            self.answer(answer.status, dict(answer.getheaders()), answer.read())
            there.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - as the server calls them

        def answer(self, status: int, headers: dict, body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args) -> None:
            """Nothing: the tests' output is not a server's log."""

    return Road
