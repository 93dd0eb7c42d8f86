"""Every setting of a training in groups, as pages list them."""

from training.language_model.config import FIELDS

GROUPS = {
    "network": "The network",
    "text": "What it reads",
    "learning": "How it learns",
    "duration": "How long",
    "validation": "How it is judged",
    "samples": "What it writes meanwhile",
    "machine": "The machine",
}
FACTS = {
    "songs": "Songs",
    "songs_kept_aside": "Songs kept aside",
    "songs_kept_for_test": "Songs kept for the last test",
    "train_tokens": "Tokens to learn from",
    "vocabulary_size": "Tokens it tells apart",
    "precision": "Precision",
    "device": "Device",
    "device_reason": "Why that device",
    "allocator": "Memory from",
}
WORDS = {True: "yes", False: "no", None: "–", "": "–"}


def setting_title(name: str) -> str:
    """Return how a setting is called on a page: ``hidden_size`` is "Hidden size"."""
    return name.replace("_", " ").capitalize()


def setting_word(value) -> str:
    """Return a value as a page says it: yes, 0.002, 10,000."""
    if value is None or value == "" or isinstance(value, bool):
        return WORDS[value]
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def settings_in_groups(config: dict) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each group's title with the names and values of its settings, in the order of the config."""
    groups: dict[str, list[tuple[str, str]]] = {title: [] for title in GROUPS.values()}
    for name, value in config.items():
        group = FIELDS[name].metadata["group"] if name in FIELDS else "machine"
        word = setting_word(value) if name != "seed" else str(value)
        groups.setdefault(GROUPS.get(group, group.capitalize()), []).append((setting_title(name), word))
    return [(title, pairs) for title, pairs in groups.items() if pairs]


def facts_in_words(facts: dict) -> list[tuple[str, str]]:
    """Return what a worker found out about a run as names and values for a page."""
    return [(title, setting_word(facts[name])) for name, title in FACTS.items() if facts.get(name) not in (None, "")]
