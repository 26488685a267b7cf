"""What a file is: its first bytes against what its sender and its name say."""

import re

UNKNOWN = "application/octet-stream"
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"MZ", "application/x-dosexec"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"x\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (8, b"WAVE", "audio/wav"),
)
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,200}?-->\s*)?<(!doctype html|html|script|svg)\b",
    re.IGNORECASE | re.DOTALL,
)
# Other names of what the first bytes show: containers hold many formats, and mailers have habits.
_ALSO = {
    "image/jpeg": ("image/jpg", "image/pjpeg"),
    "image/png": ("image/x-png",),
    "image/bmp": ("image/x-ms-bmp",),
    "image/heic": ("image/heif",),
    "video/mp4": ("audio/mp4", "audio/x-m4a", "audio/m4a", "video/quicktime", "video/3gpp", "image/avif"),
    "application/pdf": ("application/x-pdf",),
    "application/zip": (
        "application/x-zip", "application/vnd.openxmlformats", "application/vnd.oasis", "application/epub",
        "application/java-archive", "application/vnd.ms-", "application/vnd.apple", "application/vnd.android",
    ),
    "application/x-ole-storage": (
        "application/msword", "application/vnd.ms-", "application/vnd.visio", "application/x-ms",
    ),
    "application/gzip": ("application/x-gzip", "application/x-tar", "application/x-compressed"),
    "application/vnd.rar": ("application/x-rar",),
    "application/x-dosexec": ("application/x-ms", "application/vnd.microsoft.portable-executable"),
    "application/ms-tnef": ("application/vnd.ms-tnef",),
    "application/rtf": ("text/rtf", "application/msword"),
    "audio/mpeg": ("audio/mp3",),
    "audio/ogg": ("video/ogg", "application/ogg"),
    "audio/wav": ("audio/x-wav", "audio/vnd.wave"),
    "text/html": ("application/xhtml",),
}  # fmt: skip
_EXTENSIONS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic", "mp4": "video/mp4",
    "pdf": "application/pdf", "zip": "application/zip", "docx": "application/zip", "xlsx": "application/zip",
    "pptx": "application/zip", "gz": "application/gzip", "7z": "application/x-7z-compressed", "rtf": "application/rtf",
    "rar": "application/vnd.rar", "exe": "application/x-dosexec", "mp3": "audio/mpeg", "wav": "audio/wav",
    "html": "text/html", "htm": "text/html", "svg": "image/svg+xml",
}  # fmt: skip
_SHOWS_ITSELF = {kind for _, _, kind in _MAGIC} - {"video/mp4", "audio/mpeg"}
_SAYS_NOTHING = ("", UNKNOWN, "binary/octet-stream", "application/force-download", "application/x-download")


def type_of(raw: bytes, declared: str, filename: str) -> tuple[str, bool]:
    """Return a file's media type, and whether its bytes, its declared type and its name contradict each other.

    Contradictions are `application/octet-stream`: nobody is to open a file as what only its sender says it is.
    """
    seen = sniffed(raw)
    named = _EXTENSIONS.get(filename.rpartition(".")[2].lower()) if "." in filename else None
    silent = declared in _SAYS_NOTHING
    if seen is None:
        untrue = bool(raw) and (declared in _SHOWS_ITSELF or named in _SHOWS_ITSELF)
        return (UNKNOWN, True) if untrue else (declared or UNKNOWN, False)
    if (silent or _agree(seen, declared)) and (named is None or _agree(seen, named)):
        return (seen if silent or not seen.startswith("application/") else declared), False
    return UNKNOWN, True


def sniffed(raw: bytes) -> str | None:
    """Return the media type that the first bytes show, None when they show none."""
    for offset, magic, kind in _MAGIC:
        if raw.startswith(magic, offset):
            return kind
    markup = _MARKUP.match(raw[:1024])
    if markup:
        return "image/svg+xml" if markup[1].lower() == b"svg" else "text/html"
    return None


def _agree(seen: str, said: str) -> bool:
    return said == seen or said.startswith(_ALSO.get(seen, ("\0",)))
