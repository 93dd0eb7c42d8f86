"""The site behind the shipped web server, in a thread of this process, for clients that speak real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from lyricsite.asgi import application
from lyricsite.web_protocol import PatientProtocol
from tests.processes import free_port, wait_until


@contextmanager
def live_site() -> Iterator[str]:
    """The address of the running site, without a slash at its end. Its tests need ``transaction=True``."""
    port = free_port()
    config = uvicorn.Config(application, port=port, http=PatientProtocol, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="live site", daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, what="the web server")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
