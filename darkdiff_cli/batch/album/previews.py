"""The store of the small pictures: a file for each photo beside the photos, so that a later run can show it too."""

import base64
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from darkdiff_cli.batch.album.pictures import pictures_of
from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.capture.words import camera, f_number, moment, shutter
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import atomically, output_error, remove_partials
from darkdiff_cli.formats import Format

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Rendered

FOLDER = ".darkdiff-previews"  # in the folder of the photos
LARGEST = 1_000_000  # bytes of a preview that is read; see `pictures` for what they take
SHOWN = frozenset[Format]({"jpeg", "png", "webp", "avif"})  # what every current browser shows


@dataclass(frozen=True)
class Preview:
    """What the page shows of a photo beside the photo itself.

    Attributes:
        key: of input and settings, see `ledger.job_key`; another key is another photo.
        width, height: of the photo in pixels.
        crop: left, top, width and height of the part at 1:1, in pixels of the photo.
        shot: what the camera did, by name: "Shutter": "1/30 s".
        before, crop_before: JPEG files in base64 of the amplified raw, whole and in part.
        after, crop_after: the same of the photo; None where a browser shows the photo itself.
    """

    key: str
    width: int
    height: int
    crop: tuple[int, int, int, int]
    shot: dict[str, str]
    before: str
    crop_before: str
    after: str | None = None
    crop_after: str | None = None


def make_preview(key: str, rendered: "Rendered", kind: Format) -> Preview:
    """Make the preview of a photo.

    Args:
        key: of input and settings.
        rendered: the photo and the frame that it was made of.
        kind: format of the photo's file.
    """
    made = pictures_of(rendered, kind not in SHOWN)
    top, left, height, width = made.crop
    return Preview(
        key,
        *made.size,
        crop=(left, top, width, height),
        shot=shot_of(rendered.exposure.frame.metadata),
        before=_text(made.before),
        crop_before=_text(made.crop_before),
        after=None if made.after is None else _text(made.after),
        crop_after=None if made.crop_after is None else _text(made.crop_after),
    )


def shot_of(metadata: CaptureMetadata) -> dict[str, str]:
    """What is known of camera and exposure, in words by name; no position."""
    words = {
        "Shutter": shutter(metadata.exposure_time),
        "Aperture": f_number(metadata.aperture),
        "ISO": None if metadata.speed is None else str(metadata.speed),
        "Camera": camera(metadata.make, metadata.model),
        "Taken": moment(metadata.date),
    }
    return {name: text for name, text in words.items() if text}


def keep_preview(root: Path, photo: str, preview: Preview) -> None:
    """Write a preview, whole or not at all; one of an earlier photo is replaced.

    Args:
        root: folder of the photos; it is there.
        photo: the photo inside it.
        preview: of the photo.

    Raises:
        OutputError: it cannot be written. The sentence names the folder of the photos: nobody knows the preview's.
    """
    place = _place(root, photo)
    if place.parent.is_symlink():  # it may lead to any folder of the user's
        raise OutputError(f"{place.parent}: is a link, which is not written through; remove it.")
    try:
        place.parent.mkdir(exist_ok=True)
        remove_partials(place)  # of a run that was killed; whoever made the photo has its claim
        atomically(place, lambda partial: partial.write_text(json.dumps(asdict(preview)), "ascii"), make_folder=False)
    except FileExistsError as error:
        raise OutputError(f"{place.parent}: is no folder, and previews belong there; move it away.") from error
    except OSError as error:
        raise output_error(root, error) from error
    except OutputError as error:
        raise (output_error(root, error.__cause__) if isinstance(error.__cause__, OSError) else error) from error


def kept_preview(root: Path, photo: str, key: str) -> Preview | None:
    """The preview of a photo; None where none was kept for this key.

    Args:
        root: folder of the photos.
        photo: the photo inside it.
        key: of input and settings.
    """
    place = _place(root, photo)
    try:
        if place.parent.is_symlink() or not S_ISREG(place.lstat().st_mode) or place.lstat().st_size > LARGEST:
            return None
        preview = Preview(**json.loads(place.read_text("ascii")))
    except (OSError, ValueError, TypeError, RecursionError):  # none, a torn one, one of another version
        return None
    return preview if preview.key == key and _is_whole(preview) else None


def _is_whole(preview: Preview) -> bool:
    """Whether everything in a preview that was read is of its kind."""
    numbers = (preview.width, preview.height, *(preview.crop if isinstance(preview.crop, list) else ()))
    texts = (preview.before, preview.crop_before, preview.after or "", preview.crop_after or "")
    return (
        len(numbers) == 6
        and all(type(number) is int for number in numbers)
        and all(isinstance(text, str) for text in texts)
        and isinstance(preview.shot, dict)
    )


def _place(root: Path, photo: str) -> Path:
    digest = hashlib.blake2b(os.fsencode(photo), digest_size=16)  # photos in subfolders, and names of any length
    return root / FOLDER / f"{digest.hexdigest()}.json"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
