"""How the API's description tells of the doors that OpenAI's clients know; `openai_requests` is what checks."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generator.api.openai_requests import LOGPROBS_LIMIT, PROMPTS_LIMIT
from generator.api.serializers import RecipeSerializer

TEXT = {"type": "string"}


@extend_schema_field({"oneOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1, "maxItems": PROMPTS_LIMIT}]})
class PromptsField(serializers.JSONField):
    """One text or several."""


class StreamOptionsSerializer(serializers.Serializer):
    include_usage = serializers.BooleanField(default=False, help_text="A last chunk tells the tokens.")


class CompletionRequestSerializer(RecipeSerializer):
    """A completion as OpenAI's clients ask for it; any of our own sampling values may stand beside theirs."""

    model = serializers.CharField(help_text="A model that you may use: its id, or its name (the newest of that name).")
    prompt = PromptsField(
        required=False, help_text=f"How it begins: a text, or up to {PROMPTS_LIMIT}; with `n` at most 8 texts in all."
    )
    stream = serializers.BooleanField(default=False, help_text="Answer with server-sent events, at last `[DONE]`.")
    stream_options = StreamOptionsSerializer(required=False, allow_null=True, help_text="Only with `stream`.")
    logprobs = serializers.IntegerField(
        min_value=0,
        max_value=LOGPROBS_LIMIT,
        allow_null=True,
        required=False,
        help_text="Tell each token's log-probability, and so many likeliest beside it. Not together with `echo`.",
    )
    echo = serializers.BooleanField(default=False, help_text="Begin each text with its prompt.")
    user = serializers.CharField(required=False, allow_null=True, help_text="Taken, and not used.")


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
