"""Runs a handler: arguments through the library's converters, return value and outputs back through them."""

import asyncio
import contextvars
import inspect
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from local.host.bindings import RETURN, HostedFunction, Output
from local.host.context import Context, Out, RetryContext, TraceContext
from local.host.outputs import OutputWriter, Result

log = logging.getLogger("local.host")


@dataclass(slots=True)
class Activity:
    """Counts what runs, so that a stop can wait for it and a caller can see that the pipeline is idle."""

    running: int = 0
    completed: int = 0
    failed: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Count a piece of work, from its receipt to the end of what follows the handler (delete, checkpoint)."""
        self.running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.running -= 1
            if not self.running:
                self._idle.set()

    async def wait_idle(self) -> None:
        """Return when nothing runs."""
        await self._idle.wait()


@dataclass(frozen=True, slots=True)
class Call:
    """What triggered one invocation: the trigger's value and metadata in the converters' form."""

    data: Datum
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    trace: TraceContext = field(default_factory=TraceContext)
    retry: RetryContext = field(default_factory=RetryContext)


class Invoker:
    """Runs the handler of one function; converters are looked up once."""

    def __init__(
        self, function: HostedFunction, activity: Activity, outputs: OutputWriter, *, timeout: timedelta, root: Path
    ) -> None:
        self.function = function
        self.activity = activity
        self._outputs = outputs
        self._timeout = timeout.total_seconds() if timeout > timedelta(0) else None
        self._root = str(root)
        registry = get_binding_registry()
        self._decode = registry.get(function.trigger).decode
        self._encode = {output.name: registry.get(output.kind).encode for output in function.outputs}
        self._parameters = tuple(output.name for output in function.outputs if output.name != RETURN)

    async def run(self, call: Call) -> Result:
        """Run the handler once; what it raises comes through, TimeoutError when it takes longer than host.json allows.

        TypeError for what the worker refuses: a returned coroutine, a value without `$return`, a value of a wrong type.
        """
        invocation = str(uuid.uuid4())
        arguments: dict[str, Any] = {self.function.parameter: self._argument(call)}
        outs: dict[str, Out[Any]] = {name: Out() for name in self._parameters}
        arguments.update(outs)
        if self.function.wants_context:
            arguments["context"] = self._context(call, invocation)
        log.debug("%s started (%s)", self.function.name, invocation)
        async with asyncio.timeout(self._timeout):
            value = await self._call(arguments)
        log.debug("%s succeeded (%s)", self.function.name, invocation)
        return self._result(value, outs)

    async def perform(self, call: Call) -> Result | None:
        """Run the handler and write its queue outputs; None and a logged traceback when either failed."""
        try:
            result = await self.run(call)
            await self._outputs.write(result)
        except (Exception, asyncio.CancelledError) as error:  # foreign code: whatever it raises is its failure
            # A cancellation of ours goes on; one that leaked out of the handler is a failure like any other.
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            self.activity.failed += 1
            log.exception("%s failed", self.function.name)
            return None
        self.activity.completed += 1
        return result

    async def _call(self, arguments: dict[str, Any]) -> Any:
        handler = self.function.handler
        if self.function.is_async:
            return await handler(**arguments)
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        value = await loop.run_in_executor(None, lambda: context.run(handler, **arguments))
        if inspect.iscoroutine(value):
            value.close()
            raise TypeError(f"{self.function.name} returned a coroutine: a sync wrapper hides an async handler")
        return value

    def _argument(self, call: Call) -> Any:
        wanted = self.function.raw_type
        if wanted is None:
            return self._decode(call.data, trigger_metadata=call.metadata)
        raw: str | bytes = call.data.value
        if wanted is bytes:
            return raw.encode() if isinstance(raw, str) else raw
        return raw.decode() if isinstance(raw, bytes) else raw

    def _context(self, call: Call, invocation: str) -> Context:
        return Context(
            invocation_id=invocation,
            function_name=self.function.name,
            function_directory=self._root,
            trace_context=call.trace,
            retry_context=call.retry,
            thread_local_storage=threading.local(),
        )

    def _result(self, value: Any, outs: Mapping[str, Out[Any]]) -> Result:
        if self.function.returned is None and value is not None:
            raise TypeError(f"{self.function.name} has no $return binding but returned a {type(value).__name__}")
        held = (
            (output, value if output.name == RETURN else outs[output.name].get()) for output in self.function.outputs
        )
        return Result(tuple((output, self._encoded(output, each)) for output, each in held if each is not None))

    def _encoded(self, output: Output, value: Any) -> Datum:
        try:
            datum: Datum = self._encode[output.name](value, expected_type=None)
        except NotImplementedError as error:
            raise TypeError(f"{self.function.name}: {output.name} can't be a {type(value).__name__}") from error
        return datum
