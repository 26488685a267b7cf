"""Loads `function_app.py` unchanged and reads its functions through the library, or says in one line why not."""

import importlib.util
import os
import sys
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from azure.functions import Function, FunctionApp

_MODULE = "function_app"


def load_functions(root: Path) -> "list[Function]":
    """Import `root`/function_app.py as the worker does and return its functions, in the order of registration.

    Raises Misconfigured: no such file, an import error (with the file and line of its cause), none or several apps,
    a function without trigger, two functions of one name.
    """
    app = _only_app(_import(root))
    try:
        # Built one by one: `app.get_functions()` may be called only once per app object.
        functions = [builder.build(app.auth_level) for builder in app._function_builders]  # noqa: SLF001 # no public way
    except ValueError as error:
        raise Misconfigured(str(error)) from error
    names = Counter((function.get_function_name() or "").lower() for function in functions)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise Misconfigured(f"function name {', '.join(twice)} is used more than once")
    return functions


def _import(root: Path) -> ModuleType:
    path = root / f"{_MODULE}.py"
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise Misconfigured(f"{path} is missing")
    os.chdir(root)
    sys.path.insert(0, str(root))
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # importing an app runs its code: any error is possible
        raise Misconfigured(f"{path.name} can't be imported: {_cause(error, root)}") from error
    return module


def _cause(error: Exception, root: Path) -> str:
    """Say type, message and place: the last line of the app's own code, or of a syntax error the line itself."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root)] or frames
    # An app may carry its virtual environment inside; its code is seldom where the mistake is.
    own = [frame for frame in own if "site-packages" not in frame.filename] or own
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} ({own[-1].filename}:{own[-1].lineno})"


def _only_app(module: ModuleType) -> "FunctionApp":
    from azure.functions import FunctionApp, FunctionRegister

    apps = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if len(apps) != 1:
        raise Misconfigured(f"{module.__file__} holds {len(apps) or 'no'} FunctionApp objects, exactly one is needed")
    app = next(iter(apps.values()))
    if not isinstance(app, FunctionApp):
        raise Misconfigured(f"{type(app).__name__} is not supported by the local host, only FunctionApp")
    return app
