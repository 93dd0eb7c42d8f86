"""Prompt and recipe in, pieces of text out."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.decoding.batch import write
from generator.decoding.model_file import WritingModel, read_model
from generator.decoding.writer import HeldText, prompt_tokens, wishes_left_out
from generator.recipe import Recipe
from tests.generator.tiny_models import model_bytes, ready_to_write, serving, tiny_model, tiny_tokenizer
from training.language_model.checkpoint import save_model
from training.language_model.config import TrainingConfig
from training.language_model.lyric_text import LINE_MARK, canonical
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.sampling import sample_tokens
from training.language_model.shapes import CELL_KINDS
from training.language_model.tokenizers import SongFacts

RECIPE = Recipe(seed=41, temperature=1.0, max_tokens=80)


def trained_logits(tensors, shape, tokens) -> torch.Tensor:
    """The scores after each token, by the network in training over the whole sequence."""
    network = LyricNetwork(shape).eval()
    network.load_named_tensors({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    with torch.no_grad():
        return network(torch.tensor(tokens)[:, None])[0][:, 0]


def pieces_of(model, prompt, recipe):
    return [piece for step in write(model, prompt, recipe) for piece in step]


def texts_of(model, prompt, recipe) -> list[str]:
    pieces = pieces_of(model, prompt, recipe)
    return ["".join(piece.text for piece in pieces if piece.index == index) for index in range(recipe.n)]


def reasons_of(model, prompt, recipe) -> list[str]:
    return [piece.finish_reason for piece in pieces_of(model, prompt, recipe) if piece.finish_reason]


class Scripted:
    """A network that scores so that greedy writing follows a script of tokens."""

    def __init__(self, tokenizer, script):
        self.script, self.size = script, tokenizer.vocabulary_size

    def first_memory(self, rows):
        return [np.zeros((rows, 1), np.float32)]

    def step(self, tokens, memory):
        (read,) = memory
        scores = np.zeros((len(tokens), self.size), np.float32)
        for row, count in enumerate(read[:, 0].astype(int)):
            scores[row, self.script[count]] = 9
        return scores, [read + 1]


def scripted(kind, text, *, ends=True, **reading):
    """A model that, given no prompt, greedily writes ``text``."""
    tokenizer = tiny_tokenizer(kind, **reading)
    script = [*tokenizer.encode(text), *([tokenizer.end_id] if ends else []), *[tokenizer.end_id] * 99]
    return WritingModel(Scripted(tokenizer, script), tokenizer, size_bytes=0)


GREEDY = replace(RECIPE, temperature=0.0, max_tokens=1024)
SONG = "[Verse]\nI went down to the river\nI carried a letter\n\n[Chorus]\nOh my letter, oh my home\nOh my kettle"


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_pieces_joined_are_the_text_of_the_tokens(kind):
    model = scripted(kind, SONG)
    pieces = pieces_of(model, "", GREEDY)
    assert "".join(piece.text for piece in pieces) == canonical(SONG)
    assert pieces[-1].finish_reason == "end"
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("layers", "tied", "embedding"), [(1, False, 12), (2, True, 16), (2, True, 12)])
def test_greedy_writing_follows_torch(architecture, kind, layers, tied, embedding):
    shape = {"embedding": embedding, "hidden": 16, "layers": layers}
    content = model_bytes(architecture, kind, tied=tied, **shape)
    model = tiny_model(architecture, kind, served="float32", tied=tied, **shape)
    tensors = safetensors.numpy.load(content)
    tokens = prompt_tokens(model.tokenizer, "I went down to the river\n")
    forbidden = list(model.tokenizer.never_generated_ids)
    for piece in pieces_of(model, "I went down to the river\n", replace(GREEDY, max_tokens=40)):
        scores = trained_logits(tensors, model.network.shape, tokens)[-1]
        own = torch.log_softmax(scores, 0)[piece.token].item()
        assert piece.log_probability == pytest.approx(own, abs=1e-4)
        scores[forbidden] = -torch.inf
        best = scores.topk(2).values
        if best[0] - best[1] > 1e-4:
            assert piece.token == scores.argmax().item()
        tokens.append(piece.token)


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@pytest.mark.parametrize("architecture", [*CELL_KINDS])
def test_a_file_written_by_the_trainer_reads_as_the_trainer_would(tmp_path, architecture, kind):
    sizes = {"embedding_size": 12, "hidden_size": 16, "num_layers": 2, "residual": True}
    config = TrainingConfig(architecture=architecture, tokenizer=kind, **sizes)
    tokenizer, seeded = tiny_tokenizer(kind), torch.Generator().manual_seed(3)
    network = LyricNetwork(NetworkShape.of(config, tokenizer.vocabulary_size), generator=seeded)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape, generator=seeded) * 0.5)
    saved = save_model(tmp_path / "model.safetensors", network, config=config, tokenizer=tokenizer, data={}, metrics={})
    files = ready_to_write(saved.path.read_bytes())
    model = read_model((files | serving(files, "float32")).__getitem__)
    prompt = "I went down to the river\n"
    pieces = pieces_of(model, prompt, replace(GREEDY, max_tokens=30))
    expected = sample_tokens(network, tokenizer, tokenizer.encode_prompt(prompt), max_tokens=30, temperature=0)
    written = [piece.token for piece in pieces if piece.token != tokenizer.end_id]
    assert written == list(expected)


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_a_seed_gives_the_same_text_alone_and_among_others(architecture, kind):
    model = tiny_model(architecture, kind, layers=2)
    together = texts_of(model, "The river", replace(RECIPE, n=8))
    for index, text in enumerate(together):
        assert texts_of(model, "The river", replace(RECIPE, n=8).for_candidate(index)) == [text]
    assert len(set(together)) > 4


def test_another_seed_gives_another_text():
    model = tiny_model()
    assert texts_of(model, "", RECIPE) != texts_of(model, "", replace(RECIPE, seed=42))


def test_no_more_tokens_than_asked_for():
    pieces = pieces_of(scripted("char", "oh my home", ends=False), "", replace(GREEDY, max_tokens=4))
    assert "".join(piece.text for piece in pieces) == "oh m"
    assert pieces[-1].finish_reason == "length"


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@pytest.mark.parametrize("lines", [1, 2, 3, 4])
def test_writing_ends_after_so_many_lines(kind, lines):
    recipe = replace(GREEDY, lines=lines)
    text = texts_of(scripted(kind, SONG), "", recipe)[0]
    assert len([line for line in text.splitlines() if line and not line.startswith("[")]) == lines
    assert canonical(SONG).startswith(text)
    assert reasons_of(scripted(kind, SONG), "", recipe) == ["lines" if lines < 4 else "end"]


def test_a_prompt_that_is_a_whole_line_is_not_counted():
    tokenizer = tiny_tokenizer("char")
    line = tokenizer.id_of[LINE_MARK]
    script = [0, *[line, *tokenizer.encode("oh my"), line, *tokenizer.encode("home"), line], *[tokenizer.end_id] * 9]
    model = WritingModel(Scripted(tokenizer, script), tokenizer, size_bytes=0)
    assert texts_of(model, "I", replace(GREEDY, lines=1)) == ["\noh my"]


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_stop_string_over_several_tokens_ends_the_text_before_it(kind):
    model = scripted(kind, SONG)
    assert texts_of(model, "", replace(GREEDY, stop=("a letter\n\n[Cho",)))[0].endswith("I carried ")
    assert reasons_of(model, "", replace(GREEDY, stop=("a letter\n\n[Cho",))) == ["stop"]


def test_half_a_stop_string_at_the_end_is_text_after_all():
    text = texts_of(scripted("char", "oh my home"), "", replace(GREEDY, stop=("home again",)))[0]
    assert text == "oh my home"


@settings(max_examples=200)
@given(st.lists(st.text("ab\n", max_size=4), max_size=12), st.lists(st.text("ab\n", min_size=1), max_size=4))
def test_held_text_ends_at_the_first_stop_whatever_the_pieces(pieces, stops):
    held, written, is_stopped = HeldText(tuple(stops)), "", False
    for piece in pieces:
        text, is_stopped = held.push(piece)
        written += text
        if is_stopped:
            break
    written += held.rest()
    whole = "".join(pieces)
    ends = {stop: whole.find(stop) + len(stop) for stop in stops if stop in whole}
    assert is_stopped == bool(ends)
    assert whole.startswith(written)
    assert not any(stop in written for stop in stops)
    if not ends:
        assert written == whole


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_lines_written_from_their_end_come_out_whole(kind):
    model = scripted(kind, SONG, lines_right_to_left=True)
    texts = [piece.text for piece in pieces_of(model, "", GREEDY) if piece.text]
    assert "".join(texts) == canonical(SONG)
    assert [text.strip("\n").split("\n")[0] for text in texts] == [
        *("[Verse]", "I went down to the river", "I carried a letter", "Oh my letter, oh my home", "Oh my kettle"),
    ]
    for lines in (1, 2, 3, 4):
        written = texts_of(model, "", replace(GREEDY, lines=lines))[0]
        assert len([line for line in written.splitlines() if line and not line.startswith("[")]) == lines
        assert canonical(SONG).startswith(written)


def test_a_line_cut_off_before_its_beginning_is_not_shown():
    model = scripted("word", SONG, lines_right_to_left=True)
    pieces = pieces_of(model, "", replace(GREEDY, max_tokens=11))
    assert "".join(piece.text for piece in pieces) == "[Verse]\nI went down to the river"
    assert pieces[-1].finish_reason == "length"


def test_half_a_character_is_not_shown():
    model = scripted("char", "oh 🎵")
    pieces = pieces_of(model, "", replace(GREEDY, max_tokens=5))
    assert "".join(piece.text for piece in pieces) == "oh "


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_stop_string_inside_a_line_written_from_its_end_ends_the_text_before_it(kind):
    model = scripted(kind, SONG, lines_right_to_left=True)
    recipe = replace(GREEDY, stop=("my kettle",))
    assert texts_of(model, "", recipe)[0].endswith("oh my home\nOh ")
    assert reasons_of(model, "", recipe) == ["stop"]


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_text_goes_on_with_a_new_line_where_lines_are_written_from_their_end(kind):
    model = tiny_model("gru", kind, reading={"lines_right_to_left": True})
    for text in texts_of(model, "I went down to the river", replace(RECIPE, n=3, max_tokens=300)):
        assert text == "" or text.startswith("\n")


FOLK = {"conditions": {"genre": ["Folk", "Rock"]}}


def test_a_genre_that_the_model_knows_changes_what_it_reads_and_writes():
    model = tiny_model("gru", "word", reading=FOLK)
    folk, other = (
        prompt_tokens(model.tokenizer, "oh " * 600, SongFacts(genre=genre))[1] for genre in ("folk", "something else")
    )
    assert [model.tokenizer.tokens[token] for token in (folk, other)] == ["<genre:Folk>", "<genre:other>"]
    assert texts_of(model, "Oh", replace(RECIPE, genre="Folk")) != texts_of(model, "Oh", RECIPE)
    assert texts_of(model, "Oh", replace(RECIPE, genre="Ska")) == texts_of(model, "Oh", RECIPE)
    assert len(prompt_tokens(model.tokenizer, "oh " * 600)) == 1 + 1 + 512


def test_a_wish_that_a_model_cannot_hear_is_said():
    tokenizer = tiny_tokenizer("word", **FOLK)
    assert wishes_left_out(tokenizer, replace(RECIPE, genre="rock")) == []
    unknown, unheard, untitled = wishes_left_out(tokenizer, replace(RECIPE, genre="Ska", artist="Ann", title="Home"))
    assert "“Ska”" in unknown
    assert "“Home” is left out" in untitled
    assert "Folk, Rock" in unknown
    assert "without the songs' artist" in unheard


def test_a_title_that_the_model_hears_changes_what_it_writes_and_is_not_written():
    model = tiny_model("gru", "word", reading={"with_title": True})
    assert wishes_left_out(model.tokenizer, replace(RECIPE, title="home")) == []
    assert texts_of(model, "Oh", replace(RECIPE, title="home")) != texts_of(model, "Oh", RECIPE)
    scripts = scripted("word", SONG, with_title=True)
    opening = len(prompt_tokens(scripts.tokenizer, "", SongFacts(title="oh my kettle")))
    scripts.network.script[:0] = [0] * (opening - 1)
    assert texts_of(scripts, "", replace(GREEDY, title="oh my kettle")) == [canonical(SONG)]


def test_the_text_goes_on_from_the_prompt():
    model = tiny_model("lstm", "word")
    text = texts_of(model, "I went down to the river\n", RECIPE)[0]
    assert text.startswith("\n")
    assert texts_of(model, "", RECIPE)[0][0] not in " \n"


@pytest.mark.parametrize(
    "prompt", ["", "\n\n\n", "🎵 ωμέγα", "[Chorus]", "x" * 4096, "word " * 800, "\u200b", "'" * 99]
)
@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_any_prompt_is_read(prompt, kind):
    model = tiny_model("gru", kind)
    assert len(prompt_tokens(model.tokenizer, prompt)) <= 513
    assert len(pieces_of(model, prompt, replace(RECIPE, max_tokens=3))) >= 1


def test_reading_a_long_prompt_can_be_interrupted():
    steps = write(tiny_model(), "oh my home " * 50, RECIPE)
    assert next(steps) == []
    steps.close()
