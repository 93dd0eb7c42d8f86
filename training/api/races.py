"""Races and comparisons, for programs."""

from django.db.models import Prefetch
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from training import comparison, exports, score_card
from training.api.fields import ObjectField
from training.api.renderers import FORMAT, CsvRenderer, wants_csv
from training.models import Dataset, Race, TrainingRun, Visibility
from training.services import races as services
from training.services.runs import NAME_LENGTH

TABLES = ("scores", "curves")
TABLE = OpenApiParameter("table", str, enum=TABLES, description="Which table, for csv; scores if absent.")
LOSS = OpenApiParameter(
    "loss",
    {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 100, "exclusiveMaximum": True},
    description="The loss that times are taken to; the lowest that every run has reached if absent.",
)
RUNS = {"type": "array", "items": {"type": "string"}, "minItems": comparison.FEWEST_RUNS}
RUNS["maxItems"] = comparison.MOST_RUNS


class ScoreSerializer(serializers.Serializer):
    mean = serializers.FloatField(allow_null=True)
    spread = serializers.FloatField(allow_null=True, help_text="Standard deviation over the seeds; null for one run.")
    runs = serializers.IntegerField(help_text="How many runs have this figure.")


class EntrantSerializer(serializers.Serializer):
    """Runs that differ in nothing but their seed."""

    label = serializers.CharField()
    architecture = serializers.CharField()
    runs = serializers.ListField(child=serializers.CharField())
    scores = serializers.DictField(child=ScoreSerializer(), help_text="By measure, such as nats_per_character.")


class DifferenceSerializer(serializers.Serializer):
    setting = serializers.CharField()
    values = serializers.ListField(child=serializers.JSONField(), help_text="One for each entrant.")


class LookSerializer(serializers.Serializer):
    step = serializers.IntegerField()
    epoch = serializers.FloatField()
    tokens = serializers.FloatField()
    seconds = serializers.FloatField()
    nats_per_character = serializers.FloatField()


class CurveSerializer(serializers.Serializer):
    run = serializers.CharField()
    entrant = serializers.CharField()
    seed = serializers.IntegerField()
    points = LookSerializer(many=True)


class RunComparisonSerializer(serializers.Serializer):
    """Runs side by side, by nats per character on the songs kept aside."""

    verdict = serializers.CharField()
    same_batches = serializers.BooleanField(
        allow_null=True,
        help_text="Whether all read the same batches in the same order; null until all have said which.",
    )
    same_songs = serializers.BooleanField(help_text="Whether all were judged by the same songs.")
    target_loss = serializers.FloatField(allow_null=True)
    entrants = EntrantSerializer(many=True)
    differences = DifferenceSerializer(many=True)
    curves = CurveSerializer(many=True)


class RacingSerializer(serializers.ModelSerializer):
    """One run of a race, in short; GET /runs/{id}/ has all of it."""

    class Meta:
        model = TrainingRun
        fields = ("id", "name", "architecture", "seed", "state", "percent", "parameters", "error")
        read_only_fields = fields

    percent = serializers.IntegerField(read_only=True)


@extend_schema_field(OpenApiTypes.OBJECT)
class BudgetField(serializers.ReadOnlyField):
    """``{"tokens": n}`` or ``{"seconds": s}``."""


class RaceSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username")
    dataset = serializers.CharField(source="dataset_id")
    architectures = serializers.ListField(child=serializers.CharField())
    seeds = serializers.ListField(child=serializers.IntegerField())
    budget = BudgetField()
    promises_equal_batches = serializers.BooleanField(help_text="False for a budget of seconds.")
    config = serializers.DictField(help_text="What all runs share.")
    runs = serializers.SerializerMethodField()

    class Meta:
        model = Race
        fields = (
            *("id", "name", "owner", "visibility", "dataset", "dataset_version", "dataset_hash", "architectures"),
            *("seeds", "budget", "promises_equal_batches", "preset", "config", "runs", "created_at"),
        )
        read_only_fields = fields

    @extend_schema_field(RacingSerializer(many=True))
    def get_runs(self, race: Race) -> list[dict]:
        return RacingSerializer(race.visible_runs, many=True).data


class RaceDetailSerializer(RaceSerializer):
    comparison = serializers.SerializerMethodField()

    class Meta(RaceSerializer.Meta):
        fields = (*RaceSerializer.Meta.fields, "comparison")
        read_only_fields = fields

    @extend_schema_field(RunComparisonSerializer)
    def get_comparison(self, race: Race) -> dict:
        return score_card.as_data(self.context["comparison"])


class StartRaceSerializer(serializers.Serializer):
    """One run for each cell and seed, all with the same budget; every setting left out has the preset's value."""

    dataset = serializers.CharField(help_text="The id of a dataset that is ready.")
    architectures = serializers.ListField(child=serializers.CharField(), help_text="2 to 6 cells.")
    seeds = serializers.ListField(child=serializers.IntegerField(), help_text="1 to 5; at most 20 runs in all.")
    budget = ObjectField(help_text='{"tokens": n}, or {"seconds": s} without the promise of equal batches.')
    preset = serializers.CharField(required=False, allow_blank=True)
    name = serializers.CharField(required=False, allow_blank=True, max_length=NAME_LENGTH)
    config = ObjectField(required=False, help_text="Settings that all share; hidden_size is that of the LSTM.")

    def validate_dataset(self, dataset_id: str) -> Dataset:
        found = Dataset.objects.visible_to(self.context["request"].user).filter(pk=dataset_id).first()
        if found is None:
            raise NotFound("There is no such dataset.")
        return found


