import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from shared.ai import images
from shared.errors import Permanent

SECRET = b"GPS 52.5200N 13.4050E"


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def page() -> Image.Image:
    image = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(image)
    for line in range(40, 760, 24):
        draw.rectangle((60, line, 540 - line % 130, line + 8), fill=(20, 20, 20))
    return image


def logo() -> Image.Image:
    image = Image.new("RGB", (320, 200), (200, 30, 30))
    ImageDraw.Draw(image).ellipse((60, 20, 260, 180), fill=(20, 40, 160))
    return image


def scene() -> Image.Image:
    image = Image.new("RGB", (400, 300))
    image.putdata([(40 + x // 3, 90 + y // 3, (160 + x * y // 800) % 256) for y in range(300) for x in range(400)])
    return image


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\x00\x00\x00" + sizes
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG = encoded(logo(), "PNG")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_four_formats_are_measured(file_format: str) -> None:
    facts = images.inspect(encoded(scene(), file_format))

    assert (facts.format, facts.width, facts.height, facts.animated) == (file_format, 400, 300, False)
    assert 1 <= len(facts.colors) <= 5


@pytest.mark.parametrize(
    ("image", "file_format", "kind"),
    [(page(), "PNG", "document"), (page(), "JPEG", "document"), (logo(), "PNG", "graphic"), (logo(), "GIF", "graphic"),
     (scene(), "JPEG", "photo"), (scene(), "PNG", "photo"), (Image.new("RGB", (9, 9), "white"), "PNG", "unknown")],
)  # fmt: skip
def test_documents_graphics_and_photos_are_told_apart(image: Image.Image, file_format: str, kind: str) -> None:
    assert images.inspect(encoded(image, file_format)).kind == kind


def test_colours_and_description_say_what_is_seen() -> None:
    facts = images.inspect(PNG)

    assert facts.description == "PNG graphic, 320×200, mostly red and blue"
    assert set(facts.colors[:2]) == {"#c81e1e", "#1428a0"}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_colour_mode_is_understood(mode: str) -> None:
    image = Image.new(mode, (40, 30)) if mode == "I;16" else logo().convert(mode)

    assert images.inspect(encoded(image, "JPEG" if mode == "CMYK" else "PNG")).width in (40, 320)


def test_what_is_transparent_lies_on_white() -> None:
    assert images.inspect(encoded(Image.new("RGBA", (20, 20), (200, 0, 0, 0)), "PNG")).colors == ("#ffffff",)


def test_an_animation_is_named_and_only_its_first_frame_looked_at() -> None:
    frames = [Image.new("RGB", (30, 30), (index * 3, 0, 0)) for index in range(60)]
    raw = encoded(Image.new("RGB", (30, 30), "blue"), "GIF", save_all=True, append_images=frames)

    facts = images.inspect(raw)

    assert (facts.animated, facts.colors) == (True, ("#0000ff",))
    assert facts.description.startswith("Animated GIF")


def test_metadata_is_not_told() -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    raw = encoded(scene(), "JPEG", exif=exif)

    assert SECRET in raw
    assert "GPS" not in repr(images.inspect(raw))


@pytest.mark.parametrize("raw", [png_claiming(5001, 5000), png_claiming(20_000, 20_000), webp_claiming(16_000, 16_000)])
def test_too_many_pixels_are_refused_before_decoding(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_sample", lambda _: pytest.fail("decoded"))

    with pytest.raises(Permanent, match="pixels"):
        images.inspect(raw)


@pytest.mark.parametrize(
    "raw",
    [b"", b"hello", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n",
     encoded(logo(), "BMP"), encoded(logo(), "TIFF"), encoded(logo(), "ICO"), encoded(logo(), "PPM")],
)  # fmt: skip
def test_other_formats_are_refused_by_name(raw: bytes) -> None:
    with pytest.raises(Permanent, match="not a PNG, JPEG, GIF or WebP image"):
        images.inspect(raw)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_half_an_image_is_refused(file_format: str) -> None:
    raw = encoded(scene(), file_format)

    with pytest.raises(Permanent):
        images.inspect(raw[: len(raw) // 2])


ORIGINALS = [encoded(logo().resize((40, 25)), name) for name in ("PNG", "JPEG", "GIF", "WEBP")]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_image_is_measured_or_refused_but_never_anything_else(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(ORIGINALS)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not raw:
            break

    with suppress(Permanent):
        facts = images.inspect(bytes(raw))
        assert facts.width * facts.height <= images.MAX_PIXELS
