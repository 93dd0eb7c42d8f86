"""What the n-gram baseline reaches and costs, beside what is published of it.

    python -m tests.benchmarks.ngram_baseline DATA         (a folder with ptb/ and songs.jsonl.gz; one core, no network)

Penn Treebank checks the model: by sentences, as Mikolov et al. 2011 ("Empirical evaluation and combination of advanced
language modeling techniques") tested KN3 and KN5. The songs are those that networks are trained on: words of which the
training songs hold two or more, a split by song.
"""

import gzip
import json
import math
import sys
import time
from pathlib import Path

from training.language_model.config import TrainingConfig
from training.language_model.corpus import SongText, build_corpus
from training.language_model.evaluation import count_songs, evaluate_counts
from training.language_model.ngram import KneserNey

PUBLISHED = {3: 148.3, 5: 141.2}
BEGIN, END = 0, 1


def treebank(folder: Path) -> None:
    ids: dict[str, int] = {}
    parts = {name: sentences(folder / f"ptb.{name}.txt", ids) for name in ("train", "valid", "test")}
    tokens = sum(len(song) - 1 for song in parts["train"])
    for order, published in PUBLISHED.items():
        started = time.process_time()
        model = KneserNey(order=order, vocabulary_size=len(ids) + 2).fit(parts["train"])
        seconds = time.process_time() - started
        valid, test = (math.exp(model.token_nats(parts[name]).mean()) for name in ("valid", "test"))
        print(
            f"Penn Treebank, order {order}: perplexity {valid:.1f} (valid), {test:.1f} (test; published {published}); "
            f"{tokens:,} tokens counted in {seconds:.2f} s"
        )


def sentences(path: Path, ids: dict[str, int]) -> list[list[int]]:
    lines = path.read_text().splitlines()
    return [[BEGIN, *(ids.setdefault(word, len(ids) + 2) for word in line.split()), END] for line in lines]


def lyrics(path: Path) -> None:
    with gzip.open(path, "rt") as lines:
        songs = [SongText(text=json.loads(line)["text"]) for line in lines]
    corpus = build_corpus(songs, TrainingConfig(minimum_count=2, vocabulary_limit=60_000))
    started = time.process_time()
    model = count_songs(corpus)
    seconds = time.process_time() - started
    for name, held_out in (("validation", corpus.validation), ("test", corpus.test)):
        judged = evaluate_counts(model, held_out)
        print(
            f"Songs, {name}: {judged.nats_per_token:.3f} nats per token (perplexity {judged.perplexity:.1f}), "
            f"{judged.nats_per_character:.3f} nats per character, {judged.spelling_nats / judged.characters:.3f} of it "
            f"for spelling {held_out.unknown_share:.1%} unknown words"
        )
    print(
        f"{len(corpus.tokens):,} tokens of {corpus.tokenizer.vocabulary_size:,} types in {corpus.songs:,} songs, "
        f"counted in {seconds:.2f} s"
    )


if __name__ == "__main__":
    data = Path(sys.argv[1])
    treebank(data / "ptb")
    lyrics(data / "songs.jsonl.gz")
