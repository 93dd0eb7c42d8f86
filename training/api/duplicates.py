"""Groups of copies, for programs: look at them, take them back."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from training.api.songs import VERSION, InOneDataset, asked_version
from training.api.versions import VersionSerializer
from training.models import Song
from training.services import duplicates as services


class CopySerializer(serializers.ModelSerializer):
    class Meta:
        model = Song
        fields = ("id", "ordinal", "title", "artist", "line_count", "word_count", "character_count", "excluded_as")


class DuplicateGroupSerializer(serializers.Serializer):
    group = serializers.CharField(help_text="To be named when the group is taken back.")
    songs_count = serializers.IntegerField()
    copies_count = serializers.IntegerField(help_text="How many are left out as copies; 0 after they were taken back.")
    songs = CopySerializer(many=True, help_text="At most 50 of them, the one that stays in use first.")


class DuplicatesView(InOneDataset, generics.ListAPIView):
    """Songs that are copies of each other, most copies first."""

    queryset = Song.objects.none()
    serializer_class = DuplicateGroupSerializer
    filter_backends = ()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        self.dataset = self.get_dataset()
        self.version = asked_version(self.request, self.dataset)
        return services.duplicate_groups(dataset=self.dataset, version=self.version)

    @extend_schema(parameters=[VERSION])
    def get(self, request, *args, **kwargs):
        groups = self.paginate_queryset(self.get_queryset())
        names = [group["duplicate_group"] for group in groups]
        songs = services.songs_of_groups(self.dataset, names, version=self.version)
        rows = [
            {
                "group": group["duplicate_group"],
                "songs_count": group["songs"],
                "copies_count": group["copies"],
                "songs": songs[group["duplicate_group"]],
            }
            for group in groups
        ]
        return self.get_paginated_response(DuplicateGroupSerializer(rows, many=True).data)


class RestoreDuplicatesView(InOneDataset, APIView):
    """The way back for a group of copies."""

    @extend_schema(request=None, responses=VersionSerializer)
    def post(self, request, dataset_id: str, group: str):
        """Take the copies of a group back into use: answers with the next version; 409 if none is left out."""
        dataset = self.get_dataset()
        if not services.duplicate_groups(dataset=dataset).filter(duplicate_group=group).exists():
            raise Http404
        version = services.restore_group(dataset=dataset, group=group, by=request.user)
        return Response(VersionSerializer(version).data)
