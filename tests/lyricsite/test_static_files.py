"""Scripts as a server collects them."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from lyricsite.static_files import ModuleStaticFilesStorage

IMPORT = re.compile(r'from "(\./[^"]+)"')


@pytest.fixture
def collected(settings, tmp_path) -> Path:
    backend = f"{ModuleStaticFilesStorage.__module__}.{ModuleStaticFilesStorage.__qualname__}"
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    call_command("collectstatic", interactive=False, verbosity=0)
    return settings.STATIC_ROOT


def test_a_module_names_the_modules_that_it_needs_as_they_are_collected(collected):
    scripts = list(collected.glob("js/**/*.js"))
    imports = [(path, name) for path in scripts for name in IMPORT.findall(path.read_text())]
    assert len(imports) > 10
    assert [f"{path.name}: {name}" for path, name in imports if not (path.parent / name).exists()] == []
