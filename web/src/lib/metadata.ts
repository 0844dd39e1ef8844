import { unzlibSync, zlibSync } from "fflate";
import type { Note } from "./provenance";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is put into a file beside its pixels. */
export interface Metadata {
  /** An ICC profile. */
  profile?: Bytes | undefined;
  /** EXIF as a TIFF file, without a prefix. */
  exif?: Bytes | undefined;
  note?: Note | undefined;
  xmp?: string | undefined;
}

const COLOUR_CHUNKS = ["sRGB", "iCCP", "gAMA", "cHRM"];
const ICC_SEGMENT = 65_519; // bytes of a profile that one segment of a JPEG holds
const EXIF_PREFIX = "Exif\0\0";
const NO_FRAMES: readonly number[] = [0xc4, 0xc8, 0xcc]; // markers among those of frames: tables, and one that is reserved
const LONGEST_SEGMENT = 65_533; // bytes that a segment of a JPEG holds
const PNG_START = 8;
const PNG_HEADER_END = 33;
const VP8X_FLAGS = { profile: 0x20, alpha: 0x10, exif: 0x08, xmp: 0x04 };

/** The ICC profile and the EXIF of a JPEG, PNG or WebP file, each undefined where there is none. */
export function metadataOf(file: Bytes): Pick<Metadata, "profile" | "exif"> {
  if (file[0] === 0xff && file[1] === 0xd8) return jpegMetadata(file);
  if (textAt(file, 1, 3) === "PNG") return pngMetadata(file);
  if (textAt(file, 8, 4) !== "WEBP") return {};
  const chunks = riffChunks(file);
  const exif = chunks.find(({ kind }) => kind === "EXIF")?.data;
  return { profile: chunks.find(({ kind }) => kind === "ICCP")?.data, exif: exif && withoutPrefix(exif) };
}

/** Whether an ICC profile describes colours of red, green and blue. */
export function isOfRgb(profile: Bytes): boolean {
  return textAt(profile, 16, 4) === "RGB ";
}

function jpegMetadata(file: Bytes): Pick<Metadata, "profile" | "exif"> {
  const parts: [number, Bytes][] = [];
  let exif: Bytes | undefined;
  for (const segment of jpegSegments(file)) {
    const { marker, data } = segment;
    if (isOfProfile(segment)) parts.push([data[12]!, data.slice(14)]);
    if (marker === 0xe1 && textAt(data, 0, 6) === EXIF_PREFIX) exif ??= data.slice(6);
  }
  parts.sort((one, other) => one[0] - other[0]);
  return { profile: parts.length ? joined(parts.map((part) => part[1])) : undefined, exif };
}

/** The channels of a JPEG, as its frame says: 4 are CMYK. 0 where there is no frame. */
export function jpegChannels(file: Bytes): number {
  const frame = jpegSegments(file).find(({ marker }) => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker));
  return frame?.data[5] ?? 0;
}

interface Segment {
  marker: number;
  data: Bytes;
  /** Where it lies in the file, with its marker and length. */
  start: number;
  end: number;
}

function isOfProfile({ marker, data }: Segment): boolean {
  return marker === 0xe2 && textAt(data, 0, 11) === "ICC_PROFILE";
}

/** The segments of a JPEG before its pixels. */
function jpegSegments(file: Bytes): Segment[] {
  const segments: Segment[] = [];
  let at = 2;
  while (at + 4 <= file.length && file[at] === 0xff && file[at + 1] !== 0xda) {
    const end = at + 2 + file[at + 2]! * 256 + file[at + 3]!;
    segments.push({ marker: file[at + 1]!, data: file.subarray(at + 4, end), start: at, end });
    at = end;
  }
  return segments;
}

