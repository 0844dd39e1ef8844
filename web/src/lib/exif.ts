type Bytes = Uint8Array<ArrayBuffer>;

/** Which EXIF tags an edit keeps, as `sargan_hf.images.metadata` lists them; all others, such as the location, are left out. */
export interface KeptTags {
  picture: readonly number[];
  camera: readonly number[];
}

interface Entry {
  tag: number;
  type: number;
  count: number;
  value: Bytes;
}

const CAMERA_FOLDER = 0x8769;
const ORIENTATION = 0x0112;
const LONG = 4;
const VALUE_BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4 };
const START = 8; // bytes of the header before the first folder

/** What an edit keeps of EXIF; undefined where that is nothing, or the EXIF is damaged. */
export function keptExif(exif: Bytes, { picture, camera }: KeptTags): Bytes | undefined {
  try {
    const reader = new Reader(exif);
    const entries = reader.folder(reader.long(4));
    const own = entries.filter(({ tag }) => picture.includes(tag));
    const pointer = entries.find(({ tag }) => tag === CAMERA_FOLDER);
    const cameras = pointer ? reader.folder(reader.longIn(pointer.value)).filter(({ tag }) => camera.includes(tag)) : [];
    return own.length || cameras.length ? written(own, cameras, reader.isLittle) : undefined;
  } catch {
    return undefined; // written by broken software: the picture matters more
  }
}

/** The orientation that EXIF asks for, 1 to 8; 1 where it says none or is damaged. */
export function orientationIn(exif: Bytes): number {
  try {
    const reader = new Reader(exif);
    const entry = reader.folder(reader.long(4)).find(({ tag }) => tag === ORIENTATION);
    const value = entry ? (reader.isLittle ? entry.value[0]! : entry.value[1]!) : 1;
    return value >= 1 && value <= 8 ? value : 1;
  } catch {
    return 1;
  }
}

class Reader {
  readonly isLittle: boolean;
  private readonly view: DataView;

  constructor(private readonly bytes: Bytes) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.isLittle = this.view.getUint16(0) === 0x4949;
  }

  long(at: number): number {
    return this.view.getUint32(at, this.isLittle);
  }

  longIn(value: Bytes): number {
    return new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, this.isLittle);
  }

  folder(start: number): Entry[] {
    const count = this.view.getUint16(start, this.isLittle);
    return Array.from({ length: count }, (_, index) => this.entry(start + 2 + 12 * index)).filter((entry) => entry !== undefined);
  }

  private entry(at: number): Entry | undefined {
    const [tag, type] = [this.view.getUint16(at, this.isLittle), this.view.getUint16(at + 2, this.isLittle)];
    const count = this.long(at + 4);
    const length = (VALUE_BYTES[type] ?? 0) * count;
    const from = length > 4 ? this.long(at + 8) : at + 8;
    if (!length || from + length > this.bytes.length) return undefined;
    return { tag, type, count, value: this.bytes.slice(from, from + length) };
  }
}

/** A file of two folders: the picture's, and in it the camera's. */
function written(own: readonly Entry[], cameras: readonly Entry[], isLittle: boolean): Bytes {
  const pointer: Entry = { tag: CAMERA_FOLDER, type: LONG, count: 1, value: new Uint8Array(4) };
  const first = [...own, ...(cameras.length ? [pointer] : [])].sort((one, other) => one.tag - other.tag);
  const second = START + folderBytes(first);
  const file = new Uint8Array(second + (cameras.length ? folderBytes(cameras) : 0));
  const view = new DataView(file.buffer);
  view.setUint16(0, isLittle ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, START, isLittle);
  new DataView(pointer.value.buffer).setUint32(0, second, isLittle);
  writeFolder(file, view, START, first, isLittle);
  if (cameras.length) writeFolder(file, view, second, [...cameras].sort((one, other) => one.tag - other.tag), isLittle);
  return file;
}

function folderBytes(entries: readonly Entry[]): number {
  return 6 + 12 * entries.length + entries.reduce((sum, { value }) => sum + beside(value), 0);
}

/** Bytes of a value that does not fit into its entry; values begin at even places. */
function beside(value: Bytes): number {
  return value.length > 4 ? value.length + (value.length & 1) : 0;
}

function writeFolder(file: Bytes, view: DataView, start: number, entries: readonly Entry[], isLittle: boolean): void {
  view.setUint16(start, entries.length, isLittle);
  let [at, free] = [start + 2, start + 6 + 12 * entries.length];
  for (const { tag, type, count, value } of entries) {
    view.setUint16(at, tag, isLittle);
    view.setUint16(at + 2, type, isLittle);
    view.setUint32(at + 4, count, isLittle);
    if (value.length > 4) view.setUint32(at + 8, free, isLittle);
    file.set(value, value.length > 4 ? free : at + 8);
    free += beside(value);
    at += 12;
  }
}
