"""What can be checked of a server installation without one."""

import re
from pathlib import Path

import django
import kombu
import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
READ_BY_UVICORN = {"FORWARDED_ALLOW_IPS"}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def queues_served(compose: dict) -> set[str]:
    commands = [service.get("command", []) for service in compose["services"].values()]
    return {queue for command in commands if "-Q" in command for queue in command[command.index("-Q") + 1].split(",")}


def test_every_queue_has_a_worker(compose):
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert routed == queues_served(compose)


def test_every_service_uses_the_broker_of_the_compose_file(compose):
    for name in ("web", "worker-training", "worker-imports", "beat"):
        assert compose["services"][name]["environment"]["REDIS_URL"] == "redis://redis:6379/0"


def test_every_variable_of_the_compose_file_is_read_by_something(compose):
    source = (ROOT / "lyricsite/settings.py").read_text() + (ROOT / "lyricsite/env.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z0-9_]+)"', source))
    named = {
        name
        for service in compose["services"].values()
        if service.get("image") == "lyricsite:latest"
        for name in service["environment"]
    }
    assert named <= read | READ_BY_UVICORN


WORKERS = ("worker-training", "worker-imports")


def test_every_long_running_service_restarts_and_says_how_it_is(compose):
    services = compose["services"]
    for name, service in services.items():
        if name not in ("migrate", *WORKERS):
            assert service["restart"] == "unless-stopped", name
    for name in ("web", "postgres", "redis", *WORKERS):
        assert "healthcheck" in services[name], name


def test_a_worker_that_was_drained_is_not_started_again_and_one_that_failed_is(compose):
    """It ends with code 0, as `tests.faults.test_workers` sees a worker do that staff empties."""
    for name in WORKERS:
        assert compose["services"][name]["restart"] == "on-failure", name
        assert compose["services"][name]["init"], "the code of the worker must be that of the container"


def test_workers_get_more_time_to_stop_than_their_soft_shutdown(compose):
    for name in WORKERS:
        seconds = int(compose["services"][name]["stop_grace_period"].rstrip("s"))
        assert seconds > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT + 15


def test_every_variable_of_the_example_file_is_read():
    source = "".join(path.read_text() for path in (ROOT / "lyricsite").rglob("*.py"))
    for name in re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M):
        assert name in READ_BY_UVICORN or f'"{name}"' in source, name


def test_versions_stand_above_their_floors():
    assert django.VERSION >= (5, 2, 19)
    assert tuple(int(part) for part in kombu.__version__.split(".")[:2]) >= (5, 7)


def test_assets_of_installed_packages_are_where_the_pages_look_for_them():
    from django.contrib.staticfiles import finders

    for asset in ("unfold/js/chart/chart.js", "django_htmx/htmx-2.min.js"):
        assert finders.find(asset), asset
