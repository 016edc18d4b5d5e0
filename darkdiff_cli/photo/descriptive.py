"""Descriptive metadata of a photo as XMP: what people wrote in the raw's XMP, and what only its EXIF says."""

from xml.sax.saxutils import escape

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.capture.metadata import LARGEST_XMP

DC, RDF = "http://purl.org/dc/elements/1.1/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
DESCRIPTION, ARTIST, COPYRIGHT, RATING = 270, 315, 33432, 18246  # EXIF tags
RATINGS = range(6)  # stars


def descriptive(capture: CaptureMetadata) -> dict[str, str]:
    """XMP properties by qualified name, each an XML element.

    EXIF's Rating, Artist, Copyright and ImageDescription stand for xmp:Rating, dc:creator, dc:rights and dc:description
    (Metadata Working Group, Guidelines 2.0, chapter 5) where the raw's XMP has none of its own, and where they fit.
    """
    found = dict(capture.xmp)
    size = sum(len(text.encode()) for text in found.values())
    for name, element in _said_by_exif(capture).items():
        length = len(element.encode())
        if name not in found and size + length <= LARGEST_XMP:
            found[name] = element
            size += length
    return found


def _said_by_exif(capture: CaptureMetadata) -> dict[str, str]:
    found, exif = {}, capture.exif
    rating = exif.get(RATING)
    if isinstance(rating, int) and rating in RATINGS:
        found["xmp:Rating"] = f'<xmp:Rating xmlns:xmp="{XMP}">{rating}</xmp:Rating>'
    creators = [name.strip() for name in str(exif.get(ARTIST, "")).split(";") if name.strip()]
    if creators:
        items = "".join(f"<rdf:li>{escape(name)}</rdf:li>" for name in creators)
        found["dc:creator"] = _dublin_core("creator", f"<rdf:Seq>{items}</rdf:Seq>")
    for name, number in (("rights", COPYRIGHT), ("description", DESCRIPTION)):
        if number in exif:
            item = f'<rdf:li xml:lang="x-default">{escape(str(exif[number]))}</rdf:li>'
            found[f"dc:{name}"] = _dublin_core(name, f"<rdf:Alt>{item}</rdf:Alt>")
    return found


def _dublin_core(name: str, value: str) -> str:
    return f'<dc:{name} xmlns:dc="{DC}" xmlns:rdf="{RDF}">{value}</dc:{name}>'
