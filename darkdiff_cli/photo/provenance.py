"""The note that a generative model made this picture, as XMP and as text."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from xml.sax.saxutils import quoteattr

# IPTC Digital Source Type NewsCodes: a capture that a trained model has altered.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAMESPACE = "urn:darkdiff:provenance:1.0/"


@dataclass(frozen=True)
class Provenance:
    """How a picture was made, enough to make it again.

    Attributes:
        model: name of the checkpoint.
        seed, steps, guidance, sampler: of the diffusion.
        views: of the photo whose pictures were averaged.
        ratio: amplification ratio.
        white: which light became white, "auto" or "file".
    """

    model: str
    seed: int
    steps: int
    guidance: float
    sampler: str
    views: int
    ratio: float
    white: str

    @property
    def software(self) -> str:
        """Name and version of the program."""
        return f"darkdiff {version('darkdiff')}"

    def sentence(self) -> str:
        """One sentence for people."""
        numbers = {k: f"{v:g}" if isinstance(v, float) else v for k, v in asdict(self).items()}
        settings = ", ".join(f"{name} {value}" for name, value in numbers.items())
        return f"Enhanced by a generative diffusion model ({self.software}: {settings}); fine detail may be invented."

    def xmp(self) -> bytes:
        """An XMP packet (ISO 16684-1) with IPTC's digital source type and every setting."""
        own = " ".join(f"darkdiff:{name}={quoteattr(str(value))}" for name, value in asdict(self).items())
        packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:darkdiff="{NAMESPACE}"
 xmp:CreatorTool={quoteattr(self.software)} Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}" {own}/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
        return packet.encode("utf-8")
