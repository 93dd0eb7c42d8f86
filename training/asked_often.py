"""Questions to the database that each request asks: their SQL is worked out once."""

from collections.abc import Callable
from functools import cached_property

from django.db.models import Model, QuerySet


class AskedOften:
    """A question of one form with ever other values; to work it out costs five times as much as its answer.

    ``question`` makes it as a queryset, once, from the ``marks``: values of the right types that stand for what is
    asked later, and that nothing else in the question equals. Rows come without what it selects of other tables.
    """

    def __init__(self, question: Callable[..., QuerySet], **marks: str | int) -> None:
        self._question, self._marks = question, marks

    def first(self, **values: str | int) -> Model | None:
        """The first row, or None. ``values`` are those that `marks` stand for, by the same names."""
        model, sql, params = self._worked_out
        params = [constant if name is None else values[name] for name, constant in params]
        return next(iter(model._base_manager.raw(sql, params)), None)

    @cached_property
    def _worked_out(self) -> tuple[type[Model], str, list[tuple[str | None, object]]]:
        queryset = self._question(**self._marks)[:1]
        sql, params = queryset.query.sql_with_params()
        of_mark = {mark: name for name, mark in self._marks.items()}
        return queryset.model, sql, [(of_mark.get(param), param) for param in params]
