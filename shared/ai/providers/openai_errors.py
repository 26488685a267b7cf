"""What a failed call to the API means for the work: later, or never."""

import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from shared.ai.provider import Away, Refused
from shared.clock import Clock

if TYPE_CHECKING:
    from openai import APIStatusError

# The request itself is at fault. Everything else, a wrong key or an unknown model too, is cured by time or an operator.
_OF_THE_REQUEST = {400, 413, 415, 422}
_TOO_MANY = 429
# Where a server says that it is too much, but not for how long.
_REST = timedelta(seconds=1)
_CODE = re.compile(r"[a-z0-9_.-]{1,60}", re.IGNORECASE)
# Failures before the question was on its way. All others may have been heard, and answered, and billed.
_NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout"}


@asynccontextmanager
async def classified(clock: Clock) -> AsyncIterator[None]:
    """Turn every failure of a call into Away or Refused, in our words: a vendor's may quote the mail."""
    import openai
    from azure.core.exceptions import AzureError

    try:
        yield
    except TimeoutError:
        raise _too_late(unheard=True) from None
    except openai.APITimeoutError as error:
        raise _too_late(unheard=_sent(error)) from None
    except openai.APIConnectionError as error:
        told = f"the model is out of reach ({type(error.__cause__ or error).__name__})"
        raise Away(told, code="connection", unheard=_sent(error)) from error
    except openai.APIStatusError as error:
        raise _of_status(error, clock) from None
    except openai.OpenAIError as error:
        told = f"the model's answer can't be read ({type(error).__name__})"
        raise Away(told, code="unreadable", unheard=True) from error
    except AzureError as error:
        raise Away(f"no token for the model ({type(error).__name__})", code="no_token") from error


def _too_late(*, unheard: bool) -> Away:
    return Away("the model did not answer in time", code="timeout", unheard=unheard)


def _sent(error: Exception) -> bool:
    return type(error.__cause__).__name__ not in _NOT_SENT


def _of_status(error: "APIStatusError", clock: Clock) -> Away | Refused:
    code = error.code if isinstance(error.code, str) and _CODE.fullmatch(error.code) else None
    told = f"{error.status_code} {code}" if code else str(error.status_code)
    if code == "content_filter":
        return Refused("the model's content filter refuses it", code=code)
    status = f"http_{error.status_code}"
    if error.status_code in _OF_THE_REQUEST:
        return Refused(f"the model refuses the request ({told})", code=status)
    wait = retry_after(error.response.headers, clock)
    if wait is None and error.status_code == _TOO_MANY:
        wait = _REST
    return Away(f"the model is not available ({told})", retry_after=wait, code=status)


def retry_after(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    """Return the wait a server asks for: milliseconds (OpenAI, Azure), seconds or an HTTP date (RFC 9110)."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        wait = _number(headers.get(name))
        if wait is not None:
            return timedelta(milliseconds=wait)
    given = headers.get("retry-after")
    wait = _number(given)
    if wait is not None:
        return timedelta(seconds=wait)
    try:
        moment = parsedate_to_datetime(given or "")
        return max(timedelta(0), moment - clock.now())
    except (ValueError, TypeError):
        return None


def _number(given: str | None) -> float | None:
    try:
        number = float(given or "")
    except ValueError:
        return None
    # A timedelta overflows at 10^14 seconds; nobody means more than a day.
    return min(number, 86_400_000) if math.isfinite(number) and number >= 0 else None
