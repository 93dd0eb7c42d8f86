"""The house rules, read from the source: who may import whom, and that torch stays out of the web."""

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("lyricsite", "training", "generator")

FRAMEWORKS = ("django", "rest_framework", "celery", "drf_spectacular", "django_filters", "unfold")
PURE = (
    "training.language_model.config",
    "training.language_model.errors",
    "training.language_model.lyric_text",
    "training.language_model.tokenizers",
    "training.language_model.presets",
    "training.language_model.shapes",
    "training.language_model.serving_files",
    "training.language_model.model_header",
    "training.language_model.recipes",
    "training.language_model.estimates",
    "training.importers",
)
TORCH_MAY_COME_FROM = ("training.language_model", "training.execution")


@dataclass(frozen=True)
class Rule:
    """Modules under ``rooms`` never import anything under ``never``, except what is under ``unless``."""

    name: str
    rooms: tuple[str, ...]
    never: tuple[str, ...]
    unless: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


RULES = [
    Rule("torch lives in the numeric room and in execution", APPS, ("torch",), spare=TORCH_MAY_COME_FROM),
    Rule("the numeric room knows no framework", ("training.language_model",), (*FRAMEWORKS, "training.models")),
    Rule(
        "the numeric room knows nothing above it",
        ("training.language_model",),
        ("training",),
        (*PURE, "training.language_model"),
    ),
    Rule(
        "importers are pure",
        ("training.importers",),
        (*FRAMEWORKS, "torch", "training"),
        ("training.importers", "training.language_model.lyric_text"),
    ),
    Rule("config, text and tokenizers are pure", PURE[:-1], (*FRAMEWORKS, "torch", "numpy", "training"), PURE[:-1]),
    Rule(
        "decoding knows neither torch nor a framework",
        ("generator.decoding",),
        (*FRAMEWORKS, "torch", "training", "generator"),
        (
            *PURE[:-1],
            "training.language_model.compiled_step",
            "training.language_model.kernels.linked",
            "training.language_model.kernels.sizes",
            "training.language_model.step_network",
            "training.language_model.this_machine",
            "generator.decoding",
            "generator.recipe",
        ),
    ),
    Rule(
        "numba compiles in a process of its own",
        APPS,
        ("numba", "training.language_model.kernels"),
        ("training.language_model.kernels.linked", "training.language_model.kernels.sizes"),
        spare=("training.language_model.kernels",),
    ),
    Rule("recipes are pure", ("generator.recipe", "generator.prosody"), (*FRAMEWORKS, "torch", "training"), PURE[:-1]),
    Rule("training never looks up to generator", ("training",), ("generator", "lyricsite")),
    Rule("no app knows the root", ("generator",), ("lyricsite",)),
    Rule(
        "models know nothing above them",
        ("training.models", "generator.models"),
        ("training", "generator"),
        (
            "training.models",
            "training.language_model.config",
            "training.language_model.serving_files",
            "generator.models",
        ),
    ),
    Rule(
        "lifecycle stands below services and tasks",
        ("training.lifecycle",),
        ("training.services", "training.tasks", "training.execution", "training.views"),
    ),
    Rule(
        "tasks never call services",
        ("training.tasks", "training.ingest", "training.supervision"),
        ("training.services", "training.views", "training.api"),
    ),
    Rule(
        "only the child runs a training",
        APPS,
        ("training.execution",),
        spare=("training.management.commands.train_attempt", "training.execution", "training.explanation"),
    ),
    Rule(
        "only the child explains a run",
        APPS,
        ("training.explanation",),
        spare=("training.management.commands.explain_run", "training.explanation"),
    ),
    Rule(
        "only children make models ready",
        APPS,
        ("training.serving", "training.publishing"),
        spare=(
            "training.serving",
            "training.publishing",
            "training.execution",
            "training.management.commands.build_serving_model",
        ),
    ),
    Rule(
        "edges never import torch's rooms",
        (
            "training.views",
            "training.api",
            "training.forms",
            "training.admin",
            "training.services",
            "generator",
            "lyricsite",
        ),
        tuple(
            f"training.language_model.{name}"
            for name in ("corpus", "networks", "trainer", "evaluation", "checkpoint", "sampling", "export", "probes")
        ),
    ),
    Rule(
        "services know no request",
        ("training.services", "generator.services"),
        ("django.http", "rest_framework", "training.views", "training.api", "generator.views", "generator.api"),
    ),
    Rule(
        "web and API don't import each other",
        ("training.views", "generator.views"),
        ("training.api", "generator.api", "rest_framework"),
    ),
    Rule("no pickle anywhere", APPS, ("pickle", "dill", "joblib", "shelve", "marshal")),
]


def is_under(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, module: str) -> list[tuple[int, str]]:
    """Every module that ``path`` imports, in functions too, with the line; ``from a import b`` counts as a and a.b."""
    found = []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def breaches(root: Path = ROOT) -> list[str]:
    found = []
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            module = module_name(path, root)
            for line, imported in imports_of(path, module):
                found += [
                    f"{path.relative_to(root)}:{line} imports {imported}: {rule.name}"
                    for rule in RULES
                    if is_under(module, rule.rooms)
                    and not is_under(module, rule.spare)
                    and is_under(imported, rule.never)
                    and not is_under(imported, rule.unless)
                ]
    return found


def test_every_import_keeps_the_house_rules():
    assert breaches() == []


@pytest.mark.parametrize(
    ("place", "planted"),
    [
        ("training/services/planted.py", "import torch"),
        ("training/services/planted.py", "def later():\n    import torch.nn as nn"),
        ("training/language_model/planted.py", "from django.conf import settings"),
        ("training/planted.py", "import generator.models"),
        ("training/views/planted.py", "from rest_framework import serializers"),
        ("generator/decoding/planted.py", "from training.models import Checkpoint"),
        ("generator/planted.py", "from lyricsite.models import User"),
        ("training/importers/planted.py", "from training import models"),
        ("training/planted.py", "import pickle"),
        ("generator/decoding/planted.py", "import numba"),
        ("training/language_model/planted.py", "from training.language_model.kernels import vectors"),
    ],
)
def test_a_planted_import_is_found(tmp_path, place, planted):
    for app in APPS:
        (tmp_path / app).mkdir()
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(planted + "\n")
    assert any(place in breach for breach in breaches(tmp_path))


def test_the_web_process_never_loads_torch():
    """Torch costs every process 2.4 s and 470 MB, and forking one that has started its threads is unsafe."""
    script = """
import sys, django
from django.conf import settings
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import lyricsite.asgi
from lyricsite.celery import app
app.loader.import_default_modules()
assert any(name.startswith("training.tasks") for name in app.tasks), sorted(app.tasks)
assert "torch" not in sys.modules, "torch was imported"
assert "onnx" not in sys.modules
assert "numba" not in sys.modules, "numba compiles in a process of its own"
assert "onnxruntime" not in sys.modules, "onnxruntime is loaded with the first model that needs it"
assert "huggingface_hub" not in sys.modules, "a tokenizer asked the hub"
"""
    environment = {"DJANGO_SETTINGS_MODULE": "lyricsite.settings"}

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_checkpoint_is_ever_unpickled():
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("torch", "load"), ("torch", "save"), ("np", "load"), ("numpy", "load")}
    ]
    assert calls == []
