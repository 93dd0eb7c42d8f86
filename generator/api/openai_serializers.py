"""How the API's description tells of the doors that OpenAI's clients know; `openai_requests` is what checks."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generator import recipe as limits
from generator.api.openai_requests import LOGPROBS_LIMIT, PROMPTS_LIMIT
from generator.api.serializers import RecipeSerializer

TEXT = {"type": "string"}
STOP = {"type": "string", "minLength": 1, "maxLength": limits.STOP_LENGTH_LIMIT}


def several(text: dict, most: int, least: int = 0) -> dict:
    return {"type": "array", "items": text, "minItems": least, "maxItems": most}


@extend_schema_field({"oneOf": [TEXT, several(TEXT, PROMPTS_LIMIT, 1)], "nullable": True})
class PromptsField(serializers.JSONField):
    """One text or several."""


@extend_schema_field({"anyOf": [STOP, several(STOP, limits.STOPS_LIMIT)], "nullable": True})
class StopsField(serializers.JSONField):
    """One text or several."""


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 0, "nullable": True})
class NoPenaltyField(serializers.FloatField):
    """Nothing but 0."""


@extend_schema_field({"type": "object", "maxProperties": 0, "nullable": True})
class NothingField(serializers.JSONField):
    """Nothing but {}."""


class StreamOptionsSerializer(serializers.Serializer):
    refuses_others = True

    include_usage = serializers.BooleanField(default=False, help_text="A last chunk tells the tokens.")
    include_obfuscation = serializers.BooleanField(default=False, help_text="Taken, and not used.")


class CompletionRequestSerializer(RecipeSerializer):
    """A completion as OpenAI's clients ask for it; any of our own sampling values may stand beside theirs."""

    model = serializers.CharField(help_text="A model that you may use: its id, or its name (the newest of that name).")
    prompt = PromptsField(
        required=False, help_text=f"How it begins: a text, or up to {PROMPTS_LIMIT}; with `n` at most 8 texts in all."
    )
    max_tokens = serializers.IntegerField(
        min_value=1, max_value=limits.TOKENS_LIMIT, default=200, allow_null=True, help_text="Tokens of a text at most."
    )
    n = serializers.IntegerField(
        min_value=1, max_value=limits.CANDIDATES_LIMIT, default=1, allow_null=True, help_text="Texts for each prompt."
    )
    temperature = serializers.FloatField(
        min_value=0, max_value=5, default=0.8, allow_null=True, help_text="0, or from 0.05 to 5."
    )
    top_p = serializers.FloatField(min_value=0, max_value=1, default=1.0, allow_null=True, help_text="Above 0.")
    stop = StopsField(required=False, help_text="The text ends before the first of these.")
    stream = serializers.BooleanField(
        default=False, allow_null=True, help_text="Answer with server-sent events, at last `[DONE]`."
    )
    stream_options = StreamOptionsSerializer(required=False, allow_null=True, help_text="Only with `stream`.")
    logprobs = serializers.IntegerField(
        min_value=0,
        max_value=LOGPROBS_LIMIT,
        allow_null=True,
        required=False,
        help_text="Tell each token's log-probability, and so many likeliest beside it. Not together with `echo`.",
    )
    echo = serializers.BooleanField(default=False, allow_null=True, help_text="Begin each text with its prompt.")
    user = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text="Taken, and not used.")
    best_of = serializers.IntegerField(
        min_value=1, max_value=limits.CANDIDATES_LIMIT, required=False, allow_null=True, help_text="As `n`, or null."
    )
    presence_penalty = NoPenaltyField(required=False, help_text="`repetition_penalty` is ours.")
    frequency_penalty = NoPenaltyField(required=False, help_text="`repetition_penalty` is ours.")
    suffix = serializers.CharField(
        max_length=0,
        default="",
        allow_null=True,
        allow_blank=True,
        help_text="A text is written from its beginning.",
    )
    logit_bias = NothingField(required=False, help_text="No token can be favoured.")


class LogprobsSerializer(serializers.Serializer):
    tokens = serializers.ListField(child=serializers.CharField(allow_blank=True))
    token_logprobs = serializers.ListField(child=serializers.FloatField())
    top_logprobs = serializers.ListField(child=serializers.DictField(child=serializers.FloatField()), allow_null=True)
    text_offset = serializers.ListField(child=serializers.IntegerField())


class CompletionChoiceSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    text = serializers.CharField()
    finish_reason = serializers.ChoiceField(choices=("stop", "length"), allow_null=True)
    logprobs = LogprobsSerializer(allow_null=True)


class CompletionUsageSerializer(serializers.Serializer):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class CompletionSerializer(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.CharField(help_text="`text_completion`.")
    created = serializers.IntegerField(help_text="Seconds since 1970.")
    model = serializers.CharField()
    system_fingerprint = serializers.CharField(help_text="The beginning of the model's sha256.")
    seed = serializers.IntegerField(help_text="Asked for or chosen; the same gives the same texts.")
    choices = CompletionChoiceSerializer(many=True)
    usage = CompletionUsageSerializer()
    notes = serializers.ListField(child=serializers.CharField(), help_text="What was asked for and left out, and why.")


class ModelObjectSerializer(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.CharField(help_text="`model`.")
    created = serializers.IntegerField(help_text="Seconds since 1970.")
    owned_by = serializers.CharField()
    name = serializers.CharField()
    architecture = serializers.CharField()
    tokenizer = serializers.CharField()
    parameters = serializers.IntegerField()


class ModelListSerializer(serializers.Serializer):
    object = serializers.CharField(help_text="`list`.")
    data = ModelObjectSerializer(many=True)


class OpenAiErrorDetailSerializer(serializers.Serializer):
    message = serializers.CharField()
    type = serializers.CharField()
    code = serializers.CharField()
    param = serializers.CharField(allow_null=True, help_text="The field that it is about.")


class OpenAiErrorSerializer(serializers.Serializer):
    error = OpenAiErrorDetailSerializer()
