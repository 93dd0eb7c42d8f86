"""The workers, for staff's programs."""

from collections import defaultdict

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response

from training.models import TrainingRun, Worker
from training.services import operations as services


class WorkerSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="name")
    queues = serializers.SerializerMethodField(help_text="What it listens to: training, imports, maintenance.")
    is_alive = serializers.SerializerMethodField(help_text="Whether it was heard of within the last seconds.")
    runs = serializers.SerializerMethodField(help_text="The ids of the runs that it trains right now.")

    class Meta:
        model = Worker
        fields = (
            "id",
            "host",
            "pid",
            "queues",
            "processes",
            "is_alive",
            "is_draining",
            "drain_requested_at",
            "drain_requested_by",
            "runs",
            "last_claim_at",
            "started_at",
            "seen_at",
        )
        read_only_fields = fields

    def get_queues(self, worker: Worker) -> list[str]:
        return [name for name in worker.queues.split(",") if name]

    def get_is_alive(self, worker: Worker) -> bool:
        return worker.pk in self.alive

    def get_runs(self, worker: Worker) -> list[str]:
        return self.held[worker.pk]

    @cached_property
    def alive(self) -> set[str]:
        """Who is, asked for once for the whole list."""
        return set(Worker.objects.alive().values_list("pk", flat=True))

    @cached_property
    def held(self) -> dict[str, list[str]]:
        held = defaultdict(list)
        for worker, run in TrainingRun.objects.running().order_by("started_at").values_list("worker", "pk"):
            held[worker].append(run)
        return held


class WorkerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Who trains and reads files: for staff."""

    queryset = Worker.objects.order_by("name")
    serializer_class = WorkerSerializer
    permission_classes = (IsAdminUser,)
    lookup_field, lookup_url_kwarg = "name", "id"
    lookup_value_regex = "[^/]+"
    filter_backends = ()

    @extend_schema(
        request=None,
        responses={202: WorkerSerializer, 409: OpenApiResponse(description="Nobody has heard of it for a while.")},
    )
    @action(detail=True, methods=["post"])
    def drain(self, request, id: str):
        """Have it take nothing new, hand back what it trains, and end; it stays down until it is started again."""
        worker = services.drain_worker(worker=self.get_object(), by=request.user)
        return Response(self.get_serializer(worker).data, status.HTTP_202_ACCEPTED)
