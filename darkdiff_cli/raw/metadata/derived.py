"""Of which file a photo was made, in the words of XMP Media Management (XMP specification, part 2, 2.2)."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

XMP_MM = "http://ns.adobe.com/xap/1.0/mm/"
ST_REF = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ORIGINAL, DOCUMENT, INSTANCE = "xmpMM:OriginalDocumentID", "xmpMM:DocumentID", "xmpMM:InstanceID"
DERIVED_FROM = "xmpMM:DerivedFrom"


def derived(found: Mapping[str, Element]) -> dict[str, Element]:
    """What the XMP of a photo says of its raw: the original's identifier stays, and DerivedFrom names the raw itself.

    Args:
        found: properties of the raw's XMP by qualified name; its own DerivedFrom is of the file that it came from.

    Returns:
        Properties by qualified name; empty where the raw has no identifier.
    """
    known = {name: (found[name].text or "").strip() for name in (ORIGINAL, DOCUMENT, INSTANCE) if name in found}
    original = known.get(ORIGINAL) or known.get(DOCUMENT)
    parts = (("documentID", known.get(DOCUMENT)), ("instanceID", known.get(INSTANCE)), ("originalDocumentID", original))
    if not any(known.values()):
        return {}
    reference = Element(f"{{{XMP_MM}}}DerivedFrom", {f"{{{RDF}}}parseType": "Resource"})
    for name, identifier in parts:
        if identifier:
            part = Element(f"{{{ST_REF}}}{name}")
            part.text = identifier
            reference.append(part)
    made = {DERIVED_FROM: reference}
    if original:
        made[ORIGINAL] = Element(f"{{{XMP_MM}}}OriginalDocumentID")
        made[ORIGINAL].text = original
    return made
