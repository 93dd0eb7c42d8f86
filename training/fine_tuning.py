"""Which settings a model brings along when it is trained further, and which are chosen anew. No database, no torch."""

from training.errors import Invalid
from training.language_model.config import FIELDS, TrainingConfig
from training.language_model.errors import ConfigError

# Weights and vocabulary are what these two groups decide; dropout alone leaves nothing behind in the weights.
KEPT_GROUPS = ("network", "text")
FREE = ("dropout", "embedding_dropout", "input_dropout")
UNREADABLE = "The settings of this model are not known, so it can't be trained further."


def kept_settings() -> list[str]:
    """The settings that a model's weights and vocabulary fix."""
    return [name for name, one in FIELDS.items() if one.metadata["group"] in KEPT_GROUPS and name not in FREE]


def settings_from_model(model_config: dict, asked: dict) -> dict:
    """``asked`` with what the model's weights and vocabulary fix.

    Args:
        model_config: every value that the model was trained with.
        asked: the settings that a person chose for the fine-tuning, architecture among them if it was chosen.
    Raises: Invalid, at each field that asks for something else than the model is.
    """
    try:
        theirs = TrainingConfig.from_dict(model_config).to_dict()
    except ConfigError as problem:
        raise Invalid({"starts_from": [UNREADABLE]}) from problem
    if not model_config:
        raise Invalid({"starts_from": [UNREADABLE]})
    kept = {name: theirs[name] for name in kept_settings()}
    if errors := {
        name: [f"A fine-tuning keeps this as its model has it: {kept[name]}."]
        for name, value in asked.items()
        if name in kept and value != kept[name]
    }:
        raise Invalid(errors)
    return {**asked, **kept}
