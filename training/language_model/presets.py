"""What a person chooses between: cells, tokenizers and training times; `recipes` turns a time into settings."""

from dataclasses import dataclass

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
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A training time.

    Attributes:
        minutes: from the queue to the model, at most.
        tokenizer: what it reads where nobody chooses.
        budget_seconds: what is left of the minutes for learning, judging and writing samples.
        evaluations: how often the model is judged meanwhile, at most.
        usual_words: the songs it was made for, in words; the settings follow the songs that are there.
        most_vocabulary: the most words that so much time can teach.
    """

    name: str
    title: str
    sentence: str
    minutes: float
    budget_seconds: float
    evaluations: int
    usual_words: int
    most_vocabulary: int
    tokenizer: str = "word"


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="tiny",
            title="Tiny",
            sentence="Under two minutes here: a small network that has the words and the shape of your songs.",
            minutes=2,
            budget_seconds=70,
            evaluations=10,
            usual_words=29_000,
            most_vocabulary=10_000,
        ),
        Preset(
            name="coffee",
            title="Coffee",
            sentence="About ten minutes here: time enough for a thousand songs to teach phrases and verse structure.",
            minutes=10,
            budget_seconds=540,
            evaluations=16,
            usual_words=250_000,
            most_vocabulary=10_000,
        ),
        Preset(
            name="lunch",
            title="Lunch",
            sentence="About 45 minutes here: the largest network that a few thousand songs can fill on this machine.",
            minutes=45,
            budget_seconds=2520,
            evaluations=24,
            usual_words=1_000_000,
            most_vocabulary=20_000,
        ),
        Preset(
            name="overnight",
            title="Overnight",
            sentence="About eight hours here: for ten thousand songs and more, read several times by a larger network.",
            minutes=480,
            budget_seconds=27_000,
            evaluations=40,
            usual_words=13_000_000,
            most_vocabulary=30_000,
        ),
    )
}
DEFAULT_PRESET = "tiny"
