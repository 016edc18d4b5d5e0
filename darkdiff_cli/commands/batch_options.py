"""The options of `batch` alone: which files, and where the photos go."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from darkdiff_cli.commands.output_options import OutputOptions, check_suffix
from darkdiff_cli.commands.pages import check_page
from darkdiff_cli.decoder import TIMEOUT
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.formats import FORMATS, Format
from darkdiff_cli.words import counted

PAGE = "darkdiff-report.html"  # in the folder of the photos


@dataclass(frozen=True)
class FileOptions:
    """Which files of the folder are enhanced in this run."""

    panel: ClassVar[str] = "Files"
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", metavar="", help="Go into subfolders; the photos lie in the same subfolders."
        ),
    ] = False
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Take only files whose name or path matches, such as '*.ARW'. Can be given several times.",
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Leave out files whose name or path matches. Can be given several times."),
    ] = None
    min_rating: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=5,
            metavar="STARS",
            help="Take only raws with so many stars or more, by the XMP sidecar, else by the raw itself. Without a "
            "rating, or rejected, a raw has none.",
        ),
    ] = None
    checksum: Annotated[
        bool, typer.Option("--checksum", metavar="", help="Recognise files by their content instead of size and time.")
    ] = False
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", metavar="", help="Try files again that failed in an earlier run.")
    ] = False
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Seconds that decoding one file may take; then the file has failed."
        ),
    ] = TIMEOUT
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            metavar="",
            help="Go on with raws that arrive in the folder, each once it is whole, until Ctrl-C. A copy that stands "
            "still is waited for.",
        ),
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            metavar="",
            help="List what would be written, check the model and the devices, and write nothing.",
        ),
    ] = False

    def nothing(self, folder: Path, raws: int) -> InputError:
        """What is wrong where there is nothing to work on.

        Args:
            folder: of the batch.
            raws: how many there are, whatever the patterns.
        """
        if raws:
            given = [f"--include {' '.join(self.include)}"] if self.include else []
            given += [f"--exclude {' '.join(self.exclude)}"] if self.exclude else []
            which = counted(raws, "raw file")
            return InputError(f"{folder}: none of its {which} passes {' and '.join(given)}; check the patterns.")
        deeper = "" if self.recursive else ", or add --recursive if they are in subfolders"
        return InputError(f"{folder}: holds no raw files; give the folder that holds them{deeper}.")

    def none_rated(self, folder: Path, raws: int) -> InputError:
        """What is wrong where every raw has too few stars.

        Args:
            folder: of the batch.
            raws: how many there are.
        """
        which = counted(raws, "raw file")
        return InputError(
            f"{folder}: none of its {which} passes --min-rating {self.min_rating}; rate some, or give less."
        )

    def check(self, output: "FolderOutputOptions") -> None:
        """Refuse what --watch does not go with.

        Raises:
            SettingsError: such an option was given.
        """
        for name, given in (("--dry-run", self.dry_run), ("--lock-exposure", output.lock_exposure)):
            if self.watch and given:
                raise SettingsError(f"--watch does not know what will arrive, so {name} does not go with it.")


@dataclass(frozen=True)
class FolderOutputOptions(OutputOptions):
    """Where the photos of a folder go, how they are written, and the page about them."""

    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the photos. Default: darkdiff inside FOLDER.")
    ] = None
    format: Annotated[Format | None, typer.Option(help="File format of the photos. Default: jpeg.")] = None
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            metavar="",
            help="Make every photo again, also where nothing has changed, and in the place of files that this program "
            "did not make.",
        ),
    ] = False
    lock_exposure: Annotated[
        bool,
        typer.Option(
            "--lock-exposure",
            metavar="",
            help="Give every photo the ratio, the white balance and the white level of the folder's median frame, so "
            "that a time-lapse does not flicker.",
        ),
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            help="The HTML page that shows every photo before and after, and what failed. Default: "
            "darkdiff-report.html in the folder of the photos."
        ),
    ] = None
    no_report: Annotated[
        bool,
        typer.Option("--no-report", metavar="", help="Write no page, and keep no small pictures of the photos for it."),
    ] = False

    def kind(self) -> Format:
        """The format that --format names, JPEG by default."""
        return self.format or "jpeg"

    def root(self, folder: Path) -> Path:
        """The folder of the photos of a folder of raws.

        Raises:
            SettingsError: it cannot be a folder, is called like a file, or cannot be written to.
        """
        check_suffix(self.output)
        root = self.output or folder / "darkdiff"
        if root.suffix.lower() in FORMATS and not os.path.lexists(root):
            raise SettingsError(f"-o {root}: is the name of a photo, but a batch writes many; give a folder.")
        if os.path.lexists(root) and not os.path.isdir(root):
            raise SettingsError(f"-o {root}: is no folder; choose another.")
        place = root.absolute()
        while not os.path.lexists(place):
            place = place.parent
        if not os.access(place, os.W_OK):  # a card that is locked, say
            raise SettingsError(f"{root}: cannot be written to; give another folder with -o.")
        return root

    def page(self, root: Path) -> Path | None:
        """The page about the batch; None where none is wanted.

        Args:
            root: of the photos.

        Raises:
            SettingsError: it has no place, is no HTML file or somebody else's, or --report and --no-report are given
                both.
        """
        from darkdiff_cli.batch.album.page import is_page

        if self.report is None:
            page = root / PAGE
            if not self.no_report and os.path.lexists(page) and not page.is_dir() and not is_page(page):
                raise SettingsError(f"{page}: is no page of darkdiff; move it away, or give --report another name.")
            return None if self.no_report else page
        if self.no_report:
            raise SettingsError("--report names a page and --no-report wants none; drop one of them.")
        check_page(self.report, is_page)
        return self.report
