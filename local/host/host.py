"""Puts the parts together: indexed functions, a listener for each trigger, one HTTP server; starts and stops them."""

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from local.host.admin import PREFIX, Admin
from local.host.application import load_functions
from local.host.bindings import HostedFunction, index
from local.host.changefeed import FeedListener
from local.host.configuration import HostJson, HostOptions, QueueOptions
from local.host.http import HttpTriggers, Keys
from local.host.invocation import Activity, Invoker
from local.host.listener import Listener
from local.host.outputs import OutputWriter
from local.host.queues import QueueListener
from local.host.storage import QueueClients
from local.host.timers import TimerListener

log = logging.getLogger("local.host")

_HEADER_BYTES = 32 * 1024
_CLOSE_SECONDS = 1.0


class Host:
    """One running app. Making it checks everything that can be checked without a store; Misconfigured says what fails.

    Needs a running event loop.
    """

    def __init__(self, root: Path, host_json: HostJson, options: HostOptions) -> None:
        self.functions = [index(function) for function in load_functions(root)]
        self._options = options
        self._activity = Activity()
        self._clients = QueueClients()
        outputs = OutputWriter(self._clients, host_json.extensions.queues.message_encoding)
        invokers = [
            Invoker(function, self._activity, outputs, timeout=host_json.function_timeout, root=root)
            for function in self.functions
        ]
        listened = [] if options.only_http else invokers
        self._listeners = _listeners(listened, self._clients, host_json.extensions.queues, options)
        keys = Keys(options.function_key, options.master_key)
        self._http = HttpTriggers(
            [invoker for invoker in invokers if invoker.function.trigger == "httpTrigger"],
            keys,
            prefix=host_json.extensions.http.route_prefix,
            body_limit=options.max_body_bytes,
        )
        timers = {each.function: each for each in self._listeners if isinstance(each, TimerListener)}
        self._admin = Admin(self.functions, timers, self._activity, keys)
        self._runner: web.ServerRunner | None = None

    async def start(self, address: str, port: int) -> int:
        """Listen on `address` and start every trigger; return the port, which the system chose when it was 0."""
        server = web.Server(self._answer, access_log=None, auto_decompress=False, max_field_size=_HEADER_BYTES)
        self._runner = web.ServerRunner(server, shutdown_timeout=_CLOSE_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, address, port)
        await site.start()
        for listener in self._listeners:
            listener.start()
        self._warn()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no more work, let what runs finish for `drain_seconds`, then abandon it and close everything."""
        self._admin.state = "stopping"
        for site in list(self._runner.sites) if self._runner else []:
            await site.stop()
        stops = [asyncio.create_task(listener.stop()) for listener in self._listeners]
        idle = asyncio.create_task(self._activity.wait_idle())
        _, late = await asyncio.wait({*stops, idle}, timeout=self._options.drain_seconds)
        if late and self._activity.running:
            log.warning("%d invocations did not finish in time and are abandoned", self._activity.running)
        for task in late:
            task.cancel()
        await asyncio.gather(*(listener.abandon() for listener in self._listeners))
        if self._runner is not None:
            await self._runner.cleanup()
        await self._clients.close()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.rel_url.raw_path.startswith(PREFIX):
            return await self._admin.answer(request)
        if self._admin.state != "running":
            response = web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
            response.force_close()
            return response
        return await self._http.answer(request)

    def _warn(self) -> None:
        for function in self.functions:
            if function.retry and function.trigger in ("httpTrigger", "queueTrigger"):
                log.warning("%s: a retry policy does nothing on a %s", function.name, function.trigger)
        levels = {str(function.settings.get("authLevel", "")).lower() for function in self.functions}
        if "function" in levels and not (self._options.function_key or self._options.master_key):
            log.warning("LOCAL_HOST_FUNCTION_KEY is not set: routes that need a key answer 401")


def _listeners(
    invokers: Sequence[Invoker], clients: QueueClients, queues: QueueOptions, options: HostOptions
) -> list[Listener]:
    listeners: list[Listener] = []
    for invoker in invokers:
        match invoker.function.trigger:
            case "queueTrigger":
                listeners.append(QueueListener(invoker, clients, queues, options))
            case "cosmosDBTrigger":
                listeners.append(FeedListener(invoker, options))
            case "timerTrigger":
                listeners.append(TimerListener(invoker))
            case _:
                pass
    return listeners


def describe(function: HostedFunction) -> str:
    """Return one line for the list at start: name, trigger and what it listens to."""
    settings = function.settings
    detail = {
        "httpTrigger": f"{','.join(settings.get('methods') or ['ANY'])} {settings.get('route')}",
        "queueTrigger": settings.get("queueName"),
        "cosmosDBTrigger": f"{settings.get('databaseName')}/{settings.get('containerName')}",
        "timerTrigger": settings.get("schedule"),
    }[function.trigger]
    return f"{function.name}: {function.trigger} {detail}"
