"""What a handler gets as its `context` parameter and its `Out` parameters; the library leaves both to the worker."""

import threading
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import azure.functions as func

T = TypeVar("T")


class Out(func.Out[T], Generic[T]):
    """Holds what a handler sets for one output; unset outputs write nothing."""

    def __init__(self) -> None:
        self._value: T | None = None

    def set(self, val: T) -> None:
        """Keep `val`; a later value replaces it."""
        self._value = val

    def get(self) -> T | None:  # type: ignore[override] # the library's own worker returns None before set() too
        """Return what was set."""
        return self._value


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context of the call, when the caller sent one. Capital names: the worker offers both spellings."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def Traceparent(self) -> str:  # noqa: N802 # the worker's own name
        """Same as `trace_parent`."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 # the worker's own name
        """Same as `trace_state`."""
        return self.trace_state


@dataclass(frozen=True, slots=True)
class RetryContext:
    """How often this call was made before; `max_retry_count` is -1 for a policy without end."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = None


@dataclass(frozen=True, slots=True)
class Context:
    """One invocation, as `azure.functions.Context` describes it."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext
    thread_local_storage: threading.local
