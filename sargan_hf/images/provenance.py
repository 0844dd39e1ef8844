"""The note in every saved edit that a trained model changed the picture.

It follows the IPTC Photo Metadata Standard, property Digital Source Type. Its term is that for "a composite in which trained
algorithmic media takes part" of http://cv.iptc.org/newscodes/digitalsourcetype/. The note is XMP. PNG files also carry it as
text that every viewer shows, GIF files as their comment. Beside it lies the recipe of the edit, JSON that `editing.recipe`
writes and reads, so that an edited file says how to make the same edit of another picture.
"""

import logging
import os
import zlib
from collections.abc import Mapping
from html import escape
from typing import Any, BinaryIO, cast
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .._version import __version__
from ..errors import ImageError

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
SOFTWARE = f"sargan_hf {__version__}"
TIFF_XMP_TAG = 700
XMP_FORMATS = ("JPEG", "MPO", "WEBP", "AVIF")  # whose writers take an XMP packet
NOTED_FORMATS = (*XMP_FORMATS, "PNG", "TIFF", "GIF", "ICO")  # ICO: the PNG files in it have the note
LONGEST_COMMENT = (
    140  # with the rest of the note one block of a GIF's comment, 255 bytes, so that it is found in one piece
)
LONGEST_RECIPE = 20_000  # characters; one with a map of a region can be longer than any metadata should be
LONGEST_DESCRIPTION = 4000  # a crowd has a sentence for each face; a JPEG's XMP ends at 65,502 bytes

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SARGAN = "urn:sargan:edit:1:"
_PNG_XMP = b"XML:com.adobe.xmp"

_PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""
    xmlns:dc="{_DC}"
    xmlns:xmp="{_XMP}"
    xmlns:Iptc4xmpExt="{_IPTC}">
   <Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{SOFTWARE}</xmp:CreatorTool>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{{description}}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
_RECIPE = f'   <sargan:Recipe xmlns:sargan="{_SARGAN}">{{}}</sargan:Recipe>\n'
_END = "  </rdf:Description>"

log = logging.getLogger(__name__)


def xmp_packet(description: str, own: bytes | str | None = None, recipe: str | None = None) -> bytes:
    """An XMP packet (UTF-8) with the digital source type, the software and `description`.

    Args:
        description: of the edit, a sentence.
        own: a packet of the caller's, to put the note into; a description in it is added to, a creator tool stays.
        recipe: of the edit, JSON; left out where it is longer than `LONGEST_RECIPE`.

    Raises:
        ImageError: `own` is no XMP packet.
    """
    text = escape(_cut(description), quote=False)
    packet = _with_recipe(_PACKET.format(description=text), recipe).encode("utf-8")
    own = own.encode("utf-8") if isinstance(own, str) else own
    if not own:
        return packet
    if _is_noted(own, text, recipe):
        return own
    return _merged(own, packet)


def recipe_in(source: str | os.PathLike | BinaryIO) -> str | None:
    """The recipe in the metadata of an edited picture, JSON; None where there is none, or the file is no picture."""
    try:
        with Image.open(source) as image:
            xmp = image.info.get("xmp") or image.info.get(_PNG_XMP.decode())
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ):  # what Pillow raises on what it cannot read
        return None
    xmp = xmp.encode("utf-8") if isinstance(xmp, str) else xmp
    if not xmp or _SARGAN.encode() not in xmp:
        return None
    try:
        document = minidom.parseString(xmp.strip(b"\0 \r\n\t"))
    except (ExpatError, ValueError):
        return None
    for element in document.getElementsByTagNameNS(_SARGAN, "Recipe"):
        return "".join(cast("minidom.Text", part).data for part in element.childNodes)
    for element in document.getElementsByTagNameNS(_RDF, "Description"):  # as other programs write it anew
        if element.hasAttributeNS(_SARGAN, "Recipe"):
            return element.getAttributeNS(_SARGAN, "Recipe")
    return None


def noted_parameters(
    format: str, description: str, given: Mapping[str, Any], recipe: str | None = None
) -> dict[str, Any]:
    """Parameters of Pillow's writer for `format` that put the note into the file, beside what the caller gives.

    Args:
        format: one of `NOTED_FORMATS`.
        description: of the edit, a sentence.
        given: the caller's parameters; of `xmp`, `pnginfo`, `tiffinfo` and `comment` nothing is lost.
        recipe: of the edit, JSON; a GIF has no room for it.

    Raises:
        ImageError: the caller's XMP is no XMP packet.
    """
    description, xmp = _cut(description), given.get("xmp")
    if format in XMP_FORMATS:
        return {"xmp": xmp_packet(description, xmp, recipe)}
    if format == "PNG":
        return {"pnginfo": _png_text(description, given.get("pnginfo"), xmp, recipe)}
    if format == "TIFF":
        tags = _copied(given.get("tiffinfo"))
        tags[TIFF_XMP_TAG] = xmp_packet(description, xmp or tags.get(TIFF_XMP_TAG), recipe)
        return {"tiffinfo": tags}
    if format == "GIF":
        comment = given.get("comment", b"")
        comment = comment.encode("utf-8") if isinstance(comment, str) else comment
        note = comment_note(description).encode("utf-8")
        return {"comment": comment if note in comment else b"\n".join(part for part in (note, comment) if part)}
    return {}


