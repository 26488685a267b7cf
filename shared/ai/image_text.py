"""Reading the text in an image with Tesseract, which is there when `requirements-ocr.txt` is installed.

`read` decodes hostile bytes and so belongs into `image_reader`'s child process; `installed` is for everybody.
"""

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.images import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tesserocr import PyTessBaseAPI

MAX_CHARACTERS = 10_000
DEADLINE_SECONDS = 6
# Below that it is what Tesseract sees in scratches and leaves.
_MIN_CONFIDENCE = 60
# Local thresholds: light text on dark and dark on light stand in one picture.
_SAUVOLA = {"thresholding_method": "2"}
# A screen's picture, doubled. Tesseract's own guess is often far off.
_DOTS_PER_INCH = 250
_MODEL = ".traineddata"
_MODEL_OF_DIRECTION = "osd"


@cache
def installed() -> bool:
    """Whether text can be read here: Tesseract and a language are installed."""
    return find_spec("tesserocr") is not None and bool(_languages(_folder()))


def read(raw: bytes) -> str:
    """Return the lines of text in an image, at most 10,000 characters, in reading order; empty when there are none.

    Languages are those whose models are installed. Gives up after six seconds with nothing.
    Raises `Permanent` as `images.inspect` does.
    """
    seen, folder = page(raw), _folder()
    from tesserocr import OEM, PSM, PyTessBaseAPI

    options = {"psm": PSM.AUTO, "oem": OEM.LSTM_ONLY, "variables": _SAUVOLA}
    with PyTessBaseAPI(path=str(folder), lang="+".join(_languages(folder)), **options) as engine:
        engine.SetImageBytes(seen.tobytes(), seen.width, seen.height, 1, seen.width)
        engine.SetSourceResolution(_DOTS_PER_INCH)
        if not engine.Recognize(round(DEADLINE_SECONDS * 1000)):
            return ""
        return "\n".join(_lines(engine))[:MAX_CHARACTERS]


def _lines(engine: "PyTessBaseAPI") -> "Iterator[str]":
    from tesserocr import RIL, iterate_level

    found = engine.GetIterator()
    for line in iterate_level(found, RIL.TEXTLINE) if found else ():
        if line.Empty(RIL.TEXTLINE) or line.Confidence(RIL.TEXTLINE) < _MIN_CONFIDENCE:
            continue
        if text := " ".join(line.GetUTF8Text(RIL.TEXTLINE).split()):
            yield text


def _folder() -> Path:
    """Return where the models are: below the environment, or below the folder that pip was told to install into."""
    folders = [Path(place) / "share" / "tessdata" for place in (sys.prefix, *sys.path)]
    return next((folder for folder in folders if _languages(folder)), folders[0])


def _languages(folder: Path) -> list[str]:
    names = (file.name.removesuffix(_MODEL) for file in folder.glob(f"*{_MODEL}"))
    # English first: what Tesseract is asked for first decides between equals.
    return sorted((name for name in names if name != _MODEL_OF_DIRECTION), key=lambda name: (name != "eng", name))
