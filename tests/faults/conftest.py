"""A platform for the tests that break it: shared by the tests of a module, mended between them, judged after each."""

import pytest

from tests.faults.harness import FaultPlatform, fault_platform
from tests.faults.invariants import assert_all_is_well


@pytest.fixture(scope="module")
def module_platform(django_db_setup, django_db_blocker, tmp_path_factory):
    """Its parts start when a test asks for them, and live until the module's last test."""
    with django_db_blocker.unblock():
        manager = fault_platform(tmp_path_factory.mktemp("f"))
        platform = manager.__enter__()
    try:
        yield platform
    finally:
        with django_db_blocker.unblock():
            manager.__exit__(None, None, None)


@pytest.fixture
def platform(module_platform, transactional_db, settings, request) -> FaultPlatform:
    """The module's platform, as good as new; afterwards the invariants of every fault are asserted.

    A test that provokes errors on purpose names a piece of each: ``@pytest.mark.provokes("InjectedFault")``.
    """
    yield from judged(module_platform, settings, request)


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
