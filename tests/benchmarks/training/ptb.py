"""Penn Treebank by words: validation perplexity after so many seconds of processor time on one core."""

from pathlib import Path

from tests.benchmarks.training.quality import train_for
from tests.benchmarks.training.texts import penn_treebank
from training.language_model.config import TrainingConfig

LONG_SECONDS, SHORT_SECONDS = 420, 8
SEEDS = (1, 2, 3)
NET = {
    "embedding_size": 400,
    "hidden_size": 400,
    "num_layers": 1,
    "batch_size": 32,
    "sequence_length": 35,
    "gradient_clip": 0.5,
    "weight_decay": 0.01,
    "warmup_fraction": 0.08,
}
FOR_LONG = NET | {"dropout": 0.35, "learning_rate": 0.01, "full_softmax_share": 0.1}
# In so few seconds no text is read twice: nothing to forget, and a higher rate is right.
FOR_SHORT = NET | {"dropout": 0.0, "learning_rate": 0.016, "full_softmax_share": 0.3, "batch_size": 20} | {
    "embedding_size": 256,
    "hidden_size": 256,
}  # fmt: skip


def run(data: Path, *, is_long: bool) -> None:
    corpus = penn_treebank(data)
    for seed in SEEDS if is_long else SEEDS[:1]:
        config = TrainingConfig.from_dict((FOR_LONG if is_long else FOR_SHORT) | {"seed": seed})
        result = train_for(corpus, config, LONG_SECONDS if is_long else SHORT_SECONDS)
        print(
            f"  seed {seed}: perplexity {result.evaluation.perplexity:.1f} after {result.seconds:.0f} s of processor "
            f"time, {result.epochs:.2f} epochs, {result.tokens / result.seconds / 1000:.1f} thousand tokens/s",
            flush=True,
        )
