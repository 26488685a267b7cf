"""Images in a limited process: what comes back is clean, and what goes wrong there stays there."""

import asyncio
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared.ai import image_reader
from shared.ai.image_reader import ImageReader
from shared.errors import Permanent, Transient

SAMPLES = Path(__file__).parents[2] / "samples" / "images"
SECRET = "GPS 52.5200N 13.4050E"
UPSIDE_DOWN = 3


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few KiB that decodes to width × height pixels of four bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + width * 4)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def noisy(size: tuple[int, int]) -> Image.Image:
    image = Image.effect_noise(size, 90).convert("RGB")
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_picture_holds_no_metadata(file_format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[1] = "N"
    options: dict[str, Any] = {"comment": SECRET.encode()} if file_format == "GIF" else {"exif": exif}
    if file_format == "JPEG":
        options |= {"comment": SECRET, "icc_profile": SECRET.encode() * 10}
    raw = encoded(noisy((300, 200)), file_format, **options)
    assert SECRET.encode() in raw

    picture = await ImageReader().picture(raw)

    assert SECRET.encode() not in picture.raw
    with Image.open(io.BytesIO(picture.raw)) as opened:
        assert not opened.getexif()
        assert {"exif", "icc_profile", "comment", "xmp"} & set(opened.info) == set()


async def test_a_large_picture_is_made_small_and_its_facts_stay() -> None:
    picture = await ImageReader().picture(encoded(noisy((3000, 2000)), "JPEG"))

    with Image.open(io.BytesIO(picture.raw)) as opened:
        assert (opened.size, opened.format) == ((1024, 683), "JPEG")
    assert (picture.facts.width, picture.facts.height, picture.media_type) == (3000, 2000, "image/jpeg")


async def test_a_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = UPSIDE_DOWN
    picture = await ImageReader().picture(encoded(noisy((200, 200)), "JPEG", exif=exif))

    with Image.open(io.BytesIO(picture.raw)) as opened:
        red, green, _ = opened.convert("RGB").getpixel((150, 150))  # type: ignore[misc] # a tuple for RGB
    assert red > 200
    assert green < 60


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_every_colour_mode_becomes_a_picture(mode: str) -> None:
    image = Image.new(mode, (1500, 30)) if mode == "I;16" else noisy((1500, 30)).convert(mode)
    picture = await ImageReader().picture(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    with Image.open(io.BytesIO(picture.raw)) as opened:
        assert opened.size[0] == 1024


async def test_what_is_transparent_is_painted_on_white() -> None:
    picture = await ImageReader().picture(encoded(Image.new("RGBA", (20, 20), (200, 0, 0, 0)), "PNG"))
    with Image.open(io.BytesIO(picture.raw)) as opened:
        assert opened.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("side", [10_000, 14_000])
async def test_a_bomb_of_kilobytes_is_refused(side: int) -> None:
    raw = bomb(side, side)
    assert len(raw) < 1_000_000
    with pytest.raises(Permanent, match="pixels"):
        await ImageReader().picture(raw)


async def test_the_most_pixels_that_are_allowed_fit_into_the_limits() -> None:
    picture = await ImageReader().picture(bomb(5000, 5000))
    assert picture.facts.width == 5000


@pytest.mark.parametrize(
    "code",
    [
        "from shared.ai import image_child as c; c._limit(); b'x' * 10**9",
        "from shared.ai import image_child as c; c.MAX_CPU_SECONDS = 1; c._limit()\nwhile True: pass",
        "import os; os.abort()",
        "import sys; sys.stdout.write('x' * 9_000_000)",
        "import sys; sys.exit(0)",
    ],
    ids=["memory", "processor", "crash", "flood", "silence"],
)
async def test_a_process_that_ends_itself_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(image_reader, "CHILD", ("-c", code))
    with pytest.raises(Permanent, match="more memory or time"):
        await ImageReader().facts(b"x" * 1_000_000)


async def test_memory_that_runs_out_while_decoding_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from shared.ai import image_child as c; c.MAX_MEMORY_BYTES = 110 * 1024 * 1024; c.main('facts')"
    monkeypatch.setattr(image_reader, "CHILD", ("-c", code))
    with pytest.raises(Permanent, match="more memory"):
        await ImageReader().facts(bomb(5000, 5000))


async def test_a_process_that_sleeps_is_ended_and_the_image_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_reader, "CHILD", ("-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(image_reader, "DEADLINE_SECONDS", 0.2)
    with pytest.raises(Transient):
        await ImageReader().facts(b"x")


async def test_a_machine_without_room_for_a_process_is_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(Transient):
        await ImageReader().facts(b"x")


async def test_the_process_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEYS", "key:secret")
    code = "import os, json; print(json.dumps({'refused': json.dumps(sorted(os.environ))}))"
    monkeypatch.setattr(image_reader, "CHILD", ("-c", code))
    with pytest.raises(Permanent) as told:
        await ImageReader().facts(b"")
    assert "SECRET_KEYS" not in json.loads(told.value.reason)


async def test_many_images_take_turns() -> None:
    reader = ImageReader()
    raw = (SAMPLES / "receipt.jpg").read_bytes()
    bad = bomb(10_000, 10_000)
    seen = await asyncio.gather(*(reader.facts(each) for each in [raw, bad, raw, raw]), return_exceptions=True)
    assert [type(each).__name__ for each in seen] == ["ImageFacts", "Permanent", "ImageFacts", "ImageFacts"]
