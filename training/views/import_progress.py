"""The steps of an import, and which of them it has reached."""

from dataclasses import dataclass

from training.models import Import

Phase = Import.Phase
STEPS = {
    Phase.GATHERING: "Gather the songs",
    Phase.READING: "Read the file",
    Phase.COMPARING: "Look for copies",
    Phase.INDEXING: "Make them searchable",
    Phase.COUNTING: "Count",
}
# The options without which a phase is left out.
OPTIONS_OF = {Phase.COMPARING: ("duplicates", "near_duplicates"), Phase.INDEXING: ("full_text",)}


@dataclass(frozen=True)
class Step:
    name: str
    is_done: bool
    is_current: bool


def steps_of(job: Import) -> list[Step]:
    """Every step on the import's way; the first is the current one until a worker says otherwise."""
    phases = [phase for phase in Phase if _is_on_the_way(phase, job)]
    current = phases.index(job.phase) if job.phase in phases else 0
    return [Step(STEPS[phase], place < current, place == current) for place, phase in enumerate(phases)]


def _is_on_the_way(phase: str, job: Import) -> bool:
    if phase == Phase.GATHERING:
        return bool(job.recipe)
    return phase not in OPTIONS_OF or any(job.options.get(option, True) for option in OPTIONS_OF[phase])
