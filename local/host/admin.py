"""`/admin/host/status`, which only this host has in this form, and running a timer by hand, as in Azure."""

import asyncio
import json
from http import HTTPStatus
from urllib.parse import unquote

from aiohttp import web

from local.host.bindings import HostedFunction
from local.host.http import Keys
from local.host.invocation import Activity
from local.host.timers import TimerListener

PREFIX = "/admin/"
_LOOPBACK = ("127.0.0.1", "::1")


class Admin:
    """Answers everything below `/admin/`."""

    def __init__(
        self, functions: list[HostedFunction], timers: dict[str, TimerListener], activity: Activity, keys: Keys
    ) -> None:
        self._names = [function.name for function in functions]
        self._timers = timers
        self._activity = activity
        self._keys = keys
        self._runs: set[asyncio.Task[None]] = set()
        self.state = "running"

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request. The status needs no key from this machine; the rest needs the master key."""
        path = request.rel_url.raw_path
        is_status = request.method == "GET" and path == f"{PREFIX}host/status"
        if not (is_status and request.remote in _LOOPBACK) and not self._keys.allow("admin", request):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        if is_status:
            return self._status()
        if request.method == "POST" and path.startswith(f"{PREFIX}functions/"):
            return self._run(unquote(path.removeprefix(f"{PREFIX}functions/")))
        return web.Response(status=HTTPStatus.NOT_FOUND)

    def _status(self) -> web.Response:
        """`running` counts invocations from receipt to delete or checkpoint; 0 with empty queues means idle."""
        activity = self._activity
        body = {
            "state": self.state,
            "functions": self._names,
            "running": activity.running,
            "completed": activity.completed,
            "failed": activity.failed,
        }
        return web.Response(text=json.dumps(body), content_type="application/json")

    def _run(self, name: str) -> web.Response:
        timer = self._timers.get(name)
        if timer is None:
            known = name in self._names
            return web.Response(status=HTTPStatus.BAD_REQUEST if known else HTTPStatus.NOT_FOUND)
        task = asyncio.create_task(timer.run())
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        return web.Response(status=HTTPStatus.ACCEPTED)
