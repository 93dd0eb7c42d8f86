from django.apps import AppConfig


class LyricsiteConfig(AppConfig):
    name = "lyricsite"
    verbose_name = "People and tokens"
