"""The note in every saved edit that a trained model changed the picture.

Follows the IPTC Photo Metadata Standard, property Digital Source Type, with the term for "a composite in which trained
algorithmic media takes part" of http://cv.iptc.org/newscodes/digitalsourcetype/; it travels as XMP, and in PNG files as text
that every viewer shows.
"""

from html import escape

from PIL.PngImagePlugin import PngInfo

from .._version import __version__

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SOFTWARE = f"sargan_hf {__version__}"
TIFF_XMP_TAG = 700

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{software}</xmp:CreatorTool>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def xmp_packet(description: str) -> bytes:
    """An XMP packet (UTF-8) with the digital source type, the software and `description`."""
    text = _PACKET.format(
        source_type=DIGITAL_SOURCE_TYPE, software=SOFTWARE, description=escape(description, quote=False)
    )
    return text.encode("utf-8")


def provenance_parameters(format: str, description: str) -> dict[str, object]:
    """Parameters of Pillow's writer for `format` that put the note into the file; empty where the format has no place."""
    packet = xmp_packet(description)
    if format in ("JPEG", "WEBP", "AVIF"):
        return {"xmp": packet}
    if format == "TIFF":
        return {"tiffinfo": {TIFF_XMP_TAG: packet}}
    if format == "PNG":
        return {"pnginfo": _png_text(packet, description)}
    return {}


def _png_text(packet: bytes, description: str) -> PngInfo:
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet.decode("utf-8"))
    text.add_text("Software", SOFTWARE)
    text.add_itxt("Comment", description)
    text.add_text("DigitalSourceType", DIGITAL_SOURCE_TYPE)
    return text
