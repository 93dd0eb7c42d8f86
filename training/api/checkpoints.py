"""What is kept of a run, for programs: its checkpoints and its model, and pins that hold them."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from training.models import Checkpoint, TrainingRun
from training.services import checkpoints as services

BEING_DELETED = OpenApiResponse(description="It is being deleted already.")


class CheckpointSerializer(serializers.ModelSerializer):
    is_model = serializers.SerializerMethodField(help_text="Whether it is the model that came of the run.")
    pinned = serializers.BooleanField(source="is_pinned", help_text="Whether it is kept until the pin is taken out.")
    bytes = serializers.IntegerField(source="stored_bytes", help_text="Of all its files.")
    code_version = serializers.CharField(help_text="Of this program, when it was kept.")

    class Meta:
        model = Checkpoint
        fields = ("id", "step", "epoch", "state", "is_model", "pinned", "bytes", "code_version", "created_at")
        read_only_fields = fields

    def get_is_model(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.published_at is not None


class InOneRun:
    """For views below one run: it is read by whoever may see it, and changed by its owner alone."""

    def get_run(self) -> TrainingRun:
        readers = self.request.method in ("GET", "HEAD", "OPTIONS")
        user = self.request.user
        runs = TrainingRun.objects.visible_to(user) if readers else TrainingRun.objects.owned_by(user)
        return get_object_or_404(runs, pk=self.kwargs["run_id"])


class CheckpointsView(InOneRun, generics.ListAPIView):
    """What is kept of a run, the furthest first: what it may go on from, and its model."""

    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    filter_backends = ()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return services.checkpoints_of(run=self.get_run())


class CheckpointPinView(InOneRun, APIView):
    """The pin of one checkpoint."""

    @extend_schema(request=None, responses={200: CheckpointSerializer, 409: BEING_DELETED})
    def put(self, request, run_id: str, checkpoint_id: str):
        """Keep a checkpoint, whatever the run comes to, until the pin is taken out."""
        return Response(CheckpointSerializer(self._set_pin(True)).data)

    @extend_schema(responses={204: None, 409: BEING_DELETED})
    def delete(self, request, run_id: str, checkpoint_id: str):
        """Take the pin out of a checkpoint: it goes when nothing else needs it."""
        self._set_pin(False)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _set_pin(self, is_pinned: bool) -> Checkpoint:
        kept = services.checkpoints_of(run=self.get_run())
        checkpoint = get_object_or_404(kept, pk=self.kwargs["checkpoint_id"])
        return services.set_pin(checkpoint=checkpoint, is_pinned=is_pinned)
