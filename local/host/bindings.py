"""A function as the host sees it: trigger, outputs and the parameters its handler takes, checked before it runs."""

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.host.configuration import check_connection, resolve
from local.host.retry import RetryPolicy, parse_retry
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from azure.functions import Function

TRIGGERS = ("httpTrigger", "queueTrigger", "cosmosDBTrigger", "timerTrigger")
OUTPUTS = ("http", "queue")
RETURN = "$return"
_IN, _OUT = 0, 1

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """One output binding; `settings` are those of function.json, in camelCase."""

    name: str
    kind: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class HostedFunction:
    """One function, ready to run: names resolved, handler checked. `settings` are those of its trigger."""

    name: str
    trigger: str
    parameter: str
    settings: Settings
    outputs: tuple[Output, ...]
    handler: Callable[..., Any]
    is_async: bool
    wants_context: bool
    raw_type: type | None
    retry: RetryPolicy | None

    @property
    def returned(self) -> Output | None:
        """The output that the handler's return value goes to."""
        return next((output for output in self.outputs if output.name == RETURN), None)


def index(function: "Function") -> HostedFunction:
    """Check one function of the app as the worker and the host do at start; Misconfigured names function and fault."""
    name = function.get_function_name() or ""
    try:
        return _index(name, function)
    except Misconfigured as error:
        raise Misconfigured(f"function {name}: {error}") from error


def _index(name: str, function: "Function") -> HostedFunction:
    declared = [json.loads(text) for text in function.get_raw_bindings()]
    trigger = next(each for each in declared if str(each["type"]).lower().endswith("trigger"))
    if trigger["type"] not in TRIGGERS:
        raise Misconfigured(f"trigger type {trigger['type']} is not known to the local host")
    for binding in declared:
        if binding is not trigger and binding["type"] not in OUTPUTS:
            raise Misconfigured(f"binding type {binding['type']} ({binding['name']}) is not known to the local host")
    handler = function.get_user_function()
    _refuse_hidden_coroutine(handler)
    outputs = tuple(Output(each["name"], each["type"], _resolved(each)) for each in declared if each is not trigger)
    signature = _Signature.of(handler)
    wants_context = signature.check({trigger["name"], *(output.name for output in outputs)} - {RETURN})
    signature.check_outputs([output.name for output in outputs if output.name != RETURN])
    return HostedFunction(
        name=name,
        trigger=trigger["type"],
        parameter=trigger["name"],
        settings=_resolved(trigger),
        outputs=outputs,
        handler=handler,
        is_async=inspect.iscoroutinefunction(handler),
        wants_context=wants_context,
        raw_type=signature.raw_type(trigger["name"], trigger["type"]),
        retry=parse_retry(function.get_settings_dict("retry_policy")),
    )


def _resolved(binding: Settings) -> dict[str, Any]:
    """Replace `%NAME%` in every text and check that the named connections exist."""
    settings = {key: resolve(value) if isinstance(value, str) else value for key, value in binding.items()}
    for key in ("connection", "leaseConnection"):
        if settings.get(key):
            check_connection(settings[key])
    return settings


def _refuse_hidden_coroutine(handler: Callable[..., Any]) -> None:
    # The worker asks the outermost function: it would run this one in a thread and get a coroutine back, every call.
    if not inspect.iscoroutinefunction(handler) and inspect.iscoroutinefunction(inspect.unwrap(handler)):
        raise Misconfigured("a sync wrapper hides an async handler; make the decorator's wrapper async too")


@dataclass(frozen=True, slots=True)
class _Signature:
    parameters: Mapping[str, inspect.Parameter]
    hints: Mapping[str, Any]

    @classmethod
    def of(cls, handler: Callable[..., Any]) -> "_Signature":
        try:
            hints = typing.get_type_hints(handler)
        except Exception as error:  # a hint is evaluated code: any error is possible
            raise Misconfigured(f"its type hints can't be evaluated: {error}") from error
        return cls(inspect.signature(handler).parameters, hints)

    def check(self, bound: set[str]) -> bool:
        """Compare the parameters with the bindings, as the worker's indexer does; return whether context is wanted."""
        parameters = set(self.parameters)
        wants_context = "context" in parameters and "context" not in bound
        if wants_context:
            parameters.discard("context")
            hint = self.hints.get("context")
            if hint is not None and getattr(hint, "__name__", "") != "Context":
                raise Misconfigured(f"parameter context must be a azure.functions.Context, not {hint!r}")
        if extra := sorted(parameters - bound):
            raise Misconfigured(f"parameter {', '.join(extra)} is not declared by any decorator")
        if missing := sorted(bound - parameters):
            raise Misconfigured(f"binding {', '.join(missing)} has no parameter of that name")
        return wants_context

    def check_outputs(self, names: list[str]) -> None:
        from azure.functions import Out

        for name in names:
            hint = self.hints.get(name)
            if hint is not None and (typing.get_origin(hint) or hint) is not Out:
                raise Misconfigured(f"output {name} must be annotated azure.functions.Out, not {hint!r}")

    def raw_type(self, name: str, trigger: str) -> type | None:
        """Return `str` or `bytes` when the handler wants the text itself, None for the library's class."""
        from azure.functions import get_binding_registry

        hint = self.hints.get(name)
        if hint in (str, bytes) and trigger == "queueTrigger":
            return typing.cast("type", hint)
        converter = get_binding_registry().get(trigger)
        if isinstance(hint, type) and not converter.check_input_type_annotation(hint):
            raise Misconfigured(f"parameter {name}: type {hint.__name__} does not fit {trigger}")
        return None
