"""A model leaves the house as graphs."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.generator.tiny_models import publish, tiny_tokenizer
from training.language_model.checkpoint import save_model
from training.language_model.config import TrainingConfig
from training.language_model.networks import LyricNetwork

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(user, tmp_path):
    tokenizer = tiny_tokenizer("word")
    config = TrainingConfig(architecture="gru", embedding_size=12, hidden_size=16)
    network = LyricNetwork.of(config, tokenizer.vocabulary_size)
    saved = save_model(tmp_path / "m", network, config=config, tokenizer=tokenizer, data={}, metrics={})
    return publish(user, saved.path.read_bytes(), name="My GRU", architecture="gru", kind="word")


def test_a_model_is_exported_by_name_with_its_gates(model, tmp_path, capsys):
    call_command("export_model", "My GRU", "--to", str(tmp_path / "out"))
    assert "is served" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "out" / "serving.json").read_text())
    assert manifest["network"]["architecture"] == "gru"


def test_nothing_is_written_over_and_what_is_not_there_is_said(model, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_model", model.pk, "--to", str(tmp_path / "out"))
    with pytest.raises(CommandError, match="no model"):
        call_command("export_model", "nobody", "--to", str(tmp_path / "new"))
