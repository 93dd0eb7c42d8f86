"""Every setting of a training, with its bounds, its help and the presets that fill it in.

Pure Python: forms, API and workers read it without loading torch. A field's bounds, choices and sentence stand beside
its default, and nowhere else.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from training.language_model.errors import ConfigError
from training.language_model.presets import ARCHITECTURES, DEFAULT_PRESET, PRESETS, TOKENIZER_CHOICES, Preset
from training.language_model.recipes import READINGS, CorpusSize, recipe, usual_recipes
from training.language_model.shapes import CELL_KINDS, NONLINEARITIES, NetworkShape, count_weights

__all__ = [
    "FIELDS",
    "PRESETS",
    "Preset",
    "TrainingConfig",
    "count_parameters",
    "describe_options",
    "estimate_memory_bytes",
    "parse_setting",
    "resolve_config",
]

# The numbers a request can't exceed, whatever the single values say (reliability rule R19).
MOST_PARAMETERS = 50_000_000
MOST_MEMORY_BYTES = 4 * 1024**3
MOST_STEPS = 10_000_000
STANDING_MEMORY_BYTES = 400 * 1024**2  # Python, torch and Django, before the first weight
CHARACTER_LIMIT = 1000  # different characters a character model tells apart
ASCII_CHARACTERS = 95  # every character model knows these,
BYTES_BEYOND_ASCII = 115  # and spells with these what it does not know
BPE_LIMITS = (1000, 32_000)  # tokens of a vocabulary of pieces, its bytes among them
# How many genres and artists a model tells apart; each has one more mark for all others.
CONDITION_LIMITS = MappingProxyType({"genre": 50, "artist": 500})
# Numbers of each unit and position that a step keeps for its way back, in float32.
STATES_KEPT = MappingProxyType({"rnn": 5, "gru": 11, "lstm": 13})
USUAL_STATES_KEPT = 11
# As `losses` cuts logits into chunks, and as `evaluation` does not.
LOGITS_AT_ONCE_BYTES, JUDGED_POSITIONS = 32 * 1024**2, 2048


def setting(
    default: Any, help: str, group: str, minimum: float | None = None, maximum: float | None = None, choices=()
) -> Any:
    """A field of `TrainingConfig`; ``maximum`` of a text is its length."""
    metadata = {"help": help, "group": group, "minimum": minimum, "maximum": maximum, "choices": tuple(choices)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training, complete: the same config, songs and seed give the same model once ``steps`` is fixed."""

    architecture: str = setting("lstm", "The recurrent cell.", "network", choices=CELL_KINDS)
    tokenizer: str = setting(
        "word",
        "What the model reads and writes one at a time: words, characters, or pieces of words.",
        "text",
        choices=("char", "word", "bpe"),
    )
    minimum_count: int = setting(
        2,
        "A word seen fewer times than this counts as unknown, a character is spelled in bytes, a piece is not joined.",
        "text",
        1,
        1000,
    )
    vocabulary_limit: int = setting(
        10_000,
        "The most words or pieces the model can know, the frequent ones first; 1,000 to 32,000 pieces.",
        "text",
        10,
        60_000,
    )
    case: str = setting(
        "lower",
        "Whether “Love” and “love” are one word (lower) or two (keep); words only.",
        "text",
        choices=("lower", "keep"),
    )
    lines_right_to_left: bool = setting(
        False, "Read and write each line from its end, so that the rhyme word comes first.", "text"
    )
    with_title: bool = setting(
        False, "Tell the model each song's title before it begins, so that you can name one when it writes.", "text"
    )
    condition_on: str = setting(
        "",
        "Tell the model each song's genre or artist before it begins, so that you can ask for one when it writes.",
        "text",
        choices=("", "genre", "artist", "genre+artist"),
    )
    embedding_size: int = setting(192, "Numbers that stand for one word or character.", "network", 4, 2048)
    hidden_size: int = setting(256, "Numbers the network remembers in each layer.", "network", 4, 2048)
    num_layers: int = setting(1, "Recurrent layers, one above the other.", "network", 1, 4)
    residual: bool = setting(
        False, "Each layer adds to what it reads instead of replacing it, where both are of one size.", "network"
    )
    nonlinearity: str = setting(
        "tanh",
        "What bends the state of a simple RNN; the other cells have their own.",
        "network",
        choices=NONLINEARITIES,
    )
    forget_bias: float = setting(
        1.0,
        "How far open the gate that keeps the memory is at first (all cells but the simple RNN).",
        "network",
        -10,
        10,
    )
    dropout: float = setting(
        0.4,
        "The share of the network's inputs and outputs hidden while it learns; more for few songs.",
        "network",
        0,
        0.9,
    )
    input_dropout: float | None = setting(
        None, "The share of the network's inputs alone; none means 0.6 of the dropout.", "network", 0, 0.9
    )
    embedding_dropout: float = setting(
        0.0, "The share of all words that a step does not see, wherever they stand.", "network", 0, 0.9
    )
    tie_embeddings: bool = setting(
        True, "Read and write with the same table of words: fewer weights, better on few songs.", "network"
    )
    sequence_length: int = setting(48, "Tokens the network looks back on while it learns.", "learning", 4, 1024)
    batch_size: int = setting(20, "Places in the songs that are learnt from at once.", "learning", 1, 512)
    learning_rate: float = setting(
        0.01, "The highest step size; it rises to it, then falls to zero.", "learning", 1e-6, 1
    )
    weight_decay: float = setting(0.05, "How strongly large weights are pulled back.", "learning", 0, 1)
    gradient_clip: float = setting(0.5, "The longest gradient that one step may follow.", "learning", 0.01, 100)
    warmup_fraction: float = setting(0.08, "The share of the steps in which the step size rises.", "learning", 0, 0.5)
    loss: str = setting(
        "auto",
        "What each word is weighed against: the whole vocabulary (full), or a part drawn anew at each step (sampled), "
        "which is quicker; auto draws from 8,000 words on.",
        "learning",
        choices=("auto", "full", "sampled"),
    )
    sampled_negatives: int = setting(1024, "Words drawn at each step, where words are drawn.", "learning", 16, 16_384)
    full_softmax_share: float = setting(
        0.1, "The last share of the steps that weighs against the whole vocabulary all the same.", "learning", 0, 1
    )
    epochs: int = setting(40, "The most times the songs are read.", "duration", 1, 1000)
    budget_seconds: float | None = setting(
        None, "Seconds the training may take here, turned into a number of steps when it starts.", "duration", 1, 86_400
    )
    steps: int | None = setting(
        None, "A fixed number of steps, instead of one made from epochs and seconds.", "duration", 1, MOST_STEPS
    )
    patience: int = setting(5, "Stop after this many validations without a better loss (0: never).", "duration", 0, 100)
    validation_fraction: float = setting(
        0.1, "The share of the songs that is held back to judge the model.", "validation", 0.01, 0.5
    )
    test_fraction: float = setting(
        0.05,
        "The share of the songs kept for a last judgement; no model sees them while it learns.",
        "validation",
        0,
        0.3,
    )
    evaluations: int = setting(12, "How often the model is judged over the run, at most.", "validation", 1, 200)
    sample_prompt: str = setting("", "How the samples written during training begin.", "samples", maximum=200)
    sample_tokens: int = setting(60, "Tokens in each sample (0: no samples).", "samples", 0, 500)
    sample_temperature: float = setting(
        0.8, "How daring the samples are (0: always the likeliest word).", "samples", 0, 2
    )
    threads: int = setting(0, "Processor threads (0: all that are there).", "machine", 0, 64)
    processes: int = setting(
        1,
        "Processes that share each batch, on as many graphics processors or parts of the processor.",
        "machine",
        1,
        16,
    )
    device: str = setting("auto", "Where the training computes.", "machine", choices=("auto", "cpu", "cuda"))
    precision: str = setting(
        "auto",
        "How exactly matrices are multiplied; auto takes the fastest that keeps the quality, by a short timing.",
        "machine",
        choices=("auto", "float32", "medium", "bfloat16"),
    )
    seed: int = setting(1, "The same seed and settings give the same model.", "machine", 0, 2**31 - 1)
    order_seed: int | None = setting(
        None,
        "Decides in which order the songs are read; left out, the seed does. Runs that share it get the same batches.",
        "learning",
        0,
        2**31 - 1,
    )

    @property
    def batch_seed(self) -> int:
        """The chance that orders the songs."""
        return self.seed if self.order_seed is None else self.order_seed

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """The config that ``values`` describe, defaults filled in.

        Raises: ConfigError with every problem of every field at once.
        """
        errors = {name: ["There is no such setting."] for name in values if name not in FIELDS}
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name in FIELDS:
                clean[name], problem = checked(FIELDS[name], value)
                if problem:
                    errors[name] = [problem]
        if not errors:
            config = cls(**clean)
            errors = errors_of_vocabulary(config) | errors_of_sharing(config) | errors_of_size(config)
            if not errors:
                return config
        raise ConfigError(errors)

    def to_dict(self) -> dict[str, Any]:
        """Every value, as plain JSON."""
        return dataclasses.asdict(self)

    def replace(self, **values: Any) -> "TrainingConfig":
        """A copy with some values changed and checked."""
        return type(self).from_dict(self.to_dict() | values)


