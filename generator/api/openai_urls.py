"""Addresses that OpenAI's clients know, below ``/v1/``."""

from django.urls import path

from generator.api.openai import CompletionsView, ModelsView, ModelView

urlpatterns = [
    path("models", ModelsView.as_view(), name="openai-models"),
    path("models/<path:model>", ModelView.as_view(), name="openai-model"),
    path("completions", CompletionsView.as_view(), name="openai-completions"),
]
