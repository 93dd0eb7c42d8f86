"""Songs by words: nats per token on songs held back, against Kneser-Ney of order five on the same tokens."""

from pathlib import Path

from tests.benchmarks.training.quality import train_for
from tests.benchmarks.training.texts import songs_of
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, build_corpus

LONG_SECONDS, SHORT_SECONDS = 420, 8
SEEDS = (1, 2, 3)
NET = {
    "tokenizer": "word",
    "minimum_count": 2,
    "vocabulary_limit": 60_000,
    "test_fraction": 0.0,
    "validation_fraction": 0.1,
    "embedding_size": 400,
    "hidden_size": 400,
    "num_layers": 1,
    "batch_size": 32,
    "sequence_length": 35,
    "gradient_clip": 0.5,
    "weight_decay": 0.02,
    "dropout": 0.35,
    "full_softmax_share": 0.1,
    "learning_rate": 0.01,
}


def run(data: Path, *, is_long: bool) -> None:
    corpus = build_corpus(songs_of(data), TrainingConfig.from_dict(NET))
    n_gram = n_gram_nats_per_token(corpus)
    vocabulary_size, tokens = corpus.tokenizer.vocabulary_size, len(corpus.tokens)
    print(f"  {tokens:,} tokens, {vocabulary_size:,} kinds; Kneser-Ney: {n_gram:.4f} nats per token", flush=True)
    for architecture in ("lstm", "gru") if is_long else ("lstm",):
        for seed in SEEDS if is_long else SEEDS[:1]:
            config = TrainingConfig.from_dict(NET | {"architecture": architecture, "seed": seed})
            result = train_for(corpus, config, LONG_SECONDS if is_long else SHORT_SECONDS)
            nats = result.evaluation.nats_per_token
            print(
                f"  {architecture}, seed {seed}: {nats:.4f} nats per token, {nats / n_gram - 1:+.1%} to it, after "
                f"{result.seconds:.0f} s of processor time, {result.epochs:.1f} epochs",
                flush=True,
            )


def n_gram_nats_per_token(corpus: Corpus) -> float:
    from training.language_model.ngram import KneserNey

    songs = [song.tolist() for song in corpus.tokens.split(corpus.song_lengths)]
    model = KneserNey(order=5, vocabulary_size=corpus.tokenizer.vocabulary_size).fit(songs)
    return sum(model.nats(song.tolist()) for song in corpus.validation.songs) / corpus.validation.tokens
