"""One sweep by hand: what the workers' timers do every few seconds."""

from django.core.management.base import BaseCommand

from training import tasks


class Command(BaseCommand):
    help = "Take back runs and imports whose worker vanished, and ring for those that wait unheard."

    def handle(self, **options) -> None:
        done = tasks.reconcile_and_ring(at_once=True)
        self.stdout.write(str(done) if done else "Nothing was amiss.")
