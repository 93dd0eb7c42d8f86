"""Generations as JSON."""

from rest_framework import serializers

from generator import recipe as limits

ALTERNATIVES_LIMIT = 20


class RecipeSerializer(serializers.Serializer):
    """The sampling values; `generator.recipe` is what checks them."""

    refuses_others = True  # a misspelled value would be left out without a word

    max_tokens = serializers.IntegerField(
        min_value=1,
        max_value=limits.TOKENS_LIMIT,
        default=200,
        help_text="Characters, words or pieces of words at most.",
    )
    n = serializers.IntegerField(
        min_value=1,
        max_value=limits.CANDIDATES_LIMIT,
        default=1,
        help_text="How many texts; text k is that of seed + k.",
    )
    seed = serializers.IntegerField(
        min_value=0,
        max_value=limits.SEED_LIMIT,
        allow_null=True,
        default=None,
        help_text="The same seed, model, prompt and values give the same text. Null: one is chosen, and said.",
    )
    temperature = serializers.FloatField(
        min_value=0, max_value=5, default=0.8, help_text="0 always takes the likeliest; else 0.05 (safe) to 5 (wild)."
    )
    top_k = serializers.IntegerField(
        min_value=0,
        max_value=limits.TOP_K_CAP,
        default=0,
        help_text=f"Draw among this many; 0 stands for {limits.TOP_K_CAP}, the most there are.",
    )
    top_p = serializers.FloatField(
        min_value=0,
        max_value=1,
        default=1.0,
        help_text="Draw among the likeliest that reach this share together; above 0.",
    )
    min_p = serializers.FloatField(
        min_value=0,
        max_value=1,
        default=0.0,
        help_text="Leave out what is less likely than this share of the likeliest.",
    )
    typical_p = serializers.FloatField(
        min_value=0, max_value=1, default=1.0, help_text="Draw among what surprises as much as expected; above 0."
    )
    repetition_penalty = serializers.FloatField(
        min_value=1, max_value=5, default=1.0, help_text="Above 1 makes what was already written less likely."
    )
    no_repeat_ngram = serializers.IntegerField(
        min_value=0,
        max_value=limits.NGRAM_LIMIT,
        default=0,
        help_text="Never write so many tokens in a row twice; 0: may.",
    )
    stop = serializers.ListField(
        child=serializers.CharField(min_length=1, max_length=limits.STOP_LENGTH_LIMIT, trim_whitespace=False),
        max_length=limits.STOPS_LIMIT,
        default=list,
        help_text="The text ends before the first of these.",
    )
    lines = serializers.IntegerField(
        min_value=1, max_value=limits.LINES_LIMIT, allow_null=True, default=None, help_text="Lines at most."
    )
    min_lines = serializers.IntegerField(
        min_value=0, max_value=limits.LINES_LIMIT, default=0, help_text="Lines at least; not more than `lines`."
    )
    banned = serializers.ListField(
        child=serializers.CharField(min_length=1, max_length=limits.BANNED_LENGTH_LIMIT),
        max_length=limits.BANNED_LIMIT,
        default=list,
        help_text="Words and phrases that are never written, in whatever case.",
    )
    genre = serializers.CharField(
        max_length=limits.WISH_LENGTH_LIMIT,
        allow_blank=True,
        default="",
        help_text="For models that learnt from songs marked with it; others leave it out and say so in `notes`.",
    )
    artist = serializers.CharField(
        max_length=limits.WISH_LENGTH_LIMIT, allow_blank=True, default="", help_text="As `genre`."
    )
    title = serializers.CharField(
        max_length=limits.WISH_LENGTH_LIMIT,
        allow_blank=True,
        default="",
        help_text="What the song is called, for models that learnt from songs with their titles.",
    )


class GenerateSerializer(RecipeSerializer):
    """What to write."""

    model = serializers.CharField(help_text="A model that you may use: its id, or its name (the newest of that name).")
    prompt = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="How it begins, at most 4 kB; the network reads its last 512 tokens. A newline at its end is kept.",
    )
    stream = serializers.BooleanField(default=False, help_text="Answer with server-sent events: token …, then done.")
    save = serializers.BooleanField(default=False, help_text="Keep the first text as a lyric of yours.")
    alternatives = serializers.IntegerField(
        min_value=0,
        max_value=ALTERNATIVES_LIMIT,
        default=0,
        help_text="With each token of the answer, so many that the network thought likeliest. The text stays the same.",
    )


class AlternativeSerializer(serializers.Serializer):
    text = serializers.CharField(help_text="A token as it would be written there by itself; the end is empty.")
    log_probability = serializers.FloatField(help_text="By the network alone, in nats.")


class PieceSerializer(AlternativeSerializer):
    text = serializers.CharField(help_text="What it added to the text; a break comes with what follows it.")
    token = serializers.CharField(help_text="The token itself, written as the alternatives are.")
    alternatives = AlternativeSerializer(many=True, help_text="The likeliest first.")


class CandidateSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    text = serializers.CharField(help_text="What follows the prompt.")
    tokens = serializers.IntegerField()
    log_probability = serializers.FloatField(help_text="Of the whole text, by the network alone, in nats.")
    finish_reason = serializers.ChoiceField(choices=("stop", "length", "end", "lines", "time"))
    seed = serializers.IntegerField(help_text="Writes this text alone.")
    pieces = PieceSerializer(many=True, required=False, help_text="Its tokens, where `alternatives` were asked for.")


class UsageSerializer(serializers.Serializer):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class GenerationSerializer(serializers.Serializer):
    """A finished generation, as `writing.Generation.to_dict` gives it."""

    id = serializers.CharField(allow_null=True, help_text="Of the lyric, when it was saved.")
    model = serializers.CharField()
    model_sha256 = serializers.CharField()
    prompt = serializers.CharField()
    seed = serializers.IntegerField()
    recipe = RecipeSerializer()
    choices = CandidateSerializer(many=True)
    usage = UsageSerializer()
    seconds = serializers.FloatField()
    notes = serializers.ListField(child=serializers.CharField(), help_text="What was asked for and left out, and why.")
