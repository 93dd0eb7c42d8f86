"""HTTP as uvicorn speaks it, with an end for clients that do not read, and a word to streams when the server ends."""

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from training.streaming import end_watching


class PatientProtocol(HttpToolsProtocol):
    """Waits for slow clients, not for deaf ones: who takes nothing for ``settings.UNREAD_SECONDS`` is cut off.

    That begins when 64 KiB wait here and the system's buffers are full. The writer of the answer waits meanwhile, so
    what lies here for one client is bounded. A plain close would wait for the client to take the rest, which is what
    it does not do.
    """

    _cut_off = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cut_off = self.loop.call_later(settings.UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._keep()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends. Streams of progress end with it at once, and their readers come back to the next one."""
        super().shutdown()
        end_watching()

    def _keep(self) -> None:
        if self._cut_off is not None:
            self._cut_off.cancel()
            self._cut_off = None
