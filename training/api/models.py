"""Models, for programs: list, change, delete, download."""

from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from training.api.checkpoints import BEING_DELETED
from training.api.parsers import FilesInForms
from training.api.renderers import FileRenderer
from training.api.run_answers import ScoresSerializer, scores
from training.api.searches import short_text
from training.downloads import model_download
from training.models import Checkpoint, Visibility
from training.services import models as services
from training.services.checkpoints import set_pin


class ModelSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username")
    run = serializers.CharField(source="run_id", allow_null=True)
    dataset = serializers.CharField(source="dataset_id", allow_null=True)
    metrics = serializers.SerializerMethodField()
    config = serializers.DictField(help_text="Every value it was trained with.")
    bytes = serializers.IntegerField(source="size_bytes")
    code_version = serializers.CharField(
        help_text="The version of this program that made or imported it; empty where that was not written down."
    )
    pinned = serializers.BooleanField(source="is_pinned", help_text="Whether it is safe from being deleted.")
    can_write = serializers.BooleanField(help_text="False while a worker makes an imported model ready to write.")

    class Meta:
        model = Checkpoint
        fields = (
            "id",
            "name",
            "owner",
            "visibility",
            "run",
            "dataset",
            "architecture",
            "tokenizer",
            "parameters",
            "vocabulary_size",
            "metrics",
            "config",
            "step",
            "epoch",
            "sha256",
            "bytes",
            "code_version",
            "pinned",
            "can_write",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(ScoresSerializer)
    def get_metrics(self, model: Checkpoint) -> dict:
        return {**scores(model.metrics), "best_step": model.step}


class ModelChangeSerializer(serializers.Serializer):
    """What its owner may change of a model."""

    name = serializers.CharField(max_length=services.NAME_LENGTH, required=False)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class ModelImportSerializer(serializers.Serializer):
    """A model file that this program wrote, here or elsewhere."""

    file = serializers.FileField(help_text="One `.safetensors`, as the download gives it.")
    name = serializers.CharField(max_length=services.NAME_LENGTH, required=False)


class ModelFilter(filters.FilterSet):
    architecture = short_text(20)
    tokenizer = short_text(20)
    dataset = short_text(12, field_name="dataset_id")
    run = short_text(12, field_name="run_id")
    visibility = filters.ChoiceFilter(choices=Visibility.choices)

    class Meta:
        model = Checkpoint
        fields = ("architecture", "tokenizer", "dataset", "run", "visibility")


class ModelViewSet(FilesInForms, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Trained networks that can write: your own, and what others share."""

    queryset = Checkpoint.objects.none()
    serializer_class = ModelSerializer
    lookup_value_regex = "[0-9a-z]+"
    filterset_class = ModelFilter
    search_fields = ("name", "dataset__name")
    ordering_fields = ("created_at", "name", "parameters", "size_bytes")

    def get_queryset(self):
        models = Checkpoint.objects.published().select_related("owner")
        if self.request.method in ("GET", "HEAD", "OPTIONS"):
            return models.visible_to(self.request.user)
        return models.owned_by(self.request.user)

    @extend_schema(request={"multipart/form-data": ModelImportSerializer}, responses={201: ModelSerializer})
    def create(self, request):
        """Bring a model: its description is checked at once, its weights by a worker, and then it can write."""
        asked = ModelImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        model = services.import_model(owner=request.user, **asked.validated_data)
        headers = {"Location": reverse("model-api-detail", args=[model.pk])}
        return Response(ModelSerializer(model).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=ModelChangeSerializer, responses=ModelSerializer)
    def partial_update(self, request, pk: str):
        """Change name or visibility."""
        model = self.get_object()
        changes = ModelChangeSerializer(data=request.data)
        changes.is_valid(raise_exception=True)
        return Response(ModelSerializer(services.update_model(model=model, **changes.validated_data)).data)

    @extend_schema(
        responses={204: None, 409: OpenApiResponse(description="It is pinned, trained further, or being deleted.")}
    )
    def destroy(self, request, pk: str):
        """Delete a model and its file; lyrics written with it stay."""
        services.delete_model(model=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: ModelSerializer, 409: BEING_DELETED})
    @action(detail=True, methods=["put"])
    def pin(self, request, pk: str):
        """Pin a model: it can't be deleted until the pin is taken out."""
        return Response(ModelSerializer(set_pin(checkpoint=self.get_object(), is_pinned=True)).data)

    @extend_schema(responses={204: None, 409: BEING_DELETED})
    @pin.mapping.delete
    def unpin(self, request, pk: str):
        """Take the pin out of a model."""
        set_pin(checkpoint=self.get_object(), is_pinned=False)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            410: OpenApiResponse(description="Its file is damaged."),
        }
    )
    @action(detail=True, filter_backends=[], pagination_class=None, renderer_classes=[FileRenderer, JSONRenderer])
    def download(self, request, pk: str):
        """One ``.safetensors`` file with everything in it: weights, words, settings and scores."""
        model = self.get_object()
        return model_download(model, services.open_model_file(model))
