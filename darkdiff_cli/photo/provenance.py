"""Provenance: the note that a generative model made this picture, as XMP and as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from xml.sax.saxutils import quoteattr

# IPTC Digital Source Type NewsCodes: a capture that a trained model has altered.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAMESPACE = "urn:darkdiff:provenance:1.0/"


@dataclass(frozen=True)
class Provenance:
    """How a picture was made, in enough detail to make it again.

    Attributes:
        settings: name and value of everything that determines the picture, in the order of output.
    """

    settings: dict[str, str | int | float]

    @property
    def software(self) -> str:
        """Name and version of the program."""
        return f"darkdiff {version('darkdiff')}"

    def sentence(self) -> str:
        """One sentence for people, short enough for a caption; all settings are in the XMP."""
        model = f", model {self.settings['model']}" if "model" in self.settings else ""
        return f"Enhanced by a generative diffusion model ({self.software}{model}); fine detail may be invented."

    def xmp(self, carried: Mapping[str, str] | None = None) -> bytes:
        """An XMP packet (ISO 16684-1) with IPTC's digital source type and every setting.

        Args:
            carried: further properties, XML elements by qualified name.
        """
        own = " ".join(f"darkdiff:{name}={quoteattr(str(value))}" for name, value in self.settings.items())
        packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:darkdiff="{NAMESPACE}"
 xmp:CreatorTool={quoteattr(self.software)} Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}" {own}>
{"".join(f"{element}{chr(10)}" for element in (carried or {}).values())}</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
        return packet.encode("utf-8")
