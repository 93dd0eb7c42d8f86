"""How a request is answered: by one thread, in one go; a stream then goes out from the event loop.

Django's own handler makes a thread for each request and moves between it and the event loop five times: for the
signals, the middleware, the view and the end. Here the middleware and the view run inside one another, as they would
under WSGI, so that a request costs one change of threads.
"""

import asyncio
import threading
from contextlib import closing, suppress

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from lyricsite.threads import Threads


class OneThreadHandler(ASGIHandler):
    """The site for an ASGI server. A view may ask whether ``request.has_left`` is set: then nobody waits any more."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads("request")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope, receive, send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body):
            request, refusal = self.create_request(scope, body)
            if request is None:
                await self.send_response(refusal, send)
                return
            request.has_left, request.stream = threading.Event(), None
            leaving = asyncio.ensure_future(self._leaving(receive))
            answering = asyncio.ensure_future(self._answer(request, send))
            try:
                await asyncio.wait([leaving, answering], return_when=asyncio.FIRST_COMPLETED)
                if not answering.done() and request.stream is not None:
                    _close(request.stream)  # before its events have ended: who leaves may be back at once
            finally:
                leaving.cancel()
                answering.cancel()
                await asyncio.wait([leaving, answering])
            with suppress(asyncio.CancelledError):  # the client has left
                answering.result()

    async def _leaving(self, receive) -> None:
        """Until the client has gone."""
        with suppress(RequestAborted):
            await self.listen_for_disconnect(receive)

    async def _answer(self, request: HttpRequest, send) -> None:
        response = await self._response_to(request)
        if response.streaming and response.is_async:
            request.stream = response
        try:
            await self.send_response(response, send)
        finally:
            await self._end(response)

    async def _response_to(self, request: HttpRequest) -> HttpResponseBase:
        """What the site answers. If the client leaves before, the request is told, and its answer is thrown away."""
        responding = asyncio.ensure_future(self._threads.run(self._respond, request))
        try:
            return await asyncio.shield(responding)
        except asyncio.CancelledError:
            request.has_left.set()
            response = await responding  # it reads the body, which must stay open until then
            await self._end(response)
            raise

    async def _end(self, response: HttpResponseBase) -> None:
        """Give back what a stream took. One that comes from this loop waits for nothing, so that needs no thread."""
        if not response.streaming:
            return
        if response.is_async:
            _close(response)
        else:
            await self._threads.run(response.close)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        """The whole answer, in this thread. What it took is given back, but for what a stream still reads from."""
        set_script_prefix(get_script_prefix(request.scope))
        signals.request_started.send(sender=self.__class__, scope=request.scope)
        response = self.get_response(request)
        response._handler_class = self.__class__
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if response.streaming:
            close_old_connections()
        else:
            response.close()
        return response


def _close(response: HttpResponseBase) -> None:
    if not response.closed:
        response.close()
