"""Training runs, their measurements and events, for programs."""

from dataclasses import asdict

from django.db.models import Prefetch
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from training import curves, live
from training.api.renderers import FORMAT, CsvRenderer, EventStreamRenderer, wants_csv
from training.api.run_answers import RunSerializer
from training.api.run_records import (
    AttemptSerializer,
    InsightSerializer,
    MetricPointSerializer,
    RunEventSerializer,
    SampleSerializer,
)
from training.api.run_requests import (
    CloneSerializer,
    EstimateSerializer,
    MoveSerializer,
    PrioritySerializer,
    RetrySerializer,
    StartSerializer,
    WaitingSerializer,
)
from training.api.searches import short_text
from training.baselines import baselines_of
from training.models import Baseline, Checkpoint, TrainingRun
from training.services import estimates
from training.services import runs as services
from training.streaming import event_stream

LONGEST_KEY = 200
NO_ROOM = OpenApiResponse(description="As many of your runs wait as may, or there is no room for what it leaves.")
NOT_IN_THIS_STATE = "Its state, which the body has, does not allow it."


class RunFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=TrainingRun.State.choices)
    architecture = short_text(20)
    dataset = short_text(12, field_name="dataset_id")

    class Meta:
        model = TrainingRun
        fields = ("state", "architecture", "dataset")


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Trainings: your own, and what others share."""

    queryset = TrainingRun.objects.none()
    serializer_class = RunSerializer
    lookup_value_regex = "[0-9a-z]+"
    filterset_class = RunFilter
    search_fields = ("name", "dataset__name")
    ordering_fields = ("created_at", "finished_at", "name", "state")
    baselines: dict[str, Baseline] | None = None  # of the runs of a page, asked for once

    def get_queryset(self):
        user = self.request.user
        models = Prefetch("checkpoints", Checkpoint.objects.visible_to(user).published(), to_attr="models")
        runs = TrainingRun.objects.select_related("owner").prefetch_related(models)
        if self.action == "prioritise":
            return runs  # staff alone gets here, and is told nothing but its place
        may_be_anothers = self.action == "clone" or self.request.method in ("GET", "HEAD", "OPTIONS")
        return runs.visible_to(user) if may_be_anothers else runs.owned_by(user)

    def paginate_queryset(self, queryset) -> list:
        page = super().paginate_queryset(queryset)
        if self.action == "list":
            self.baselines = baselines_of(page)
        return page

    def get_serializer_context(self) -> dict:
        context = super().get_serializer_context()
        if self.action == "list":
            context["baselines"] = self.baselines
        return context

    @extend_schema(
        request=StartSerializer,
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gives the same object."
            )
        ],
        responses={
            202: RunSerializer,
            404: OpenApiResponse(description="There is no such dataset, or it is not yours."),
            409: OpenApiResponse(description="The dataset is not ready."),
            429: NO_ROOM,
        },
    )
    def create(self, request):
        """Put a run into the line."""
        asked = StartSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        run = services.start_run(
            owner=request.user,
            dataset=values["dataset"],
            architecture=values.get("architecture", ""),
            preset=values.get("preset") or None,
            name=values.get("name", ""),
            overrides=values.get("config"),
            starts_from=values.get("starts_from"),
            idempotency_key=self._idempotency_key(),
        )
        return self._accepted(run)

    @extend_schema(
        request=StartSerializer,
        responses={200: EstimateSerializer, 404: OpenApiResponse(description="There is no such dataset.")},
    )
    @action(detail=False, methods=["post"], pagination_class=None)
    def estimate(self, request):
        """Say what a run would be and take; nothing is queued."""
        asked = StartSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        told = estimates.forecast(
            dataset=values["dataset"],
            architecture=values.get("architecture", ""),
            preset=values.get("preset") or None,
            overrides=values.get("config"),
            starts_from=values.get("starts_from"),
        )
        return Response({**asdict(told.estimate), "config": told.config.to_dict()})

    def _idempotency_key(self) -> str | None:
        key = self.request.headers.get("Idempotency-Key")
        if key and (len(key) > LONGEST_KEY or not key.isprintable()):
            raise ValidationError({"Idempotency-Key": [f"Use at most {LONGEST_KEY} printable characters."]})
        return key

    @extend_schema(
        request=None,
        responses={202: RunSerializer, 409: OpenApiResponse(description="It has ended; the body has its state.")},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk: str):
        """Cancel a waiting run at once, have a running one stopped within seconds."""
        return self._accepted(services.cancel_run(run=self.get_object(), by=request.user))

    @extend_schema(
        request=None,
        responses={202: RunSerializer, 409: OpenApiResponse(description=NOT_IN_THIS_STATE)},
    )
    @action(detail=True, methods=["post"])
    def pause(self, request, pk: str):
        """Put a waiting run aside at once, a running one within seconds; ``resume`` goes on from there."""
        return self._accepted(services.pause_run(run=self.get_object(), by=request.user))

    @extend_schema(
        request=None,
        responses={
            202: RunSerializer,
            409: OpenApiResponse(description=NOT_IN_THIS_STATE),
            429: NO_ROOM,
        },
    )
    @action(detail=True, methods=["post"])
    def resume(self, request, pk: str):
        """Put a paused run back into the line, first among your runs."""
        return self._accepted(services.resume_run(run=self.get_object(), by=request.user))

    @extend_schema(
        request=RetrySerializer,
        responses={
            202: RunSerializer,
            409: OpenApiResponse(
                description=f"{NOT_IN_THIS_STATE} Or nothing is kept, and `restart` was not asked for."
            ),
            429: NO_ROOM,
        },
    )
    @action(detail=True, methods=["post"])
    def retry(self, request, pk: str):
        """Put a failed or cancelled run back into the line, last among your runs; it goes on from where it stood."""
        asked = RetrySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.retry_run(run=self.get_object(), by=request.user, restart=asked.validated_data["restart"])
        return self._accepted(run)

    @extend_schema(
        request=MoveSerializer,
        responses={202: RunSerializer, 409: OpenApiResponse(description=NOT_IN_THIS_STATE)},
    )
    @action(detail=True, methods=["post"])
    def move(self, request, pk: str):
        """Give a waiting run another place among your waiting runs."""
        run, asked = self.get_object(), MoveSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.move_run(run=run, position=asked.validated_data["position"], by=request.user)
        return self._accepted(run)

    @extend_schema(
        request=PrioritySerializer,
        responses={202: WaitingSerializer, 409: OpenApiResponse(description=NOT_IN_THIS_STATE)},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAdminUser])
    def prioritise(self, request, pk: str):
        """Have a waiting run, whoever owns it, taken before all of a lower priority: for staff."""
        run, asked = self.get_object(), PrioritySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.prioritise_run(run=run, priority=asked.validated_data["priority"], by=request.user)
        return Response(WaitingSerializer(run).data, status.HTTP_202_ACCEPTED)

    @extend_schema(
        request=CloneSerializer,
        responses={
            202: RunSerializer,
            409: OpenApiResponse(description="The dataset is not ready."),
            429: NO_ROOM,
        },
    )
    @action(detail=True, methods=["post"])
    def clone(self, request, pk: str):
        """Put a run with the settings of this one into the line, some of them changed."""
        asked = CloneSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.train_again(run=self.get_object(), by=request.user, changes=asked.validated_data.get("config"))
        return self._accepted(run)

    @extend_schema(
        parameters=[FORMAT],
        responses={
            (200, "application/json"): MetricPointSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, filter_backends=[], renderer_classes=[JSONRenderer, CsvRenderer])
    def metrics(self, request, pk: str):
        """Everything that was measured, by step."""
        run = self.get_object()
        if wants_csv(request):
            return curves.metrics_csv(run)
        return self._page_of(run.metric_points.order_by("step"), MetricPointSerializer)

    @extend_schema(responses=SampleSerializer(many=True))
    @action(detail=True, filter_backends=[])
    def samples(self, request, pk: str):
        """What the network wrote as it learnt, by step."""
        return self._page_of(self.get_object().samples.order_by("step"), SampleSerializer)

    @extend_schema(responses=RunEventSerializer(many=True))
    @action(detail=True, filter_backends=[])
    def history(self, request, pk: str):
        """Every change of its state and what else was worth telling: when, by whom, and why."""
        return self._page_of(self.get_object().events.order_by("sequence"), RunEventSerializer)

    @extend_schema(responses=AttemptSerializer(many=True))
    @action(detail=True, filter_backends=[])
    def attempts(self, request, pk: str):
        """Each time a worker took it, and how that ended."""
        return self._page_of(self.get_object().attempt_rows.order_by("number"), AttemptSerializer)

    @extend_schema(responses=InsightSerializer(many=True))
    @action(detail=True, filter_backends=[])
    def insights(self, request, pk: str):
        """Why it remembers what it does: memory ruler, chorus recall and gradient reach, once it has finished."""
        told = self.get_object().insights.exclude(sentence="").order_by("pk")
        return self._page_of(told, InsightSerializer)

    @extend_schema(
        parameters=[
            OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER, description="Replays what followed.")
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    @action(
        detail=True, filter_backends=[], pagination_class=None, renderer_classes=[EventStreamRenderer, JSONRenderer]
    )
    def events(self, request, pk: str):
        """The run as it happens: ``progress``, ``metric``, ``sample``, ``state`` and at last ``end``, with numbers."""
        events = live.run_events(self.get_object().pk, reader=request.user, after=live.last_heard(request._request))
        return event_stream(request._request, events)

    def _page_of(self, rows, serializer_class) -> Response:
        return self.get_paginated_response(serializer_class(self.paginate_queryset(rows), many=True).data)

    def _accepted(self, run: TrainingRun) -> Response:
        fresh = self.get_queryset().get(pk=run.pk)
        location = self.request.build_absolute_uri(reverse("run-api-detail", args=[run.pk]))
        return Response(RunSerializer(fresh).data, status.HTTP_202_ACCEPTED, headers={"Location": location})
