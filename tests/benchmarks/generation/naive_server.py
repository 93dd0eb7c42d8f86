"""The yardstick's server: a thread for each request, in which torch writes one token after the other.

python -m tests.benchmarks.generation.naive_server MODEL PORT        # POST {"prompt": [token, …], "max_tokens": n}
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch

from tests.benchmarks.generation import baseline


class Handler(BaseHTTPRequestHandler):
    """Streams each token as an event as soon as it is drawn."""

    model: baseline.TutorialModel

    def do_GET(self) -> None:
        self._begin()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._begin()
        for token in baseline.write(self.model, asked["prompt"], asked["max_tokens"]):
            self.wfile.write(b"event: token\ndata: %d\n\n" % token)

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def log_message(self, *words) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # all who come at once are let in


def main() -> None:
    torch.set_num_threads(1)
    Handler.model = baseline.load(Path(sys.argv[1]))
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()


if __name__ == "__main__":
    main()
