"""A platform for the tests that break it: shared by the tests of a module, mended between them, judged after each."""

from pathlib import Path

import pytest

from tests.faults.harness import FaultPlatform, fault_platform
from tests.faults.invariants import assert_all_is_well
from tests.faults.operations import make_world
from tests.processes import running_platform


@pytest.fixture(scope="module")
def platform_of_a_module(django_db_setup, django_db_blocker, tmp_path_factory):
    """How a module makes its platform: ``yield from platform_of_a_module(…)``, with the options of `fault_platform`."""

    def make(**options):
        with django_db_blocker.unblock():
            manager = fault_platform(tmp_path_factory.mktemp("f"), **options)
            platform = manager.__enter__()
        try:
            yield platform
        finally:
            with django_db_blocker.unblock():
                manager.__exit__(None, None, None)

    return make


@pytest.fixture(scope="module")
def module_platform(platform_of_a_module):
    """Its parts start when a test asks for them, and live until the module's last test."""
    yield from platform_of_a_module()


@pytest.fixture
def platform(module_platform, transactional_db, settings, request) -> FaultPlatform:
    """The module's platform, as good as new; afterwards the invariants of every fault are asserted.

    A test that provokes errors on purpose names a piece of each: ``@pytest.mark.provokes("InjectedFault")``.
    """
    yield from judged(module_platform, settings, request)


@pytest.fixture
def web(platform) -> FaultPlatform:
    """The platform with its web server."""
    platform.ensure_web()
    return platform


def judged(platform: FaultPlatform, settings, request):
    """One test's use of a platform; for fixtures of modules that need a platform of their own kind."""
    settings.MEDIA_ROOT = platform.media
    platform.begin_test()
    failed_before = request.session.testsfailed
    try:
        yield platform
        if request.session.testsfailed == failed_before:
            marker = request.node.get_closest_marker("provokes")
            assert_all_is_well(platform, expected=marker.args if marker else ())
    finally:
        if request.session.testsfailed != failed_before:
            print(platform.logs())
        platform.mend()
        platform.end_runs()


@pytest.fixture
def disk(settings, tmp_path, monkeypatch):
    """Every place where an upload may leave something: the storage and the folder of temporary files."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "a/b/uploads")
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir(parents=True)
    monkeypatch.chdir(settings.FILE_UPLOAD_TEMP_DIR)  # what points two folders up would still be seen

    class Disk:
        def files(self) -> list[Path]:
            return [path for path in tmp_path.rglob("*") if path.is_file()]

        def is_clean(self) -> bool:
            return not self.files()

    return Disk()


@pytest.fixture
def world(user, doorbells) -> dict[str, str]:
    return make_world(user)


@pytest.fixture
def site(transactional_db, tmp_path_factory):
    """A web server of its own on the test's database, with a broker for what it counts."""
    with running_platform(tmp_path_factory.mktemp("w"), workers=False) as platform:
        yield platform
