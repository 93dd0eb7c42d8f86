"""`manage.py serve` on an empty data folder: the whole platform starts, and ends without a trace."""

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from lyricsite.broker import BrokerMissing, server_program
from tests.needs import lacking
from tests.processes import ROOT, free_port, wait_until

pytestmark = pytest.mark.worker


class Served:
    """A supervisor on its own data folder, with nothing of the surrounding environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {**kept, "DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self.log = folder.parent / "serve.log"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port)],
            cwd=ROOT, env=self.environment, stdout=self.log.open("ab"), stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def says(self, words: str) -> re.Match | None:
        return re.search(words, self.log.read_text())

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + "/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def offspring(self) -> set[int]:
        """Every process that was started with this data folder, but for the supervisor itself."""
        mine = f"DATA_DIR={self.folder}".encode()
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mine in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:  # it ended meanwhile, or is another user's
                continue
        return found - {self.process.pid}


@pytest.fixture
def served(tmp_path):
    try:
        server_program()
    except BrokerMissing as missing:
        lacking(str(missing))
    served = Served(tmp_path / "data")
    try:
        wait_until(served.is_ready, what="serve")
        yield served
    except BaseException:
        print(served.log.read_text()[-4000:])
        raise
    finally:
        if served.process.poll() is None:
            os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait()


def test_the_first_start_gives_an_administrator_and_a_songbook(served):
    password_file = served.folder / "admin-password"
    password = password_file.read_text().strip()
    assert served.says(rf"open at http://localhost:{served.port}/")
    assert served.says(re.escape(password))
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    token = httpx.post(served.url + "/api/v1/tokens/", json={"username": "admin", "password": password}).json()["token"]
    datasets = httpx.get(served.url + "/api/v1/datasets/", headers={"Authorization": f"Bearer {token}"}).json()
    assert [(row["name"], row["state"]) for row in datasets["results"]] == [("Starter songbook", "ready")]


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc")
def test_ctrl_c_ends_every_process(served):
    # Ready means one worker listens; the other's pool may still be starting.
    wait_until(lambda: len(served.offspring()) >= 5, what="broker, web, two workers and their pools")
    served.process.send_signal(signal.SIGINT)
    served.process.wait(60)
    assert served.process.returncode == 0
    wait_until(lambda: not served.offspring(), what="the end of every process")


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc")
def test_a_killed_supervisor_leaves_nothing_behind(served):
    served.process.kill()
    served.process.wait()
    wait_until(lambda: not served.offspring(), what="the end of every process")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the web server in /proc")
def test_a_part_that_dies_is_started_again(served):
    web = next(
        pid for pid in served.offspring() if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    )
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: served.says("web ended with code -9"), what="its notice")
    wait_until(served.is_ready, what="the new web server")


def test_a_second_supervisor_on_the_same_folder_is_refused(served):
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(free_port())],
        cwd=ROOT, env=served.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert second.returncode != 0
    assert "already runs" in second.stderr


def test_a_busy_port_is_named(served):
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(served.port)],
        cwd=ROOT, env={**served.environment, "DATA_DIR": str(served.folder.parent / "other")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert f"Port {served.port}" in second.stderr
