"""What a worker is told. Needs no torch."""

from dataclasses import dataclass

from darkdiff_cli.enhancer import EnhanceSettings


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs to begin; can be sent to another process or machine.

    Attributes:
        model: "tiny", a folder, or a hub id.
        picture: what decides every photo.
        timeout: seconds that one file may take to decode.
        checksum: raws are known by their content.
        previews: keep small pictures of each photo for the page.
        device: that the networks run on.
        compile: have the denoiser compiled.
    """

    model: str
    picture: EnhanceSettings
    timeout: float
    checksum: bool = False
    previews: bool = False
    device: str = "auto"
    compile: bool = False
