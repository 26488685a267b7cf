"""reconcile_stores: both stores are compared, window by window, and what differs is repaired from Cosmos DB.

Nothing is ever deleted because it is absent, and nothing repaired where so much differs that a store, or this code,
is the likelier culprit. A run that is cut off anywhere leaves positions behind it that say what was compared.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Transient
from shared.identifiers import ProjectId
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres
from shared.sync.apply import Sync
from shared.sync.changes import STAGE
from shared.sync.reconcile_confirm import Confirmed, Difference, Suspects, confirm, suspects
from shared.sync.reconcile_places import Place
from shared.sync.reconcile_tables import Overtaken, Tables, Tally
from shared.sync.reconcile_windows import Crowded, Horizon, Ids, Reader, Times, Window
from shared.telemetry import event, warning

RECENT, ROTATION = "reconcile.recent", "reconcile.rotation"
AT_ONCE = 50  # documents of a repair, and keys of a second look
MOST_LETTERS = 100
FIRST_LOOK_BACK_SECONDS = 3600
FIRST_WIDTH_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Policy:
    """How much is compared at once, what is too young to differ, and what is too much to be repaired.

    A window is refused when more than `refuse_share` of a project's interactions in it differ, or of the run's so
    far, or of all projects'; `refuse_least` of them never are too many.
    """

    documents_a_run: int = 20_000
    window: int = 5_000
    page: int = 1_000
    young: timedelta = timedelta(minutes=5)
    unconfirmed: timedelta = timedelta(hours=1)
    time: timedelta = timedelta(minutes=4)
    keep: timedelta = timedelta(days=30)
    look_again: int = 500
    refuse_share: float = 0.01
    refuse_least: int = 20

    def too_many(self, differing: int, compared: int) -> bool:
        """Whether as many differences are none that one repairs unasked."""
        return differing > max(self.refuse_least, self.refuse_share * compared)


@dataclass(slots=True)
class Run:
    """One run, as far as it has come."""

    started_at: datetime
    deadline: float
    reader: Reader
    tallies: dict[ProjectId, Tally] = field(default_factory=dict)
    request_units: float = 0.0

    @property
    def compared(self) -> int:
        """How many interactions were compared."""
        return sum(tally.compared for tally in self.tallies.values())

    @property
    def in_time(self) -> bool:
        """Whether there is time for another window."""
        return time.monotonic() < self.deadline


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares and repairs. Two at once, or one that is killed, do no harm: each repair is an `apply_changes`."""

    postgres: Postgres
    documents: Documents
    sync: Sync
    clock: Clock
    policy: Policy = field(default_factory=Policy)

    @property
    def tables(self) -> Tables:
        """Where runs and findings are kept."""
        return Tables(self.postgres)

    async def run(self) -> Run:
        """Look again at open findings, compare what changed since the last run, and the next part of everything.

        Raises Transient when a store is away; what was compared until then stays so.
        """
        run = await self._begin()
        try:
            await self._look_again(run)
            await self._recent(run)
            await self._rotation(run)
        except Overtaken as other:
            event("reconcile.overtaken", position=other)
        now = self.clock.now()
        await self.tables.finish(run.started_at, now, now - self.policy.keep)
        event("reconcile.done", compared=run.compared, request_units=round(run.request_units))
        return run

    async def _begin(self) -> Run:
        now = self.clock.now()
        horizon = Horizon(_seconds(now - self.policy.young), _seconds(now - self.policy.unconfirmed))
        projects = await self.tables.projects()
        reader = Reader(self.postgres, self.documents, projects, horizon, self.policy.page)
        return Run(now, time.monotonic() + self.policy.time.total_seconds(), reader)

    async def _look_again(self, run: Run) -> None:
        """Close the findings that are none any more, whoever cured them. None is repaired here, refused or not."""
        for project, keys in (await self.tables.open_findings(self.policy.look_again)).items():
            found = await confirm(run.reader, project, keys)
            await self._write_down(run, project, found)

    async def _recent(self, run: Run) -> None:
        """Compare what was written since the last run, oldest first, but for what is young."""
        position = await self.tables.position(RECENT)
        end, width = run.reader.horizon.written, FIRST_WIDTH_SECONDS
        first = int(position.text) if position.text else end - FIRST_LOOK_BACK_SECONDS
        while first < end and run.in_time:
            window = Times(first, min(first + width, end))
            try:
                held, tallies = await self._window(run, window, None if width == 1 else 2 * self.policy.window)
            except Crowded:
                width = max(width // 4, 1)
                continue
            position = await self.tables.move(position, str(window.before), run.started_at, tallies)
            _count(run, tallies)
            first, width = window.before, width * (2 if 4 * held < self.policy.window else 1)

    async def _rotation(self, run: Run) -> None:
        """Compare the next windows of everything: one at least, and no more than once around."""
        position = await self.tables.position(ROTATION)
        place, met, around = Place.read(position.text, run.started_at), 0, 0
        while around == 0 or (around < 2**128 and met < self.policy.documents_a_run and run.in_time):
            window = place.window
            try:
                count, tallies = await self._window(run, window, None if place.narrowest else 2 * self.policy.window)
            except Crowded:
                place = place.narrower()
                continue
            place = place.after(count, self.policy.window, self.clock.now())
            position = await self.tables.move(position, place.text, run.started_at, tallies)
            _count(run, tallies)
            met, around = met + count, around + window.before - window.first

    async def _window(self, run: Run, window: Window, most: int | None) -> tuple[int, dict[ProjectId, Tally]]:
        """Compare one window and repair it; return how much it held, and what became of it by project."""
        cosmos = await run.reader.read_documents(window, most)
        run.request_units += cosmos.request_units
        rows = await run.reader.read_rows(window, cosmos, most)
        found = {
            project: suspects(cosmos.side.get(project, {}), rows.get(project, {}))
            for project in sorted(cosmos.side.keys() | rows.keys())
        }
        held = sum(map(len, rows.values()))
        gone = isinstance(window, Ids) and cosmos.count == 0 and held > 0
        tallies = await self._judge(run, {project: each for project, each in found.items() if each.compared}, gone=gone)
        await self._keep_letters(cosmos.unkept)
        return max(held, cosmos.count), tallies

    async def _judge(self, run: Run, found: dict[ProjectId, Suspects], *, gone: bool) -> dict[ProjectId, Tally]:
        """Confirm what seems to differ, write it down, and repair it unless that is refused."""
        confirmed = {project: await self._confirm(run, project, each) for project, each in found.items()}
        differing = {project: len(confirmed[project].differences) + len(each.keys) for project, each in found.items()}
        gone = gone or self.policy.too_many(sum(differing.values()), sum(each.compared for each in found.values()))
        tallies: dict[ProjectId, Tally] = {}
        for project, each in found.items():
            tally = Tally(each.compared, differing[project], 0, each.waiting + confirmed[project].waiting)
            tally.refused = tally.differing > 0 and (gone or self._refuses(run, project, tally))
            if tally.refused:
                warning("reconcile.refused", project=project, compared=tally.compared, differing=tally.differing)
            elif confirmed[project].differences:
                tally.repaired = await self._repair(run, project, confirmed[project].differences)
            tallies[project] = tally
        return tallies

    def _refuses(self, run: Run, project: ProjectId, tally: Tally) -> bool:
        before = run.tallies.get(project, Tally())
        differing, compared = before.differing + tally.differing, before.compared + tally.compared
        return self.policy.too_many(tally.differing, tally.compared) or self.policy.too_many(differing, compared)

    async def _confirm(self, run: Run, project: ProjectId, found: Suspects) -> Confirmed:
        """Take suspects from the list and look at them again, until they are too many: the rest stays on the list."""
        confirmed = Confirmed()
        while found.keys and not self.policy.too_many(len(confirmed.differences), found.compared):
            keys, found.keys[:AT_ONCE] = found.keys[:AT_ONCE], []
            more = await confirm(run.reader, project, keys)
            await self._write_down(run, project, more)
            await self._keep_letters(more.unkept)
            confirmed.differences += more.differences
            confirmed.waiting += more.waiting
        return confirmed

    async def _repair(self, run: Run, project: ProjectId, differences: Sequence[Difference]) -> int:
        """Apply the documents as they were read, and return how many of these agree now."""
        repairable = [each for each in differences if each.repairable]
        repaired = 0
        for at in range(0, len(repairable), AT_ONCE):
            part = repairable[at : at + AT_ONCE]
            await self.sync.apply_changes([version for each in part for version in _doubted(each.document)])
            after = await confirm(run.reader, project, [each.key for each in part])
            await self._write_down(run, project, after)
            repaired += len(after.agreed)
        event("reconcile.repaired", project=project, repaired=repaired, of=len(differences))
        return repaired

    async def _write_down(self, run: Run, project: ProjectId, found: Confirmed) -> None:
        differing = [(*each.key, each.kind) for each in found.differences]
        await self.tables.keep(project, differing, run.started_at)
        await self.tables.resolve(project, found.agreed, self.clock.now())

    async def _keep_letters(self, unkept: dict[str, tuple[str, object]]) -> None:
        """See that each document that can't be applied has its dead letter: its batch may have been lost."""
        if not unkept:
            return
        known = await self.tables.known_letters(STAGE, list(unkept))
        missing = [key for etag, key in sorted(unkept.items()) if etag not in known][:MOST_LETTERS]
        # Without a contact that is a text a document has no key of ours to be read by; the feed alone brings it.
        keys = [(interaction, contact) for interaction, contact in missing if isinstance(contact, str)]
        documents = [await self.documents.read(interaction, contact) for interaction, contact in keys]
        try:
            await self.sync.apply_changes([document for document in documents if document])
        except Transient as error:  # too many letters lately, for one: the comparison goes on
            warning("reconcile.letters_later", why=error)


def _doubted(document: Document | None) -> list[Document]:
    """Return a batch that has `apply_changes` read the document under its row's lock, even if its version is known.

    Two versions of one second that nothing tells apart are settled so.
    """
    return [document | {"_etag": "doubted"}, document] if document else []


def _count(run: Run, tallies: dict[ProjectId, Tally]) -> None:
    for project, tally in tallies.items():
        run.tallies.setdefault(project, Tally()).add(tally)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
