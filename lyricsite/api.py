"""The site's own doors for programs: tokens, and what Prometheus reads."""

from django.contrib.auth import authenticate
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from lyricsite import metrics
from lyricsite.models import ApiToken
from lyricsite.sign_in_limit import TooManyTries
from training.api.parsers import JSONParser
from training.errors import LimitReached


@extend_schema_serializer(component_name="Token")
class TokenRequest(serializers.Serializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=100, required=False, default="token")
    scope = serializers.ChoiceField(choices=ApiToken.Scope.choices, required=False, default=ApiToken.Scope.WRITE)


class TokenAnswer(serializers.Serializer):
    token = serializers.CharField(help_text="Shown this once; only its hash is kept.")
    name = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TokensView(APIView):
    """A user name and password for a bearer token."""

    parser_classes = (JSONParser, FormParser)  # a form too: it is what `curl -d` sends
    authentication_classes = ()
    permission_classes = ()

    def get_authenticate_header(self, request) -> str:
        return 'Bearer realm="api"'

    @extend_schema(request=TokenRequest, responses={201: TokenAnswer}, operation_id="tokens_create", auth=[])
    def post(self, request):
        asked = TokenRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        try:
            user = authenticate(request, username=wanted["username"], password=wanted["password"])
        except TooManyTries as refusal:
            raise LimitReached(refusal.message, retry_seconds=refusal.retry_seconds) from refusal
        if user is None:
            raise AuthenticationFailed("This user name and password don't belong together.")
        row, token = ApiToken.issue(user=user, name=wanted["name"], scope=wanted["scope"])
        answer = {"token": token, "name": row.name, "expires_at": row.expires_at}
        return Response(TokenAnswer(answer).data, status=status.HTTP_201_CREATED)


class MetricsView(APIView):
    """For Prometheus: a staff member's session or token."""

    permission_classes = (IsAdminUser,)

    @extend_schema(exclude=True)
    def get(self, request):
        return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)
