"""A broker of one test alone, to lose its messages and to crash."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis

from lyricsite.broker import BrokerMissing, server_program
from tests.needs import lacking
from tests.processes import free_port, wait_until


@dataclass
class PrivateBroker:
    """A Valkey or Redis of this test alone, on a port that stays the same across restarts."""

    folder: Path
    keeps: bool = False  # whether it writes an append-only file
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            program = server_program()
        except BrokerMissing as missing:
            lacking(str(missing))
        command = [program, "--dir", str(self.folder), "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        command += ["--appendonly", "yes" if self.keeps else "no", "--logfile", str(self.folder / "log")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, seconds=20, what="the broker")

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=1)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """Lose every message, at once."""
        with self.client() as client:
            client.flushall()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