class RaceChangeSerializer(serializers.Serializer):
    name = serializers.CharField(required=False, max_length=NAME_LENGTH)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class RaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Races: your own, and what others share."""

    queryset = Race.objects.none()
    serializer_class = RaceSerializer
    lookup_value_regex = "[0-9a-z]+"
    search_fields = ("name", "dataset__name")
    ordering_fields = ("created_at", "name")

    def get_queryset(self):
        user = self.request.user
        runs = TrainingRun.objects.visible_to(user).order_by("queued_at", "pk")
        races = Race.objects.select_related("owner").prefetch_related(Prefetch("runs", runs, to_attr="visible_runs"))
        return races.visible_to(user) if self.request.method in ("GET", "HEAD", "OPTIONS") else races.owned_by(user)

    @extend_schema(
        request=StartRaceSerializer,
        responses={
            202: RaceSerializer,
            404: OpenApiResponse(description="There is no such dataset, or it is not yours."),
            409: OpenApiResponse(description="The dataset is not ready."),
            429: OpenApiResponse(description="As many of your runs wait as may."),
        },
    )
    def create(self, request):
        """Put one run for each cell and seed into the line."""
        asked = StartRaceSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        race = services.start_race(
            owner=request.user,
            **{name: values[name] for name in ("dataset", "architectures", "seeds", "budget")},
            preset=values.get("preset") or None,
            name=values.get("name", ""),
            overrides=values.get("config"),
        )
        return self._accepted(race)

    @extend_schema(
        parameters=[FORMAT, TABLE, LOSS],
        responses={(200, "application/json"): RaceDetailSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def retrieve(self, request, pk: str):
        """The race with its comparison."""
        race = self.get_object()
        compared = compared_for(request, race.visible_runs)
        if wants_csv(request):
            return csv_of(request, compared, race.name)
        context = self.get_serializer_context() | {"comparison": compared}
        return Response(RaceDetailSerializer(race, context=context).data)

    @extend_schema(request=RaceChangeSerializer, responses=RaceSerializer)
    def partial_update(self, request, pk: str):
        """Change name or visibility; its runs are shared, and taken back, with it."""
        race = self.get_object()
        changes = RaceChangeSerializer(data=request.data)
        changes.is_valid(raise_exception=True)
        services.update_race(race=race, **changes.validated_data)
        return Response(RaceSerializer(self.get_queryset().get(pk=race.pk)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk: str):
        """Delete a race; its runs stay, and those that wait or learn go on."""
        services.delete_race(race=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_renderers(self):
        renderers = super().get_renderers()
        return [*renderers, CsvRenderer()] if self.action == "retrieve" else renderers

    @extend_schema(
        request=None,
        responses={202: RaceSerializer, 409: OpenApiResponse(description="All of its runs have ended.")},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk: str):
        """Cancel what waits at once, have what runs stopped within seconds."""
        return self._accepted(services.cancel_race(race=self.get_object(), by=request.user))

    def _accepted(self, race: Race) -> Response:
        location = self.request.build_absolute_uri(reverse("race-api-detail", args=[race.pk]))
        data = RaceSerializer(self.get_queryset().get(pk=race.pk)).data
        return Response(data, status.HTTP_202_ACCEPTED, headers={"Location": location})


class CompareRunsView(APIView):
    """Two to ten runs side by side."""

    renderer_classes = (JSONRenderer, CsvRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter("run", RUNS, required=True, description="The id of a run; two to ten of them."),
            *(FORMAT, TABLE, LOSS),
        ],
        responses={(200, "application/json"): RunComparisonSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request):
        asked = list(dict.fromkeys(pk for pk in request.query_params.getlist("run") if "\0" not in pk))
        if not comparison.FEWEST_RUNS <= len(asked) <= comparison.MOST_RUNS:
            raise ValidationError({"run": [f"Name {comparison.FEWEST_RUNS} to {comparison.MOST_RUNS} runs."]})
        runs = TrainingRun.objects.visible_to(request.user).filter(pk__in=asked)
        if len(runs) < len(asked):
            raise NotFound("There is no such run.")
        compared = compared_for(request, runs)
        if wants_csv(request):
            return csv_of(request, compared, "comparison")
        return Response(score_card.as_data(compared))


def compared_for(request, runs) -> comparison.Comparison:
    """The comparison that a request asks for. Raises: ValidationError for a loss or a table that can't be one."""
    written = request.query_params.get("loss", "")
    loss = comparison.loss_from(written)
    if written and loss is None:
        raise ValidationError({"loss": ["This has to be a number above 0 and below 100."]})
    asked_table(request)
    return comparison.compare(runs, target_loss=loss)


def asked_table(request) -> str:
    """The name of the table that is asked for. Raises: ValidationError for one that there is not."""
    table = request.query_params.get("table") or TABLES[0]
    if table not in TABLES:
        raise ValidationError({"table": [f"This must be one of {', '.join(TABLES)}."]})
    return table


def csv_of(request, compared: comparison.Comparison, name: str) -> HttpResponse:
    """The table that a request asks for, as a download."""
    if asked_table(request) == "curves":
        text = exports.csv_text(score_card.CURVE_COLUMNS, score_card.curve_rows(compared))
    else:
        text = exports.csv_text(*score_card.score_table(compared))
    return exports.csv_download(text, f"{name} {asked_table(request)}")