FIELDS = MappingProxyType({one.name: one for one in dataclasses.fields(TrainingConfig)})
TYPE_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def kind_of(one: dataclasses.Field) -> tuple[type, bool]:
    """(type, whether it may be None) of a setting."""
    for kind in (bool, int, float, str):
        if one.type in (kind, kind | None):
            return kind, one.type != kind
    raise TypeError(f"{one.name} has a type that no setting has: {one.type}")


def checked(one: dataclasses.Field, value: Any) -> tuple[Any, str]:
    """(value, "") if a setting may have this value, else (value, what is wrong with it)."""
    kind, may_be_none = kind_of(one)
    if value is None and may_be_none:
        return None, ""
    if kind is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if kind is int and type(value) is float and value.is_integer() and abs(value) < 2**53:
        value = int(value)  # JSON has one kind of number: 5.0 is a whole one
    if type(value) is not kind:
        return value, f"This must be {TYPE_NAMES[kind]}."
    return value, problem_within(one, kind, value)


def problem_within(one: dataclasses.Field, kind: type, value: Any) -> str:
    """What is wrong with a value of the right type, "" if nothing."""
    minimum, maximum, choices = (one.metadata[key] for key in ("minimum", "maximum", "choices"))
    if choices and value not in choices:
        return f"This must be one of {', '.join(filter(None, choices))}{'' if all(choices) else ', or empty'}."
    if kind is str:
        if "\x00" in value:
            return "This can't hold a NUL character."
        return f"This can have at most {maximum} characters." if maximum and len(value) > maximum else ""
    if kind is float and not math.isfinite(value):
        return "This must be a finite number."
    if minimum is not None and not minimum <= value <= maximum:
        return f"This must be between {minimum:g} and {maximum:g}."
    return ""


