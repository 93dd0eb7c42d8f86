"""What a person chooses between: cells, tokenizers, and presets with the settings that make the most of their time."""

from dataclasses import dataclass
from typing import Any

ARCHITECTURES = (
    {
        "name": "rnn",
        "title": "Simple RNN",
        "sentence": (
            "One state, overwritten at every step. What it was told fades, so a plain RNN forgets the start of a line "
            "before its end. Quick, and good to see why the others were invented."
        ),
    },
    {
        "name": "lstm",
        "title": "LSTM",
        "sentence": (
            "A memory beside the state, and three gates that say what enters, what stays and what shows. It can carry "
            "a rhyme or a chorus over many lines: the surest choice."
        ),
    },
    {
        "name": "gru",
        "title": "GRU",
        "sentence": (
            "Two gates and one state: it decides at every step how much of the old to keep. Three quarters of the "
            "LSTM's weights, often as good in the same time."
        ),
    },
)
TOKENIZER_CHOICES = (
    {
        "name": "word",
        "title": "Words",
        "sentence": "Writes whole words it has seen in your songs: readable lyrics from the first minute.",
    },
    {
        "name": "char",
        "title": "Characters",
        "sentence": "Spells letter by letter: can invent words, and needs longer to learn them.",
    },
    {
        "name": "bpe",
        "title": "Pieces of words",
        "sentence": "Frequent words whole, rare ones in pieces: no word is unknown, and new ones can be made.",
    },
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A training time with the settings that suit it; ``values`` are by tokenizer, ``minutes`` from queue to model."""

    name: str
    title: str
    sentence: str
    minutes: float
    tokenizer: str
    values: dict[str, dict[str, Any]]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="tiny",
            title="Tiny",
            sentence="Under two minutes here: a small network that has the words and the shape of your songs.",
            minutes=2,
            tokenizer="word",
            # Swept on the starter songbook (29,000 words): all that matters there is not to learn it by heart. A net
            # of 128 with strong decay is as good at its last step as at its best one, in nats per character .996
            # (lstm), .997 (gru) and 1.013 (rnn) after 25 epochs, .986 (lstm) after 60; a net of 256 with the usual
            # decay reached 1.04 in five epochs and then got worse.
            values={
                "word": {
                    "budget_seconds": 70,
                    "embedding_size": 128,
                    "hidden_size": 128,
                    "dropout": 0.6,
                    "weight_decay": 1.0,
                    "learning_rate": 0.005,
                    "evaluations": 10,
                    "epochs": 60,
                },
                "char": {
                    "budget_seconds": 70,
                    "embedding_size": 64,
                    "hidden_size": 256,
                    "batch_size": 32,
                    "sequence_length": 96,
                    "dropout": 0.4,
                    "weight_decay": 0.3,
                    "learning_rate": 0.008,
                    "evaluations": 10,
                    "epochs": 24,
                    "sample_tokens": 240,
                },
                # 1.378 nats per character after 45 epochs, no character unknown (lstm, one seed). After 25: 1.392, with
                # a rate of .005 1.417, with 256 units 1.409, with 1,000 pieces 1.50.
                "bpe": {
                    "vocabulary_limit": 2000,
                    "budget_seconds": 70,
                    "embedding_size": 128,
                    "hidden_size": 128,
                    "dropout": 0.6,
                    "weight_decay": 1.0,
                    "learning_rate": 0.01,
                    "evaluations": 10,
                    "epochs": 45,
                    "sample_tokens": 80,
                },
            },
        ),
        Preset(
            name="coffee",
            title="Coffee",
            sentence="About ten minutes here: time enough for a thousand songs to teach phrases and verse structure.",
            minutes=10,
            tokenizer="word",
            values={
                "word": {
                    "budget_seconds": 540,
                    "embedding_size": 320,
                    "hidden_size": 400,
                    "batch_size": 32,
                    "dropout": 0.35,
                    "weight_decay": 0.02,
                    "evaluations": 16,
                },
                "char": {
                    "budget_seconds": 540,
                    "embedding_size": 64,
                    "hidden_size": 384,
                    "batch_size": 32,
                    "sequence_length": 96,
                    "dropout": 0.2,
                    "weight_decay": 0.01,
                    "learning_rate": 0.006,
                    "evaluations": 16,
                    "sample_tokens": 240,
                },
                "bpe": {
                    "vocabulary_limit": 4000,
                    "budget_seconds": 540,
                    "embedding_size": 320,
                    "hidden_size": 400,
                    "batch_size": 32,
                    "dropout": 0.35,
                    "weight_decay": 0.02,
                    "evaluations": 16,
                    "sample_tokens": 80,
                },
            },
        ),
        Preset(
            name="lunch",
            title="Lunch",
            sentence="About 45 minutes here: the largest network that a few thousand songs can fill on this machine.",
            minutes=45,
            tokenizer="word",
            values={
                "word": {
                    "budget_seconds": 2520,
                    "embedding_size": 400,
                    "hidden_size": 512,
                    "batch_size": 32,
                    "dropout": 0.35,
                    "weight_decay": 0.02,
                    "learning_rate": 0.008,
                    "vocabulary_limit": 20_000,
                    "evaluations": 24,
                },
                "char": {
                    "budget_seconds": 2520,
                    "embedding_size": 64,
                    "hidden_size": 512,
                    "num_layers": 2,
                    "batch_size": 48,
                    "sequence_length": 128,
                    "dropout": 0.25,
                    "weight_decay": 0.01,
                    "learning_rate": 0.004,
                    "evaluations": 24,
                    "sample_tokens": 240,
                },
                "bpe": {
                    "vocabulary_limit": 8000,
                    "budget_seconds": 2520,
                    "embedding_size": 400,
                    "hidden_size": 512,
                    "batch_size": 32,
                    "dropout": 0.35,
                    "weight_decay": 0.02,
                    "learning_rate": 0.008,
                    "evaluations": 24,
                    "sample_tokens": 80,
                },
            },
        ),
    )
}
DEFAULT_PRESET = "tiny"