function pngMetadata(file: Bytes): Pick<Metadata, "profile" | "exif"> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found: Pick<Metadata, "profile" | "exif"> = {};
  for (let at = PNG_START; at + 12 <= file.length; at += 12 + view.getUint32(at)) {
    const [kind, data] = [textAt(file, at + 4, 4), file.slice(at + 8, at + 8 + view.getUint32(at))];
    if (kind === "eXIf") found.exif = withoutPrefix(data);
    if (kind !== "iCCP") continue;
    try {
      found.profile = new Uint8Array(unzlibSync(data.subarray(data.indexOf(0) + 2)));
    } catch {
      continue; // damaged: the picture matters more
    }
  }
  return found;
}

function withoutPrefix(exif: Bytes): Bytes {
  return textAt(exif, 0, 6) === EXIF_PREFIX ? exif.slice(6) : exif;
}

/** A JPEG with an XMP packet and a colour profile behind its start. */
export function withJpegMetadata(written: Bytes, { profile, exif, xmp }: Metadata): Bytes {
  const file = profile ? withoutJpegProfile(written) : written; // browsers write one of sRGB, and two cannot be read
  const segments: Bytes[] = [];
  if (exif && exif.length + EXIF_PREFIX.length <= LONGEST_SEGMENT) segments.push(jpegSegment(0xe1, latin(EXIF_PREFIX), exif));
  if (xmp) segments.push(jpegSegment(0xe1, latin("http://ns.adobe.com/xap/1.0/\0"), utf8(xmp)));
  if (profile) {
    const count = Math.ceil(profile.length / ICC_SEGMENT);
    for (let n = 0; n < count; n++) {
      const part = profile.slice(n * ICC_SEGMENT, (n + 1) * ICC_SEGMENT);
      segments.push(jpegSegment(0xe2, latin("ICC_PROFILE\0"), Uint8Array.of(n + 1, count), part));
    }
  }
  // JFIF wants its own segment first.
  const start = file[2] === 0xff && file[3] === 0xe0 ? 4 + file[4]! * 256 + file[5]! : 2;
  return joined([file.slice(0, start), ...segments, file.slice(start)]);
}

function withoutJpegProfile(file: Bytes): Bytes {
  const parts: Bytes[] = [];
  let at = 0;
  for (const { start, end } of jpegSegments(file).filter(isOfProfile)) {
    parts.push(file.subarray(at, start));
    at = end;
  }
  return joined([...parts, file.subarray(at)]);
}

function jpegSegment(marker: number, ...parts: Bytes[]): Bytes {
  const length = 2 + parts.reduce((sum, part) => sum + part.length, 0);
  return joined([Uint8Array.of(0xff, marker, length >> 8, length & 255), ...parts]);
}

/** A PNG with text, an XMP packet and a colour profile behind its header, as Python writes them. */
export function withPngMetadata(file: Bytes, { profile, exif, note, xmp }: Metadata): Bytes {
  const chunks: Bytes[] = [];
  if (exif) chunks.push(pngChunk("eXIf", exif));
  if (profile) chunks.push(pngChunk("iCCP", joined([latin("ICC Profile\0\0"), new Uint8Array(zlibSync(profile))])));
  if (note && xmp) {
    chunks.push(pngChunk("iTXt", joined([latin("XML:com.adobe.xmp\0\0\0\0\0"), utf8(xmp)])));
    chunks.push(pngChunk("tEXt", latin(`DigitalSourceType\0${note.digitalSourceType}`)));
    chunks.push(pngChunk("tEXt", latin(`Software\0${note.software}`)));
    chunks.push(pngChunk("iTXt", joined([latin("Comment\0\0\0\0\0"), utf8(note.description)])));
  }
  const kept = profile ? withoutChunks(file, COLOUR_CHUNKS) : file; // what would contradict the profile
  return joined([kept.slice(0, PNG_HEADER_END), ...chunks, kept.slice(PNG_HEADER_END)]);
}