def parse_setting(name: str, text: str) -> Any:
    """The value that ``text`` writes for a setting, as a form or command line gives it.

    What can't be read comes back as the text, so that `TrainingConfig.from_dict` says what is wrong with it.
    """
    if name not in FIELDS:
        return text
    kind, may_be_none = kind_of(FIELDS[name])
    text = text if kind is str else text.strip()
    if may_be_none and text.lower() in ("", "none"):
        return None
    if kind is bool:
        return {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text


def count_parameters(config: TrainingConfig, vocabulary_size: int | None = None) -> int:
    """The weights of the network; without a vocabulary size, the most that ``vocabulary_limit`` allows."""
    return count_weights(NetworkShape.of(config, vocabulary_size or largest_vocabulary(config)))


def largest_vocabulary(config: TrainingConfig) -> int:
    """The most tokens the vocabulary can have, special tokens included."""
    special = 12 + config.with_title
    conditions = sum(1 + most for kind, most in CONDITION_LIMITS.items() if kind in config.condition_on.split("+"))
    known = config.vocabulary_limit
    if config.tokenizer == "char":
        known = BYTES_BEYOND_ASCII + max(ASCII_CHARACTERS, min(config.vocabulary_limit, CHARACTER_LIMIT))
    return special + conditions + known


def estimate_memory_bytes(config: TrainingConfig, vocabulary_size: int | None = None) -> int:
    """About what one training holds in memory: torch itself, weights with their moments, one step's activations.

    Of several processes each has its own, with a part of the batch and what they send each other.

    Measured on nets of all cells that grew by 44 to 400 MB: within a third.
    """
    V = vocabulary_size or largest_vocabulary(config)
    positions = math.ceil(config.batch_size / config.processes) * config.sequence_length
    kept = 4 if config.processes == 1 else 6  # value, gradient and AdamW's two moments; the sum, and what becomes of it
    weights = count_parameters(config, vocabulary_size) * 4 * kept
    states = STATES_KEPT.get(config.architecture, USUAL_STATES_KEPT) * config.num_layers * config.hidden_size
    states *= 0.6 if config.precision == "bfloat16" else 1.0
    chunk = min(4 * positions * V, LOGITS_AT_ONCE_BYTES)
    learning = positions * 4 * (states + 3 * config.embedding_size) + 2 * chunk
    judging = 2 * 4 * JUDGED_POSITIONS * V  # logits and their logarithms
    return round(config.processes * (STANDING_MEMORY_BYTES + weights + learning)) + max(0, round(judging - learning))


def errors_of_vocabulary(config: TrainingConfig) -> dict[str, list[str]]:
    """The field errors of a vocabulary that its tokenizer can't have, {} if there are none."""
    fewest, most = BPE_LIMITS
    if config.tokenizer == "bpe" and not fewest <= config.vocabulary_limit <= most:
        return {"vocabulary_limit": [f"Pieces of words need a vocabulary of {fewest:,} to {most:,}."]}
    return {}


def errors_of_sharing(config: TrainingConfig) -> dict[str, list[str]]:
    """The field errors of a batch that has less for each process than one place, {} if there are none."""
    if config.processes > config.batch_size:
        return {"processes": [f"A batch of {config.batch_size} can't be shared among {config.processes} processes."]}
    return {}


def errors_of_size(config: TrainingConfig) -> dict[str, list[str]]:
    """The field errors of a network or step too large to train, {} if there are none."""
    parameters = count_parameters(config)
    if parameters > MOST_PARAMETERS:
        message = (
            f"This network could have {parameters / 1e6:,.0f} million weights; at most {MOST_PARAMETERS // 10**6} fit."
        )
        return {"hidden_size": [message + " Make it smaller, or limit the vocabulary."]}
    memory = estimate_memory_bytes(config)
    if memory > MOST_MEMORY_BYTES:
        message = f"One step could need {memory / 1024**3:,.1f} GB of memory, {MOST_MEMORY_BYTES // 1024**3} at most."
        return {"batch_size": [message + " Make the batch, the sequence or the vocabulary smaller."]}
    return {}


def resolve_config(
    *,
    architecture: str,
    preset: str | None = None,
    overrides: dict[str, Any] | None = None,
    corpus: CorpusSize | None = None,
    flops_per_second: float | None = None,
) -> TrainingConfig:
    """The config of a cell under a preset (`DEFAULT_PRESET` without a name), single values overridden.

    Args:
        corpus: the songs that the preset's values follow; None for those that it was made for.
        flops_per_second: what trainings reach on this machine, where that is known.
    Raises: ConfigError with every problem of every field, ``preset`` among them.
    """
    overrides = dict(overrides or {})
    chosen = PRESETS.get(preset or DEFAULT_PRESET)
    if chosen is None:
        raise ConfigError({"preset": [f"This must be one of {', '.join(PRESETS)}."]})
    tokenizer = overrides.get("tokenizer", chosen.tokenizer)
    # A tokenizer that does not exist takes the preset's own values, and is reported with all other problems below.
    known = tokenizer if isinstance(tokenizer, str) and tokenizer in READINGS else chosen.tokenizer
    values = recipe(chosen.name, known, str(architecture), corpus, flops_per_second)
    return TrainingConfig.from_dict(values | {"tokenizer": tokenizer} | overrides | {"architecture": architecture})


def describe_options() -> dict[str, Any]:
    """All that a form or an outside program needs to offer a training, as plain JSON values."""
    return {
        "architectures": [dict(one) for one in ARCHITECTURES],
        "tokenizers": [dict(one) for one in TOKENIZER_CHOICES],
        "presets": [
            {name: getattr(preset, name) for name in ("name", "title", "sentence", "minutes", "tokenizer")}
            | {"values": usual_recipes(preset.name)}
            for preset in PRESETS.values()
        ],
        "fields": [describe_field(name) for name in FIELDS],
    }


def describe_field(name: str) -> dict[str, Any]:
    """A setting's name, type, default, bounds, choices and sentence."""
    one = FIELDS[name]
    kind, may_be_none = kind_of(one)
    metadata = {key: list(value) if key == "choices" else value for key, value in one.metadata.items()}
    return {"name": name, "type": kind.__name__, "optional": may_be_none, "default": one.default} | metadata
