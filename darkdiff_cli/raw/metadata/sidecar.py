"""What people wrote about a photo in XMP (ISO 16684-1): in a sidecar beside the raw, or inside the raw."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from darkdiff_cli.capture import EXIF, GPS, Value
from darkdiff_cli.capture.metadata import LARGEST_XMP
from darkdiff_cli.raw.metadata.derived import DERIVED_FROM, ORIGINAL, ST_REF, XMP_MM, derived
from darkdiff_cli.raw.metadata.position import position

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
TIFF = "http://ns.adobe.com/tiff/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
PREFIXES = {
    "rdf": RDF,
    "dc": DC,
    "xmp": XMP,
    "xmpMM": XMP_MM,
    "stRef": ST_REF,
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": PHOTOSHOP,
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
}
WHOLE = ("dc", "xmpRights", "lr", "Iptc4xmpCore", "Iptc4xmpExt", "digiKam")  # carried over but for what follows
LEFT_OUT = {"dc:format", "Iptc4xmpExt:DigitalSourceType"}  # they say how the raw was made, not the photo
CARRIED = {
    *(ORIGINAL, DERIVED_FROM),
    *("xmp:Rating", "xmp:Label", "MicrosoftPhoto:Rating", "photoshop:Urgency", "photoshop:DateCreated"),
    *(f"photoshop:{name}" for name in ("AuthorsPosition", "CaptionWriter", "Category", "City", "Country", "Credit")),
    *(f"photoshop:{name}" for name in ("Headline", "Instructions", "Source", "State", "TransmissionReference")),
}
DESCRIPTION = 270  # EXIF tag
MOST_STARS = 5
LARGEST_FILE = 20_000_000  # bytes; the largest sidecars hold masks
NAMED, LONGEST_NAME = 3, 40  # properties that a note names, and letters of each

UNREADABLE = (ValueError, LookupError, RecursionError, ElementTree.ParseError)
"""What XML raises: no XML, an unknown encoding, a thousand elements inside each other."""


@dataclass
class Xmp:
    """What XMP says about a shot.

    Attributes:
        properties: XML elements by qualified name, "dc:title".
        exif: EXIF tags that say the same, so that EXIF and XMP of the photo agree.
        gps: GPS tags of a sidecar's position.
        orientation: of a sidecar.
        sources: where each property and tag comes from.
        notes: sentences for the user.
    """

    properties: dict[str, str] = field(default_factory=dict)
    exif: dict[int, Value] = field(default_factory=dict)
    gps: dict[int, Value] = field(default_factory=dict)
    orientation: int | None = None
    sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_xmp(path: Path, packet: tuple[str, bytes] | None) -> Xmp:
    """The XMP of a raw: its sidecar's, and below it what the file itself holds.

    A sidecar is IMG.ARW.xmp, or IMG.xmp unless it names another suffix as its raw's (photoshop:SidecarForExtension).
    One that cannot be read is a note.

    Args:
        path: raw file.
        packet: the source's name and the XMP packet inside the file.
    """
    xmp = Xmp()
    for sidecar in sidecars(path):
        try:
            if sidecar.stat().st_size > LARGEST_FILE:
                raise ValueError("it is too large")
            found = properties(sidecar.read_bytes())
            whose = _plain(found.get("photoshop:SidecarForExtension")).lower()
            if whose in ("", path.suffix.lower().lstrip(".")):
                _add(xmp, found, sidecar.name)
                _add_of_sidecar(xmp, found, sidecar.name)
        except (OSError, *UNREADABLE) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            xmp.notes += (f"the sidecar {sidecar.name} cannot be read ({reason}), so it does not count",)
    if packet is not None:
        with suppress(*UNREADABLE):  # the user has not written it
            _add(xmp, properties(packet[1]), packet[0])
    _fit(xmp)
    return xmp


def sidecars(path: Path) -> Iterator[Path]:
    """The sidecars of a raw that exist, the more exact name first."""
    seen: set[str] = set()
    for stem in (path.name, path.stem):
        for suffix in (".xmp", ".XMP"):
            sidecar = path.with_name(stem + suffix)
            if sidecar.is_file() and sidecar.name.lower() not in seen:
                seen.add(sidecar.name.lower())
                yield sidecar


def properties(packet: bytes) -> dict[str, Element]:
    """All properties of an XMP packet by qualified name.

    Raises:
        ParseError: no XML.
        ValueError: it declares a document type or is no XMP. Entities could blow up; XMP needs none.
    """
    parser = ElementTree.XMLParser(target=_Builder())
    parser.feed(packet.strip(b"\x00 \r\n\t"))
    root = parser.close()
    names = {uri: prefix for prefix, uri in {**PREFIXES, "tiff": TIFF}.items()}
    found: dict[str, Element] = {}
    top = [d for parent in root.iter(f"{{{RDF}}}RDF") for d in parent if d.tag == f"{{{RDF}}}Description"]
    if not top:
        raise ValueError("it is no XMP")
    for description in top:
        for key, text in description.attrib.items():
            element = Element(key)
            element.text = text
            _keep(found, names, element)
        for element in description:
            _keep(found, names, element)
    return found


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, *_declared: str | None) -> None:
        raise ValueError("it declares a document type")


def _keep(found: dict[str, Element], names: dict[str, str], element: Element) -> None:
    uri, _, name = element.tag.lstrip("{").partition("}")
    if uri in names and names[uri] != "rdf":
        element.tail = None
        found.setdefault(f"{names[uri]}:{name}", element)


def _add(xmp: Xmp, found: dict[str, Element], source: str) -> None:
    for prefix, uri in PREFIXES.items():
        ElementTree.register_namespace(prefix, uri)
    found = {name: element for name, element in found.items() if name != DERIVED_FROM} | derived(found)
    carried = {name: element for name, element in found.items() if _wanted(name) and name not in xmp.properties}
    texts = {name: ElementTree.tostring(element, encoding="unicode") for name, element in carried.items()}
    xmp.properties |= texts
    xmp.sources |= dict.fromkeys(texts, source)
    same: dict[int, Value | None] = {
        18246: _stars(_plain(carried.get("xmp:Rating"))),
        315: "; ".join(_texts(carried.get("dc:creator"))) or None,
        33432: _plain(carried.get("dc:rights")) or None,
    }
    for number, value in same.items():
        if value is not None:
            xmp.exif[number] = value
            xmp.sources[EXIF[number].name] = source


def _add_of_sidecar(xmp: Xmp, found: dict[str, Element], source: str) -> None:
    """What is believed of a sidecar alone: of the XMP inside a raw, EXIF may say more."""
    turned, caption = _plain(found.get("tiff:Orientation")), _plain(found.get("dc:description"))
    xmp.orientation = xmp.orientation or (int(turned) if turned in tuple("12345678") else None)
    if caption and DESCRIPTION not in xmp.exif:
        xmp.exif[DESCRIPTION] = caption
        xmp.sources[EXIF[DESCRIPTION].name] = source
    if not xmp.gps:
        xmp.gps = position(found)
        xmp.sources |= {GPS[number].name: source for number in xmp.gps}


def _stars(rating: str) -> int | None:
    """EXIF's rating of XMP's, which may be a fraction, and is -1 of a rejected photo; None of anything else."""
    try:
        stars = round(float(rating))
    except (ValueError, OverflowError):
        return None
    return max(stars, 0) if -1 <= stars <= MOST_STARS else None


def _wanted(name: str) -> bool:
    whole = name.split(":")[0] in WHOLE or name in CARRIED or name.startswith("exif:GPS")
    return whole and name not in LEFT_OUT


def _texts(element: Element | None) -> list[str]:
    """The texts of a property, one for each item of a list."""
    return [text.strip() for text in element.itertext() if text.strip()] if element is not None else []


def _plain(element: Element | None) -> str:
    """The text of a property; of one in several languages, the first."""
    return next(iter(_texts(element)), "")


def _fit(xmp: Xmp) -> None:
    """Leave out the longest properties until the others fit, in one note however many they are."""
    left_out: list[str] = []
    sizes = {name: len(text.encode()) for name, text in xmp.properties.items()}
    total = sum(sizes.values())
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= LARGEST_XMP:
            break
        total -= sizes[name]
        left_out.append(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")
        del xmp.properties[name], xmp.sources[name]
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        verb = "is" if len(left_out) == 1 else "are"
        names = ", ".join(left_out[:NAMED])
        xmp.notes += (f"the sidecar's {names}{more} {verb} too long for a photo's XMP and {verb} left out",)
