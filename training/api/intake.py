"""The gate before the workers, for programs."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from training import lifecycle
from training.services import operations as services


class IntakeSerializer(serializers.Serializer):
    open = serializers.BooleanField(source="is_open", help_text="Whether workers take runs and imports.")
    reason = serializers.CharField(help_text="Why it is closed, if somebody said so.")
    changed_by = serializers.CharField(help_text="Empty while nobody has ever changed it.")
    changed_at = serializers.DateTimeField(allow_null=True)


class SetIntakeSerializer(serializers.Serializer):
    open = serializers.BooleanField()
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=300, help_text="What those who wait are told."
    )


class IntakeView(APIView):
    """Whether workers take what waits: everyone may know, staff may change it."""

    def get_permissions(self) -> list:
        return [IsAuthenticated() if self.request.method in SAFE_METHODS else IsAdminUser()]

    @extend_schema(responses=IntakeSerializer)
    def get(self, request):
        return Response(IntakeSerializer(lifecycle.intake()).data)

    @extend_schema(request=SetIntakeSerializer, responses=IntakeSerializer)
    def put(self, request):
        """Open or close it. New runs and imports are accepted all the same, and what runs goes on."""
        asked = SetIntakeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["open"]:
            gate = services.open_intake(by=request.user)
        else:
            gate = services.close_intake(by=request.user, reason=asked.validated_data.get("reason", ""))
        return Response(IntakeSerializer(gate).data)
