"""The gradient reach while a network learns: one look at each judgement, a fraction of a second each."""

import logging
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from training import lifecycle
from training.language_model.corpus import Corpus
from training.language_model.probes.gradient_reach import choose_windows, gradient_reach, reach_of
from training.language_model.reports import Evaluated

logger = logging.getLogger(__name__)


class ReachLooks:
    """Looks at the network of each judgement and writes down how far its gradient reaches.

    They explain a run and are no part of it: what the database does not take now is left out.
    """

    def __init__(self, run_id: str, token: UUID, corpus: Corpus) -> None:
        self.run_id, self.token = run_id, token
        self.windows = choose_windows(corpus.validation.songs)

    def look(self, report: Evaluated) -> None:
        if not self.windows.shape[1]:
            return
        norms = gradient_reach(report.network, self.windows)
        seen = {"step": report.step, "epoch": report.epoch, "reach": reach_of(norms)}
        seen["norms"] = [float(f"{norm:.4g}") for norm in norms]
        try:
            lifecycle.keep_look(self.run_id, self.token, seen)
        except (OperationalError, InterfaceError) as problem:
            logger.warning("run %s: no gradient reach at step %d (%s)", self.run_id, report.step, problem)
            connection.close()  # the next one opens another
