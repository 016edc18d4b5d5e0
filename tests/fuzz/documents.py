"""What users write or programs leave beside raws and models: sidecars, ledgers, recipes, presets, model folders."""

import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import typer

from darkdiff_cli.app import app
from darkdiff_cli.batch.album.page import save_page
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger, job_key
from darkdiff_cli.batch.plan import plan_batch, words_of
from darkdiff_cli.batch.tally import Summary
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.commands import presets
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.errors import DarkdiffError
from darkdiff_cli.model_list import list_models
from darkdiff_cli.photo import Provenance
from darkdiff_cli.raw import Exposure, RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.metadata.sidecar import read_xmp
from darkdiff_cli.training.recipe.recipe_file import load_recipe
from darkdiff_models.digest import model_digest
from darkdiff_models.model_folder import INDEX
from tests.conftest import make_pipeline
from tests.fuzz.damage import damaged
from tests.fuzz.kind import Defect, Files, Kind, refused
from tests.fuzz.seeds import mosaic
from tests.fuzz.texts import MUTATORS, json_damaged, other_value, safetensors_damaged

SIDECAR = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmp:Rating="4" tiff:Orientation="6" exif:GPSLatitude="48,51.5N"
 photoshop:SidecarForExtension="ARW">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Night at the river</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>A. Person</rdf:li><rdf:li>B. Person</rdf:li></rdf:Seq></dc:creator>
<dc:subject><rdf:Bag><rdf:li>night</rdf:li><rdf:li>bridge &amp; water</rdf:li></rdf:Bag></dc:subject>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">CC BY</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
PRESET = b"""# for the night
strength = 0.8
ratio = "auto"
wb = "tungsten"
steps = 4
guidance = 1.5
tile = 64
colour = "display-p3"
bit-depth = 8
overwrite = true
dark = ["a.dng", "b.dng"]
"""


class Sidecars(Kind):
    """XMP beside a raw."""

    name = "sidecar"

    def damaged(self, rng: random.Random) -> Files:
        name = rng.choice(("a.ARW.xmp", "a.xmp"))
        return {"a.ARW": b"", name: damaged(SIDECAR.encode(), rng, MUTATORS)}

    def tried(self, folder: Path, rng: random.Random) -> str:
        xmp = read_xmp(folder / "a.ARW", None)
        ElementTree.fromstring(Provenance({"ratio": 2.0}).xmp(xmp.properties))  # as it stands in the photo
        for note in xmp.notes:
            if "\n" in note or note.endswith(".") or len(note) > 1500:
                raise Defect(f"no note: {note!r}")
        return "refused" if xmp.notes else "read"


class Ledgers(Kind):
    """The record of a batch, and the page that is made of it."""

    name = "ledger"

    def __init__(self, workplace: Path) -> None:
        super().__init__(workplace)
        self.raws = workplace / "raws"
        self.raws.mkdir()
        self.photos = [self.raws / f"{index}.dng" for index in range(3)]
        for path in self.photos:
            path.write_bytes(b"raw")

    def damaged(self, rng: random.Random) -> Files:
        jobs = [Job(self.raws, path.name, Path("."), f"{path.stem}_darkdiff.jpg") for path in self.photos]
        words = words_of(EnhanceSettings())
        keys = [job_key(f"{job.relative}|{job.state(False)}", {**words, "output": job.photo}, "tiny") for job in jobs]
        entries = [
            asdict(
                Entry(key, job.relative, job.photo, status, "it is broken." if status == "failed" else None, 1.0, 2.0)
            )
            for key, job, status in zip(keys, jobs, ("done", "failed", "done"), strict=True)
        ]
        if rng.random() < 0.6:
            entries = [other_value(entry, rng) if rng.random() < 0.5 else entry for entry in entries]
            return {NAME: "".join(json.dumps(entry) + "\n" for entry in entries).encode(), "0_darkdiff.jpg": b""}
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        return {NAME: damaged(lines.encode(), rng, MUTATORS), "0_darkdiff.jpg": b""}

    def tried(self, folder: Path, rng: random.Random) -> str:
        jobs = [Job(self.raws, path.name, folder, f"{path.stem}_darkdiff.jpg") for path in self.photos]
        ledger = Ledger(folder)
        plan = plan_batch(jobs, ledger, EnhanceSettings(), "tiny", checksum=False, retry_failed=False)
        if plan.settled + len(plan.tasks) + len(plan.lost) != len(jobs):
            raise Defect("a raw is neither settled nor to be done")
        page = self.workplace / "page.html"
        save_page(page, self.raws, folder, ledger.entries().values(), Summary())
        return f"{plan.settled} settled"


class Recipes(Kind):
    """Recipes of training."""

    name = "recipe"

    def damaged(self, rng: random.Random) -> Files:
        folder = Path(__file__).parents[2] / "darkdiff_cli" / "recipes"
        seed = rng.choice(sorted(folder.glob("*.yaml")))
        return {"a.yaml": damaged(seed.read_bytes(), rng, MUTATORS)}

    def tried(self, folder: Path, rng: random.Random) -> str:
        try:
            load_recipe(str(folder / "a.yaml"))
        except DarkdiffError as error:
            return refused(error, "a.yaml")
        return "read"


class Presets(Kind):
    """Presets of options."""

    name = "preset"

    def damaged(self, rng: random.Random) -> Files:
        return {"a.toml": damaged(PRESET, rng, MUTATORS)}

    def tried(self, folder: Path, rng: random.Random) -> str:
        program = typer.main.get_command(app)
        name = rng.choice(("enhance", "batch", "preview"))
        above = typer.Context(program, info_name="darkdiff")
        context = typer.Context(program.commands[name], info_name=name, parent=above)
        try:
            presets._read(folder / "a.toml", context)
        except DarkdiffError as error:
            return refused(error, "a.toml")
        return "read"


class Models(Kind):
    """Folders of models: the index, the configurations, the weights."""

    name = "model"

    def __init__(self, workplace: Path) -> None:
        super().__init__(workplace)
        self.whole = workplace / "whole"
        make_pipeline().save_pretrained(self.whole)
        frame = RawFrame(mosaic(), Cfa.bayer("RGGB"), BlackLevel.uniform(512.0), 16383.0, (2.0, 1.0, 1.5))
        self.exposure = Exposure(frame, 16.0)
        self.files = sorted(path for path in self.whole.rglob("*") if path.is_file())

    def damaged(self, rng: random.Random) -> Files:
        path = rng.choice(self.files)
        name, content = path.relative_to(self.whole).as_posix(), path.read_bytes()
        if rng.random() < 0.1:
            return {name: damaged(content, rng)}
        return {name: (json_damaged if path.suffix == ".json" else safetensors_damaged)(content, rng)}

    def tried(self, folder: Path, rng: random.Random) -> str:
        [changed] = [path for path in folder.rglob("*") if path.is_file()]
        model = self.workplace / "model"
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(self.whole, model)
        shutil.copyfile(changed, model / changed.relative_to(folder))
        list_models([model])
        model_digest(model)
        try:
            enhancer = Enhancer(str(model), "cpu")
            if changed.name == INDEX or rng.random() < 0.1:
                enhancer.render(self.exposure, EnhanceSettings())
        except DarkdiffError as error:
            return refused(error, "model" if "model" in str(error) else "the frame")
        return "read"