def comment_note(description: str) -> str:
    """The note in one line, for files that have room for a comment only."""
    return f"{_cut(description, LONGEST_COMMENT)} {DIGITAL_SOURCE_TYPE} ({SOFTWARE})"


def _cut(description: str, longest: int = LONGEST_DESCRIPTION) -> str:
    return description if len(description) <= longest else f"{description[: longest - 3]}..."


def _is_noted(own: bytes, text: str, recipe: str | None) -> bool:
    """Whether the caller's packet has been given this very note already."""
    wanted = [DIGITAL_SOURCE_TYPE, text, *([escape(recipe, quote=False)] if recipe else [])]
    return all(part.encode() in own for part in wanted)


def _with_recipe(packet: str, recipe: str | None) -> str:
    if not recipe:
        return packet
    if len(recipe) > LONGEST_RECIPE:
        log.warning("The recipe of the edit is left out of the file: %d characters are too long for it.", len(recipe))
        return packet
    return packet.replace(_END, _RECIPE.format(escape(recipe, quote=False)) + _END, 1)


def _merged(own: bytes, packet: bytes) -> bytes:
    """The caller's packet with the properties of ours, each once."""
    try:
        document = minidom.parseString(own.strip(b"\0 \r\n\t"))
        target = document.getElementsByTagNameNS(_RDF, "RDF")[0]
    except (ExpatError, IndexError, ValueError) as error:
        raise ImageError(f"xmp= is not an XMP packet ({error}): give a whole one, or leave it out.") from error
    note = minidom.parseString(packet).getElementsByTagNameNS(_RDF, "Description")[0]
    note.setAttribute("xmlns:rdf", _RDF)  # the caller's packet may have another prefix for it
    _remove(target, _IPTC, "DigitalSourceType")
    _remove(target, _SARGAN, "Recipe")
    descriptions = target.getElementsByTagNameNS(_DC, "description")
    entries = [entry for each in descriptions for entry in each.getElementsByTagNameNS(_RDF, "li")]
    if entries:
        usual = [entry for entry in entries if entry.getAttribute("xml:lang") == "x-default"]
        text = note.getElementsByTagNameNS(_RDF, "li")[0].childNodes[0]
        sentence = cast("minidom.Text", text).data
        (usual or entries)[0].appendChild(document.createTextNode(f" {sentence}"))
        _remove(note, _DC, "description")
    if any(each.hasAttributeNS(_XMP, "CreatorTool") for each in target.getElementsByTagNameNS(_RDF, "Description")) or (
        target.getElementsByTagNameNS(_XMP, "CreatorTool")
    ):
        _remove(note, _XMP, "CreatorTool")
    target.appendChild(document.importNode(note, True))
    opening, closing = packet.split(b"\n", 1)[0], packet.rsplit(b"\n", 1)[1]
    return b"\n".join([opening, cast("minidom.Element", document.documentElement).toxml().encode("utf-8"), closing])


def _remove(element: minidom.Element, namespace: str, name: str) -> None:
    """Takes a property out, in both ways that it may be written: as an element and as an attribute."""
    for found in element.getElementsByTagNameNS(namespace, name):
        if found.parentNode is not None:
            found.parentNode.removeChild(found)
    for description in element.getElementsByTagNameNS(_RDF, "Description"):
        if description.hasAttributeNS(namespace, name):
            description.removeAttributeNS(namespace, name)


def _png_text(description: str, own: PngInfo | None, xmp: bytes | str | None, recipe: str | None = None) -> PngInfo:
    text, taken = PngInfo(), set()
    for kind, data, *rest in getattr(own, "chunks", ()):
        keyword = data.split(b"\0", 1)[0]
        if kind == b"iTXt" and keyword == _PNG_XMP:
            xmp = xmp or _international_text(data)
        elif keyword != b"DigitalSourceType":
            text.add(kind, data, *rest)
            taken.add(keyword)
    text.add_itxt(_PNG_XMP.decode(), xmp_packet(description, xmp, recipe).decode("utf-8"))
    text.add_text("DigitalSourceType", DIGITAL_SOURCE_TYPE)
    if b"Software" not in taken:
        text.add_text("Software", SOFTWARE)
    if b"Comment" not in taken:
        text.add_itxt("Comment", description)
    return text


def _international_text(data: bytes) -> bytes:
    """The text of an iTXt chunk: keyword, 0, compressed, method, language, 0, translated keyword, 0, text."""
    _, rest = data.split(b"\0", 1)
    text = rest[2:].split(b"\0", 2)[2]
    return zlib.decompress(text) if rest[0] else text


def _copied(tags: Any) -> ImageFileDirectory_v2:
    copy = ImageFileDirectory_v2()
    for tag in tags or ():
        copy[tag] = tags[tag]
        if tag in getattr(tags, "tagtype", ()):
            copy.tagtype[tag] = tags.tagtype[tag]
    return copy
