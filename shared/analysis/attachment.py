"""analyze_attachment: what an image shows, or the recorded reason why a file was not analysed."""

import json
from dataclasses import dataclass
from typing import Any

from shared.ai.gateway import Gateway, Subject
from shared.ai.masking import Mask
from shared.ai.prompts import prompt
from shared.ai.wording import Wording
from shared.analysis.message import SQL
from shared.analysis.subjects import subject_of
from shared.errors import Permanent
from shared.failpoints import failpoint
from shared.identifiers import ProjectId
from shared.models.analysis import ImageAnalysis
from shared.models.text import visible
from shared.models.work import AttachmentWork, BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.postgres import Postgres, Row

PROMPT = "image_analysis"
MAX_IMAGE_BYTES = 20_000_000
# As the answer's model has them: what is taken out may be shorter than what says so.
MAX_DESCRIPTION_CHARACTERS, MAX_OBJECT_CHARACTERS = 2000, 200


@dataclass(frozen=True, slots=True)
class AttachmentAnalyst:
    """Analyses attachments. One that has a result is left alone."""

    gateway: Gateway
    postgres: Postgres
    blobs: Blobs

    @property
    def version(self) -> str:
        """Which analysis this is: within a project, a file's content has one of each version."""
        return f"{self.gateway.engine}/{prompt(PROMPT).version}"

    async def analyze(self, work: AttachmentWork) -> None:
        """Analyse one attachment, unless the same bytes already were.

        Raises Permanent when there is none, Transient when model or store are away.
        """
        about = subject_of(work)
        async with self.postgres.tenant(about.project_id) as transaction:
            file = await transaction.one(
                SQL["get_attachment"], project_id=about.project_id, attachment_id=work.attachment_id
            )
        if file is None:
            raise Permanent("there is no such attachment")
        if file["analysed"] or file["deleted_at"] is not None:
            return
        analysis = await self._look(about, file)
        async with self.postgres.tenant(about.project_id) as transaction:
            await transaction.execute(
                SQL["set_attachment_analysis"],
                project_id=about.project_id,
                attachment_id=work.attachment_id,
                analysis=json.dumps(analysis),
            )
        failpoint("analyze.attachment_stored")

    async def _look(self, about: Subject, file: Row) -> dict[str, Any]:
        reason = _not_for_analysis(file)
        if reason:
            return _not_analysed(reason)
        known = await self._known(about.project_id, file["sha256"])
        if known is not None:
            return known
        blob = await self.blobs.get(BlobContainer.ATTACHMENTS, file["blob_name"])
        if blob is None:
            return _not_analysed("its bytes are not in Blob Storage")
        described = {key: file[key] for key in ("filename", "content_type", "size_bytes", "sha256")}
        if self.gateway.provider.hosted:
            described["filename"] = Mask((file["filename"],)).masked(file["filename"])
        try:
            answer = await self.gateway.analyze_image(about, blob.raw, described)
        except Permanent as error:
            return _not_analysed(error.reason)
        failpoint("analyze.attachment_answered")
        return {
            "status": "analysed",
            "engine": self.gateway.engine,
            "version": self.version,
            "model": answer.model,
            **_believed(answer.value, file["filename"]).model_dump(mode="json"),
        }

    async def _known(self, project: ProjectId, sha256: str) -> dict[str, Any] | None:
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(
                SQL["get_analysis_of_content"], project_id=project, sha256=sha256, version=self.version
            )
        return row and row["analysis"]


def _believed(seen: ImageAnalysis, filename: str) -> ImageAnalysis:
    """What is told of an image names nothing that can't be read in it."""
    text = visible(seen.text)
    wording = Wording(f"{filename}\n{text}")
    description = wording.plain(seen.description)[:MAX_DESCRIPTION_CHARACTERS]
    objects = [plain[:MAX_OBJECT_CHARACTERS] for each in seen.objects if (plain := wording.plain(each))]
    return seen.model_copy(update={"description": description, "text": text, "objects": objects})


def _not_for_analysis(file: Row) -> str | None:
    if not file["content_type"].startswith("image/"):
        return f"{file['content_type'][:100]} is not an image"
    if file["size_bytes"] > MAX_IMAGE_BYTES:
        return f"larger than {MAX_IMAGE_BYTES} bytes"
    return None


def _not_analysed(reason: str) -> dict[str, Any]:
    return {"status": "not_analysed", "reason": reason}
