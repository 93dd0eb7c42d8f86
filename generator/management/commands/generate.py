"""Write lyrics on the command line: ``manage.py generate --model ID_OR_NAME --prompt "The last ferry"``."""

import json
import types
import typing
from dataclasses import fields

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from generator.recipe import Recipe
from generator.services import writing
from training.errors import ExpectedError, Invalid
from training.models import Checkpoint

# A sentence for each sampling value; one that has none here can be given all the same.
MEANINGS = {
    "max_tokens": "Characters or words at most.",
    "n": "How many texts.",
    "seed": "Left out: one is chosen and said.",
    "temperature": "0 always takes the likeliest; higher is more daring.",
    "top_k": "Draw among this many; 0 is 128, the most there are.",
    "top_p": "Draw among the likeliest that reach this share together.",
    "min_p": "Leave out what is less likely than this share of the likeliest.",
    "typical_p": "Draw among what surprises as much as expected.",
    "repetition_penalty": "Above 1 makes what was already written less likely.",
    "no_repeat_ngram": "Never write so many tokens in a row twice; 0: may.",
    "stop": "The text ends before this; \\n stands for a new line. May be given several times.",
    "banned": "A word that is not to be written. May be given several times.",
    "lines": "Lines at most.",
    "min_lines": "Lines at least.",
    "genre": "For a model that learnt from songs marked with their genre.",
    "artist": "The same for artists.",
    "title": "What the song is called, for a model that learnt from songs with titles.",
}


class Command(BaseCommand):
    help = "Print lyrics that a model writes. The same seed gives the same words."

    def add_arguments(self, parser):
        parser.add_argument("--model", required=True, help="A model's id, or its name (the newest of that name).")
        parser.add_argument("--prompt", default="", help="How it begins; \\n stands for a new line.")
        for name, (kind, is_list, default) in sampling_values().items():
            option = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
            meaning = MEANINGS.get(name, "")
            help_text = f"{meaning} {default} unless said otherwise." if default else meaning
            action = {"action": "append"} if is_list else {}
            parser.add_argument(option, dest=name, type=kind, help=help_text.strip(), **action)
        parser.add_argument("--json", action="store_true", help="Print the answer of the API.")
        parser.add_argument("--owner", help="Write as this user, with the models this user may use.")

    def handle(self, *args, **options):
        values = {name: options[name] for name in sampling_values() if options[name] is not None}
        model = find_model(options["model"], options["owner"])
        try:
            recipe, prompt = writing.read_recipe(values, with_new_lines(options["prompt"]))
            generation = writing.generate(user=model.owner, model=model, prompt=prompt, recipe=recipe)
        except Invalid as error:
            lines = (f"{name}: {' '.join(messages)}" for name, messages in error.errors.items())
            raise CommandError("\n".join(lines)) from error
        except ExpectedError as error:
            raise CommandError(error.message) from error
        self._print(generation, as_json=options["json"])

    def _print(self, generation: writing.Generation, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(generation.to_dict(), ensure_ascii=False, indent=2))
            return
        for choice in generation.choices:
            if choice.index:
                self.stdout.write("\n* * *\n")
            self.stdout.write(generation.text_of(choice))
        for note in generation.notes:
            self.stderr.write(f"\n{note}")
        self.stderr.write(f"\n{generation.model.name}, seed {generation.recipe.seed}, {generation.seconds:.2f} s")


def sampling_values() -> dict[str, tuple]:
    """What a recipe is made of: by name how a word of the command line is read, whether it holds several, its default.

    Read from the recipe itself, so a value that is added there can be given here.
    """
    hints = typing.get_type_hints(Recipe)
    found = {}
    for field in fields(Recipe):
        hint = hints[field.name]
        is_list = typing.get_origin(hint) is tuple
        inside = typing.get_args(hint) if is_list or isinstance(hint, types.UnionType) else (hint,)
        found[field.name] = with_new_lines if inside[0] is str else inside[0], is_list, field.default
    return found


def with_new_lines(word: str) -> str:
    return word.replace("\\n", "\n")


def find_model(wanted: str, owner: str | None) -> Checkpoint:
    """The model of this id or else the newest of this name. Raises: CommandError when there is none."""
    models = Checkpoint.objects.select_related("owner")
    if owner is not None:
        user = get_user_model().objects.filter(username=owner).first()
        if user is None:
            raise CommandError(f"There is no user {owner}.")
        models = models.visible_to(user)
    model = writing.find_among(models, wanted)
    if model is None:
        raise CommandError(f"There is no model {wanted}. `manage.py train` makes one.")
    return model
