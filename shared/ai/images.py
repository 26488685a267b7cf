"""Looking at an image somebody sent: only what is safe to decode, only what can be measured.

These functions decode hostile bytes and so belong into `image_reader`'s child process; the app calls that.
"""

from __future__ import annotations

import io
from colorsys import rgb_to_hsv
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from shared.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL.Image import Image

Kind = Literal["photo", "document", "graphic", "unknown"]
Rgb = tuple[int, int, int]
Seen = TypeVar("Seen")

MAX_PIXELS = 25_000_000
MAX_SIDE = 1024
# Text is read best at twice the size of a screen's; more costs time and finds nothing.
PAGE_SIDE = 2000

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_SAMPLE = 128
_COLORS = 5
# A colour that covers less is an edge's blur, not part of what is seen.
_VISIBLE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What was measured: size in pixels, up to five `#rrggbb` colours with the widest first, a guess at the kind."""

    format: str
    width: int
    height: int
    animated: bool
    kind: Kind
    colors: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class _Palette:
    """Shares of the image, 0..1, by colour, widest first, and how much of it is near white and how colourful."""

    shares: tuple[tuple[Rgb, float], ...]
    white: float
    saturation: float
    distinct: int


def inspect(raw: bytes) -> ImageFacts:
    """Open, check and measure a PNG, JPEG, GIF or WebP of at most 25 million pixels.

    Only the first frame of an animation is decoded. Metadata (EXIF, comments) is neither read nor returned.
    Raises `Permanent` with the reason for everything else: another format, too large, damaged, cut off.
    """
    return _safely(_measure, raw)


def picture(raw: bytes, kind: Kind) -> tuple[str, bytes]:
    """Return the first frame for a model to see, as its media type and bytes: PNG or, for photos, JPEG.

    It is upright, on white, at most 1024 pixels long, and made of pixels alone: no EXIF, GPS, comments or profiles.
    Raises `Permanent` as `inspect` does.
    """
    return _safely(lambda checked: _repaint(checked, kind), raw)


def page(raw: bytes) -> Image:
    """Return the first frame in grey for text to be read from: upright, more light than dark, about 2000 pixels long.

    Small ones are doubled at most. Raises `Permanent` as `inspect` does.
    """
    return _safely(_flatten, raw)


def _safely(look: Callable[[bytes], Seen], raw: bytes) -> Seen:
    _refuse_large(*_webp_canvas(raw))
    try:
        return look(raw)
    except Permanent:
        raise
    except MemoryError:
        raise Permanent("decoding the image needs more memory than is allowed") from None
    # OSError, SyntaxError, ValueError, struct.error, EOFError, zlib.error, IndexError, warnings raised as errors …
    except Exception as error:  # noqa: BLE001 # Pillow raises anything at hostile bytes; none will ever be readable
        raise Permanent(f"the image is damaged or cut off ({type(error).__name__})") from None


@contextmanager
def _opened(raw: bytes) -> Iterator[Image]:
    """An image whose header was read and found small enough."""
    from PIL import Image, UnidentifiedImageError

    try:
        opened = Image.open(io.BytesIO(raw), formats=_FORMATS)
    except UnidentifiedImageError:
        raise Permanent("not a PNG, JPEG, GIF or WebP image") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Permanent(f"the image has more than {MAX_PIXELS} pixels") from None
    with opened as image:
        # Pillow only warns from 89 million pixels on; opening has read no more than the header.
        _refuse_large(*image.size)
        yield image


def _measure(raw: bytes) -> ImageFacts:
    with _opened(raw) as image:
        width, height = image.size
        # JPEG files with a second picture inside call themselves MPO.
        name = "JPEG" if image.format == "MPO" else str(image.format)
        animated = bool(getattr(image, "is_animated", False)) and name != "JPEG"
        palette = _palette(_sample(image))
    kind = _kind(palette, name)
    colors = tuple("#{:02x}{:02x}{:02x}".format(*rgb) for rgb, _ in palette.shares[:_COLORS])
    described = _describe(f"{'animated ' if animated else ''}{name} {kind}", (width, height), palette)
    return ImageFacts(name, width, height, animated, kind, colors, described)


def _repaint(raw: bytes, kind: Kind) -> tuple[str, bytes]:
    painted = _painted(raw, MAX_SIDE)
    written = io.BytesIO()
    if kind == "photo":
        painted.save(written, "JPEG", quality=85)
        return "image/jpeg", written.getvalue()
    painted.save(written, "PNG")
    return "image/png", written.getvalue()


def _flatten(raw: bytes) -> Image:
    from PIL import Image as Images
    from PIL import ImageOps, ImageStat

    grey = _painted(raw, PAGE_SIDE).convert("L")
    if ImageStat.Stat(grey).mean[0] < 128:
        grey = ImageOps.invert(grey)
    scale = min(2.0, PAGE_SIDE / max(grey.size))
    return grey.resize((round(grey.width * scale), round(grey.height * scale)), Images.Resampling.BICUBIC)


def _painted(raw: bytes, side: int) -> Image:
    """The first frame, upright, at most `side` pixels long, on white."""
    from PIL import Image as Images
    from PIL import ImageOps

    with _opened(raw) as image:
        if image.format in ("JPEG", "MPO"):
            image.draft("RGB", (2 * side, 2 * side))
        # Sixteen-bit grey can't be averaged.
        deep = image.mode.startswith("I")
        image.thumbnail((side, side), Images.Resampling.NEAREST if deep else Images.Resampling.BICUBIC)
        # Phones store how they were held beside the pixels.
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    # Painted on new paper: what Pillow carries along in `info` would be written again.
    paper = Images.new("RGBA", upright.size, (255, 255, 255, 255))
    painted = Images.alpha_composite(paper, upright).convert("RGB")
    painted.info = {}
    return painted


def _refuse_large(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Permanent(f"the image has {width}×{height} pixels, more than {MAX_PIXELS}")


def _webp_canvas(raw: bytes) -> tuple[int, int]:
    """The canvas an extended WebP declares, else 0×0: its decoder reserves it twice while the file is being opened."""
    if raw[:4] != b"RIFF" or raw[8:16] != b"WEBPVP8X" or len(raw) < 30:
        return 0, 0
    return 1 + int.from_bytes(raw[24:27], "little"), 1 + int.from_bytes(raw[27:30], "little")


def _sample(image: Image) -> Image:
    """The first frame, small, on white."""
    from PIL import Image as Images

    if image.format in ("JPEG", "MPO"):
        image.draft("RGB", (2 * _SAMPLE, 2 * _SAMPLE))
    image.load()
    shrink = min(1.0, _SAMPLE / max(image.size))
    size = (max(1, round(image.width * shrink)), max(1, round(image.height * shrink)))
    small = image.resize(size, Images.Resampling.NEAREST).convert("RGBA")
    paper = Images.new("RGBA", size, (255, 255, 255, 255))
    return Images.alpha_composite(paper, small).convert("RGB")


def _palette(sample: Image) -> _Palette:
    pixels: Sequence[tuple[int, Rgb]] = sample.getcolors(_SAMPLE * _SAMPLE) or []  # type: ignore[assignment]  # RGB has tuples
    total = sum(count for count, _ in pixels)
    white = sum(count for count, rgb in pixels if min(rgb) >= 225)
    saturation = sum(count * rgb_to_hsv(*(channel / 255 for channel in rgb))[1] for count, rgb in pixels)
    few = sample.quantize(_COLORS + 3)
    table = few.getpalette() or []
    shares: list[tuple[Rgb, float]] = []
    # A histogram's order is the palette's, so equal shares keep a fixed order.
    for index, count in enumerate(few.histogram()[: len(table) // 3]):
        shares.append(((table[3 * index], table[3 * index + 1], table[3 * index + 2]), count / total))
    shares.sort(key=lambda each: (-each[1], each[0]))
    visible = tuple(each for each in shares if each[1] >= _VISIBLE_SHARE) or tuple(shares[:1])
    coarse = {(r >> 4, g >> 4, b >> 4) for _, (r, g, b) in pixels}
    return _Palette(visible, white / total, saturation / total, len(coarse))


def _kind(palette: _Palette, name: str) -> Kind:
    """Much white and little colour is a document, few flat colours are a graphic, many shades a photo."""
    if palette.white >= 0.55 and palette.saturation < 0.12:
        return "document" if palette.white < 0.999 else "unknown"
    if palette.distinct <= 24 and name != "JPEG":
        return "graphic"
    if palette.distinct >= 60 or name == "JPEG":
        return "photo"
    return "graphic"


def _color_name(rgb: Rgb) -> str:
    hue, saturation, value = rgb_to_hsv(*(channel / 255 for channel in rgb))
    if value < 0.2:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.87 else "grey"
    for limit, name in ((20, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (260, "blue"), (330, "purple")):
        if hue * 360 < limit:
            return "brown" if name == "orange" and (value < 0.7 or saturation < 0.6) else name
    return "red"


def _describe(what: str, size: tuple[int, int], palette: _Palette) -> str:
    shares: dict[str, float] = {}
    for rgb, share in palette.shares:
        shares[_color_name(rgb)] = shares.get(_color_name(rgb), 0.0) + share
    named = sorted(shares, key=lambda name: (-shares[name], name))
    wide = [name for name in named if shares[name] >= 0.15][:2] or named[:1]
    article = "mostly " if shares[wide[0]] < 0.995 else ""
    return f"{what[:1].upper()}{what[1:]}, {size[0]}×{size[1]}, {article}{' and '.join(wide)}"
