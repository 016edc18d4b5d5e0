"""The identifiers of a raw in the XMP of its photo."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.raw.metadata import OWN_EXIF, read_metadata

MM, REFERENCE = "{http://ns.adobe.com/xap/1.0/mm/}", "{http://ns.adobe.com/xap/1.0/sType/ResourceRef#}"
SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" {ids}>
<xmpMM:DerivedFrom stRef:documentID="grandparent"/>
<xmpMM:History><rdf:Seq><rdf:li>saved</rdf:li></rdf:Seq></xmpMM:History>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("ids", "original", "reference"),
    [
        (
            {"OriginalDocumentID": "first", "DocumentID": "xmp.did:2", "InstanceID": "xmp.iid:3"},
            "first",
            {"documentID": "xmp.did:2", "instanceID": "xmp.iid:3", "originalDocumentID": "first"},
        ),
        ({"DocumentID": "xmp.did:2"}, "xmp.did:2", {"documentID": "xmp.did:2", "originalDocumentID": "xmp.did:2"}),
        ({"InstanceID": "xmp.iid:3"}, None, {"instanceID": "xmp.iid:3"}),
        ({}, None, None),
    ],
)
def test_a_photo_is_derived_from_its_raw(ids: dict, original, reference, dark_dng: Path, tmp_path: Path) -> None:
    raw = Path(shutil.copy(dark_dng, tmp_path / "IMG.dng"))
    words = " ".join(f'xmpMM:{name}="{value}"' for name, value in ids.items())
    (tmp_path / "IMG.xmp").write_text(SIDECAR.replace("{ids}", words), encoding="utf-8")
    shot = read_metadata(raw, None, (OWN_EXIF,))
    picture = np.full((20, 30, 3), 0.5, np.float32)
    write_photo(tmp_path / "a.jpg", picture, shot, Provenance({"seed": 7}), PhotoSettings())
    content = (tmp_path / "a.jpg").read_bytes()
    root = ElementTree.fromstring(content[content.index(b"<x:xmpmeta") : content.index(b"</x:xmpmeta>") + 12])
    found = {element.tag.removeprefix(MM): element for element in root.iter() if element.tag.startswith(MM)}
    assert found.keys() == {
        *(["OriginalDocumentID"] if original else []),
        *(["DerivedFrom"] if reference else []),
    }
    if original:
        assert found["OriginalDocumentID"].text == original
    if reference:
        assert {part.tag.removeprefix(REFERENCE): part.text for part in found["DerivedFrom"]} == reference
    assert not any(MM in name for element in root.iter() for name in element.attrib)
