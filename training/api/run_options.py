"""All that a training can be told, for programs."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from training.services import runs as services


class ChoiceSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    sentence = serializers.CharField()


class PresetSerializer(ChoiceSerializer):
    minutes = serializers.FloatField()
    tokenizer = serializers.CharField()
    values = serializers.DictField(help_text="The settings it changes, by tokenizer.")


class SettingSerializer(serializers.Serializer):
    name = serializers.CharField()
    type = serializers.CharField(help_text="int, float, str or bool.")
    optional = serializers.BooleanField()
    default = serializers.JSONField()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    help = serializers.CharField()
    group = serializers.CharField()


class RunOptionsSerializer(serializers.Serializer):
    architectures = ChoiceSerializer(many=True)
    tokenizers = ChoiceSerializer(many=True)
    presets = PresetSerializer(many=True)
    # "fields" is a property of every serializer, so this one needs a detour to carry the contract's name.

    def get_fields(self) -> dict:
        return {**super().get_fields(), "fields": SettingSerializer(many=True)}


class RunOptionsView(APIView):
    """Everything a run can be told."""

    @extend_schema(responses=RunOptionsSerializer)
    def get(self, request):
        return Response(services.run_options())
