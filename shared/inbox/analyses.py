"""How far the understanding of a message came, as an interaction shows it."""

from typing import Any, Final

from shared.models.views import AnalysisView
from shared.stores.postgres import Row

_STATES: Final = {"analysis_failed": "failed", "analysis_deferred": "deferred"}


def understood(row: Row | None) -> dict[str, Any]:
    """Return the fields of an `InteractionView` that tell of the analysis; `row` is None where there is no message."""
    if row is None:
        return {"analysis": None, "analysis_state": "none", "analysis_reason": None}
    status, reason = row.pop("status"), row.pop("reason")
    if row["engine"] is None:
        state = _STATES.get(status, "waiting")
        return {"analysis": None, "analysis_state": state, "analysis_reason": reason}
    return {"analysis": AnalysisView(**row), "analysis_state": "analysed", "analysis_reason": None}