/** A PNG or WebP without its EXIF, so that no browser turns it: some do, some do not, whatever they are told. */
export function withoutExif(file: Bytes): Bytes {
  if (textAt(file, 1, 3) === "PNG") return withoutChunks(file, ["eXIf"]);
  const kept = riffChunks(file).filter(({ kind }) => kind !== "EXIF");
  return riffChunk("RIFF", joined([latin("WEBP"), ...kept.map(({ kind, data }) => riffChunk(kind, data))]));
}

function withoutChunks(file: Bytes, kinds: readonly string[]): Bytes {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const parts = [file.slice(0, PNG_START)];
  for (let at = PNG_START; at + 12 <= file.length; ) {
    const next = at + 12 + view.getUint32(at);
    if (!kinds.includes(textAt(file, at + 4, 4))) parts.push(file.slice(at, next));
    at = next;
  }
  return joined(parts);
}

function pngChunk(kind: string, data: Bytes): Bytes {
  const body = joined([latin(kind), data]);
  const frame = new Uint8Array(body.length + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, data.length);
  frame.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  return frame;
}

/** A WebP in the extended form, with a colour profile and an XMP packet. */
export function withWebpMetadata(file: Bytes, { profile, exif, xmp }: Metadata): Bytes {
  if (!profile && !exif && !xmp) return file;
  const chunks = riffChunks(file);
  const own = chunks.find(({ kind }) => kind === "VP8X")?.data;
  const head = own ? own.slice() : webpHeader(chunks);
  head[0]! |= (profile ? VP8X_FLAGS.profile : 0) | (exif ? VP8X_FLAGS.exif : 0) | (xmp ? VP8X_FLAGS.xmp : 0);
  const pixels = chunks.filter(({ kind }) => !["VP8X", "ICCP", "EXIF", "XMP "].includes(kind));
  const all = [
    { kind: "VP8X", data: head },
    ...(profile ? [{ kind: "ICCP", data: profile }] : []),
    ...pixels,
    ...(exif ? [{ kind: "EXIF", data: exif }] : []),
    ...(xmp ? [{ kind: "XMP ", data: utf8(xmp) }] : []),
  ];
  const body = joined([latin("WEBP"), ...all.map(({ kind, data }) => riffChunk(kind, data))]);
  return riffChunk("RIFF", body);
}

/** The VP8X chunk of a simple file: flags and size, the latter as its pixels say. */
function webpHeader(chunks: { kind: string; data: Bytes }[]): Bytes {
  const lossless = chunks.find(({ kind }) => kind === "VP8L");
  const data = (lossless ?? chunks.find(({ kind }) => kind === "VP8 "))!.data;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const bits = lossless ? view.getUint32(1, true) : 0;
  const width = lossless ? (bits & 0x3fff) + 1 : view.getUint16(6, true) & 0x3fff;
  const height = lossless ? ((bits >> 14) & 0x3fff) + 1 : view.getUint16(8, true) & 0x3fff;
  const head = new Uint8Array(10);
  head[0] = lossless && (bits >> 28) & 1 ? VP8X_FLAGS.alpha : 0;
  for (let n = 0; n < 3; n++) {
    head[4 + n] = ((width - 1) >> (8 * n)) & 255;
    head[7 + n] = ((height - 1) >> (8 * n)) & 255;
  }
  return head;
}

function riffChunks(file: Bytes): { kind: string; data: Bytes }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const chunks = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const length = view.getUint32(at + 4, true);
    chunks.push({ kind: textAt(file, at, 4), data: file.slice(at + 8, at + 8 + length) });
    at += 8 + length + (length & 1);
  }
  return chunks;
}

function riffChunk(kind: string, data: Bytes): Bytes {
  const chunk = new Uint8Array(8 + data.length + (data.length & 1));
  chunk.set(latin(kind));
  new DataView(chunk.buffer).setUint32(4, data.length, true);
  chunk.set(data, 8);
  return chunk;
}

function joined(parts: readonly Uint8Array[]): Bytes {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function textAt(file: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...file.subarray(at, at + length));
}

function latin(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let k = 0; k < 8; k++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
