"""Attachments: bytes in Blob by project and content hash, so that the same file is stored once."""

import asyncio
import re
from dataclasses import dataclass

from shared.identifiers import AttachmentId, MessageId, ProjectId, attachment_id, sha256_hex
from shared.models.messages import IncomingAttachment
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs

# As the sanitiser writes it: in texts `<` is escaped, in values the quote.
_PICTURE = re.compile(r'(<img(?: (?!src=)[a-z]+="[^"]*")*+) src="attachment:([0-9]{1,3})"')


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A file whose bytes are durable; the row that names it comes next."""

    id: AttachmentId
    position: int
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    blob_name: str

    @property
    def type(self) -> str:
        """The kind of file: `image`, `audio`, `video`, `text` or `file`."""
        kind = self.content_type.partition("/")[0]
        return kind if kind in {"image", "audio", "video", "text"} else "file"

    @property
    def url(self) -> str:
        """Where the file is read, below the public base URL."""
        return f"/api/v1/attachments/{self.id}"


async def keep_attachments(
    blobs: Blobs, project: ProjectId, message: MessageId, files: tuple[IncomingAttachment, ...]
) -> list[StoredAttachment]:
    """Write the bytes of every file that is not there yet, and return what is to be recorded of each."""
    return list(await asyncio.gather(*(_keep(blobs, project, message, *numbered) for numbered in enumerate(files))))


def with_pictures(html: str, files: list[StoredAttachment]) -> str:
    """Return a message's safe HTML with the addresses of its pictures, without those of files that are not there."""
    sources = {file.position: f' src="{file.url}"' for file in files}
    return _PICTURE.sub(lambda found: found[1] + sources.get(int(found[2]), ""), html)


async def _keep(
    blobs: Blobs, project: ProjectId, message: MessageId, position: int, file: IncomingAttachment
) -> StoredAttachment:
    digest = sha256_hex(file.raw)
    name = f"{project}/{digest}"
    # Stored as plain bytes, whatever was declared: no browser is to run an attachment straight from Blob.
    await blobs.put_new(BlobContainer.ATTACHMENTS, name, file.raw, content_type="application/octet-stream", metadata={})
    return StoredAttachment(
        attachment_id(message, position), position, file.filename, file.content_type, len(file.raw), digest, name
    )
