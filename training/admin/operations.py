"""The operators' page: who works, what waits, what failed; to close the gate and to send a worker home."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from training import operations
from training.errors import ExpectedError
from training.models import Worker
from training.services import operations as services


@admin.register(Worker)
class WorkerAdmin(ModelAdmin):
    """Workers say of themselves that they live: nothing here is written by hand."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_urls(self) -> list:
        return [
            path("", self.admin_site.admin_view(self.show), name="training_worker_changelist"),
            path("intake/", self.admin_site.admin_view(require_POST(self.set_intake)), name="training_intake_set"),
            path(
                "<path:name>/drain/", self.admin_site.admin_view(require_POST(self.drain)), name="training_worker_drain"
            ),
        ]

    def show(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Operations",
            "overview": operations.overview(),
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "admin/training/operations.html", context)

    def set_intake(self, request: HttpRequest) -> HttpResponse:
        self._refuse_readers(request)
        if request.POST.get("open") == "yes":
            services.open_intake(by=request.user)
            messages.success(request, "Workers take runs and imports again.")
        else:
            services.close_intake(by=request.user, reason=request.POST.get("reason", ""))
            messages.success(request, "Workers take nothing new. What runs goes on.")
        return redirect("admin:training_worker_changelist")

    def drain(self, request: HttpRequest, name: str) -> HttpResponse:
        self._refuse_readers(request)
        worker = get_object_or_404(Worker, pk=name)
        try:
            services.drain_worker(worker=worker, by=request.user)
            messages.success(request, f"{name} hands back what it holds and ends. It stays down until it is started.")
        except ExpectedError as refusal:
            messages.warning(request, refusal.message)
        return redirect("admin:training_worker_changelist")

    def _refuse_readers(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied
