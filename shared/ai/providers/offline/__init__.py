"""Rules and lexicons instead of a model: nothing leaves the machine, the same input gives the same answer."""

from shared.ai.providers.offline.engine import OfflineProvider

__all__ = ["OfflineProvider"]
