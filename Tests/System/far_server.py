"""A server that nodes ask: each path has a handler, a coroutine over aiohttp's request, and what was asked is remembered."""

import asyncio
import contextlib
import threading

from aiohttp import web


class FarServer:
    """Runs on a thread of its own, on a free port of loopback."""

    def __init__(self, handlers, ssl_context=None):
        self.handlers = handlers
        self.requests = []
        self.scheme = "https" if ssl_context else "http"
        self._ssl_context = ssl_context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = None
        self.port = self._call(self._start())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self):
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._ssl_context, backlog=4096)
        await site.start()
        return site._server.sockets[0].getsockname()[1]

    async def _handle(self, request):
        self.requests.append((request, await request.read()))
        return await self.handlers[request.path.split("/")[1]](request)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def asked(self, name):
        """The requests to a handler so far, each with its body."""
        return [(request, body) for request, body in self.requests if request.path.split("/")[1] == name]

    async def _end(self):
        # What a handler still waits for never comes.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._runner.cleanup()

    def stop(self):
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class RawServer:
    """Says bytes to each connection: `speak` is a coroutine over the writer, behind the head of a request."""

    def __init__(self, speak):
        self._speak = speak
        self._speaking = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(30)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader, writer):
        self._speaking.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await self._speak(writer)
        writer.close()

    async def _end(self):
        self._server.close()
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
