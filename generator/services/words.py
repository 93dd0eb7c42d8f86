"""What a model knows of the words that it is given."""

from generator.decoding.unknown_words import UnknownWord, unknown_words
from generator.recipe import RecipeError, checked_prompt
from generator.services import writing
from training.errors import Invalid
from training.models import Checkpoint


def find_unknown_words(*, model: Checkpoint, text) -> list[UnknownWord]:
    """The words of ``text`` that ``model`` has never read, in order.

    Raises: Invalid when ``text`` could not begin a lyric, Conflict for a model that can't write.
    """
    try:
        checked_prompt(text)
    except RecipeError as error:
        raise Invalid({"text": error.errors["prompt"]}) from None
    return unknown_words(writing.load_model(model).tokenizer, text)
