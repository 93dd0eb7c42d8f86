"""Which words of a text a model has never read, before it is asked to go on from them."""

from dataclasses import asdict

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from generator.recipe import PROMPT_LIMIT_BYTES
from generator.services.words import find_unknown_words
from training.errors import Invalid
from training.models import Checkpoint


class TextSerializer(serializers.Serializer):
    text = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        max_length=PROMPT_LIMIT_BYTES,
        help_text="As long as a prompt may be: 4 kB.",
    )


class UnknownWordSerializer(serializers.Serializer):
    word = serializers.CharField(help_text="As it is written.")
    start = serializers.IntegerField(help_text="Its place in the text, in characters (code points).")
    end = serializers.IntegerField(help_text="The place behind it.")


class UnknownWordsSerializer(serializers.Serializer):
    words = UnknownWordSerializer(many=True)


class UnknownWordsView(APIView):
    """The words of a text that a model reads as unknown, in order; a model that spells its words knows them all."""

    @extend_schema(
        operation_id="models_unknown_words",
        summary="Which words a model has never read",
        request=TextSerializer,
        responses={
            200: UnknownWordsSerializer,
            409: OpenApiResponse(description="The model can't be used: its file is damaged, or it is being deleted."),
        },
    )
    def post(self, request, pk: str):
        models = Checkpoint.objects.visible_to(request.user).filter(published_at__isnull=False)
        model = models.filter(pk=pk).first()
        if model is None:
            raise NotFound("There is no such model.")
        if not isinstance(request.data, dict) or "text" not in request.data:
            raise Invalid({"text": ["This field is required."]})
        found = find_unknown_words(model=model, text=request.data["text"])
        return Response({"words": [asdict(one) for one in found]})
