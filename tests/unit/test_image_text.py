"""Text in images: read in the limited process where Tesseract is installed, and not looked for where it is not."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from shared.ai import image_reader, image_text
from shared.ai.image_reader import ImageReader
from shared.ai.providers.offline import OfflineProvider
from shared.errors import Permanent

SAMPLES = Path(__file__).parents[2] / "samples" / "images"
RECEIPT = (SAMPLES / "receipt.jpg").read_bytes()
LINES = ["Invoice INV-2041", "Total 347.40 GBP", "Thank you for your order"]
with_tesseract = pytest.mark.skipif(sys.platform != "linux", reason="the extra is installed on Linux alone")


@pytest.fixture(autouse=True)
def looked_anew() -> Iterator[None]:
    """What is installed is asked once a process; here it changes."""
    image_text.installed.cache_clear()
    yield
    image_text.installed.cache_clear()


def drawn(*lines: str, ink: str = "black", paper: str = "white", turned: int = 0, size: int = 28) -> bytes:
    """A PNG with these lines; `turned` is as EXIF has it."""
    image = Image.new("RGB", (700, 40 + 60 * len(lines)), paper)
    for at, line in enumerate(lines):
        ImageDraw.Draw(image).text((30, 20 + 60 * at), line, fill=ink, font=ImageFont.load_default(size=size))
    exif = Image.Exif()
    if turned:
        image = image.rotate(180)
        exif[0x0112] = turned
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def child(setting: str) -> tuple[str, str]:
    """The child process with something of it changed."""
    code = f"from shared.ai import image_child as child, image_text as text; {setting}; child.main('text')"
    return "-c", code


def languages(folder: Path, *names: str) -> None:
    models = folder / "share" / "tessdata"
    models.mkdir(parents=True)
    for name in names:
        (models / f"{name}.traineddata").touch()


@with_tesseract
@pytest.mark.parametrize(
    "raw",
    [drawn(*LINES), drawn(*LINES, ink="#eeeeee", paper="#203040"), drawn(*LINES, turned=3), drawn(*LINES, size=14)],
    ids=["black on white", "white on dark", "upside down", "small"],
)
async def test_drawn_text_is_read_line_by_line(raw: bytes) -> None:
    assert (await ImageReader().text(raw)).splitlines() == LINES


@with_tesseract
async def test_a_photographed_receipt_is_read() -> None:
    answer = await OfflineProvider().analyze_image(RECEIPT, filename="receipt.jpg")

    assert {"Harbour & Finch", "Invoice INV-2041", "VAT 20%"} <= set(answer.value.text.splitlines())
    assert answer.request["reads_text"] is True
    assert "tesserocr" not in sys.modules


@with_tesseract
@pytest.mark.parametrize("raw", [drawn(), (SAMPLES / "damaged-parcel.jpg").read_bytes()], ids=["blank", "photo"])
async def test_where_there_is_no_text_none_is_made_up(raw: bytes) -> None:
    assert await ImageReader().text(raw) == ""


@with_tesseract
@pytest.mark.parametrize("setting", ["text.DEADLINE_SECONDS = 0.001", "text._MIN_CONFIDENCE = 101"])
async def test_what_takes_too_long_or_is_unsure_is_not_told(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setattr(image_reader, "CHILD", child(setting))
    assert await ImageReader().text(drawn(*LINES)) == ""


@with_tesseract
async def test_text_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_reader, "CHILD", child("text.MAX_CHARACTERS = 7"))
    assert await ImageReader().text(drawn(*LINES)) == "Invoice"


@with_tesseract
async def test_what_is_no_image_never_reaches_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_reader, "CHILD", child("import sys; sys.modules['tesserocr.tesserocr'] = None"))
    with pytest.raises(Permanent, match="not a PNG, JPEG, GIF or WebP image"):
        await ImageReader().text(b"%PDF-1.7")


async def test_an_image_whose_text_can_not_be_read_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "import sys, os; os.abort() if sys.argv[1] == 'text' else __import__('shared.ai.image_child')"
    code = f"{crash}; from shared.ai.image_child import main; main(sys.argv[1])"
    monkeypatch.setattr(image_reader, "CHILD", ("-c", code))
    monkeypatch.setattr(image_text, "installed", lambda: True)

    answer = await OfflineProvider().analyze_image(RECEIPT, filename="receipt.jpg")

    assert (answer.value.width, answer.value.text) == (800, "")


async def test_without_the_extra_no_text_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    answer = await OfflineProvider().analyze_image(RECEIPT, filename="receipt.jpg")

    assert (answer.value.width, answer.value.text, answer.request["reads_text"]) == (800, "", False)


@pytest.mark.parametrize("place", ["prefix", "path"])
def test_languages_are_found_where_pip_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    languages(tmp_path / "site", "osd", "deu", "eng", "ces")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ("site" if place == "prefix" else "elsewhere")))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")] if place == "path" else sys.path)

    assert image_text._languages(image_text._folder()) == ["eng", "ces", "deu"]


def test_tesseract_without_a_language_reads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    languages(tmp_path, "osd")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert not image_text.installed()
