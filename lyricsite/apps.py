from django.apps import AppConfig


class LyricsiteConfig(AppConfig):
    name = "lyricsite"
