"""Write lyrics on the command line: ``manage.py generate --model ID_OR_NAME --prompt "The last ferry"``."""

import json

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from generator.services import writing
from training.errors import ExpectedError, Invalid
from training.models import Checkpoint


class Command(BaseCommand):
    help = "Print lyrics that a model writes. The same seed gives the same words."

    def add_arguments(self, parser):
        parser.add_argument("--model", required=True, help="A model's id, or its name (the newest of that name).")
        parser.add_argument("--prompt", default="", help="How it begins; \\n stands for a new line.")
        parser.add_argument("--seed", type=int, help="Left out: one is chosen and said.")
        parser.add_argument("--temperature", type=float, help="0 is greedy; 0.8 unless said otherwise.")
        parser.add_argument("--max-tokens", type=int, help="Characters or words at most; 200 unless said otherwise.")
        parser.add_argument("-n", type=int, help="How many texts.")
        parser.add_argument("--top-k", type=int)
        parser.add_argument("--top-p", type=float)
        parser.add_argument("--lines", type=int, help="Lines at most.")
        parser.add_argument("--genre", help="For a model that learnt from songs marked with their genre.")
        parser.add_argument("--artist", help="The same for artists.")
        parser.add_argument("--title", help="What the song is called, for a model that learnt from songs with titles.")
        parser.add_argument("--json", action="store_true", help="Print the answer of the API.")
        parser.add_argument("--owner", help="Write as this user, with the models this user may use.")

    def handle(self, *args, **options):
        names = ("seed", "temperature", "max_tokens", "n", "top_k", "top_p", "lines", "genre", "artist", "title")
        values = {name: options[name] for name in names if options[name] is not None}
        model = find_model(options["model"], options["owner"])
        try:
            recipe, prompt = writing.read_recipe(values, options["prompt"].replace("\\n", "\n"))
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


def find_model(wanted: str, owner: str | None) -> Checkpoint:
    """The model of this id or else the newest of this name. Raises: CommandError when there is none."""
    models = Checkpoint.objects.published().select_related("owner")
    if owner is not None:
        user = get_user_model().objects.filter(username=owner).first()
        if user is None:
            raise CommandError(f"There is no user {owner}.")
        models = models.visible_to(user)
    model = models.filter(pk=wanted).first() or models.filter(name=wanted).order_by("-published_at").first()
    if model is None:
        raise CommandError(f"There is no model {wanted}. `manage.py train` makes one.")
    return model
