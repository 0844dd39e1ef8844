import type { Box } from "../lib";
import { element } from "./elements";

const LONGEST = 1600; // pixels of a canvas on the page: sharp on a large screen, light on a phone
const SMALL_FACE = 0.3; // of the picture's height: a face below is shown close up
const MARGIN = 0.9; // of a face's size, around a close-up

type Shown = ImageBitmap | HTMLImageElement;

/** Before and after, one over the other, with a handle between them. */
export class Stage {
  private readonly root = element("stage");
  private readonly canvases = { before: element<HTMLCanvasElement>("before"), after: element<HTMLCanvasElement>("after") };
  private readonly compare = element<HTMLInputElement>("compare");
  private readonly zoom = element<HTMLButtonElement>("zoom");
  private pictures: { before?: Shown; after?: Shown } = {};
  private faceBox?: Box;
  private isClose = false;

  constructor() {
    this.compare.addEventListener("input", () => this.moveHandle());
    this.zoom.addEventListener("click", () => this.setClose(!this.isClose));
    const hold = element("hold");
    const held = (on: boolean) => this.root.classList.toggle("held", on);
    hold.addEventListener("pointerdown", () => held(true));
    for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) hold.addEventListener(end, () => held(false));
    hold.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && held(true));
    hold.addEventListener("keyup", () => held(false));
    new ResizeObserver(() => this.fit()).observe(this.root);
  }

  /** Shows a new picture; the edited one follows. */
  open(before: Shown, after: Shown = before): void {
    for (const old of Object.values(this.pictures)) closeBitmap(old); // the browser would keep them a while
    this.pictures = { before, after };
    this.faceBox = undefined;
    this.isClose = false;
    this.setHandle(0);
    this.draw();
  }

  /** Says where the chosen faces are, so that the handle stays beside them and small ones are shown close up. */
  aim(boxes: readonly Box[]): void {
    const along = (axis: 0 | 1 | 2 | 3) => boxes.map((box) => box[axis]);
    this.faceBox = [Math.min(...along(0)), Math.min(...along(1)), Math.max(...along(2)), Math.max(...along(3))];
    const { before } = this.pictures;
    this.setClose(!!before && this.faceBox[3] - this.faceBox[1] < SMALL_FACE * before.height);
  }

  update(after: ImageBitmap, words: string): void {
    const old = this.pictures.after;
    this.pictures.after = after;
    if (old !== this.pictures.before) closeBitmap(old);
    this.canvases.after.setAttribute("aria-label", `The edited picture. ${words}`);
    this.draw();
  }

  /** A rectangle of the page as one of the picture, in its pixels. */
  toPicture(rectangle: { left: number; top: number; right: number; bottom: number }): Box {
    const canvas = this.canvases.before.getBoundingClientRect();
    const [left, top, width, height] = this.view();
    const across = (x: number) => left + (Math.min(Math.max(x - canvas.left, 0), canvas.width) / canvas.width) * width;
    const down = (y: number) => top + (Math.min(Math.max(y - canvas.top, 0), canvas.height) / canvas.height) * height;
    return [across(rectangle.left), down(rectangle.top), across(rectangle.right), down(rectangle.bottom)];
  }

  private setClose(close: boolean): void {
    this.isClose = close && !!this.faceBox;
    this.zoom.setAttribute("aria-pressed", String(this.isClose));
    if (this.faceBox && this.pictures.before) {
      const [left, , width] = this.view();
      this.setHandle(Math.max(0, Math.floor((100 * (this.faceBox[0] - left)) / width) - 8));
    }
    this.draw();
  }

  private setHandle(percent: number): void {
    this.compare.value = String(percent);
    this.moveHandle();
  }

  private moveHandle(): void {
    this.canvases.after.style.setProperty("--at", `${this.compare.value}%`);
    this.compare.setAttribute("aria-valuetext", `${this.compare.value}% original`);
  }

  /** left, top, width and height of what is shown, in pixels of the picture. */
  private view(): [number, number, number, number] {
    const { width, height } = this.pictures.before!;
    if (!this.isClose || !this.faceBox) return [0, 0, width, height];
    const [left, top, right, bottom] = this.faceBox;
    const side = Math.min(Math.max(right - left, bottom - top) * (1 + 2 * MARGIN), width, height);
    const clip = (value: number, most: number) => Math.min(Math.max(value, 0), most);
    return [clip((left + right - side) / 2, width - side), clip((top + bottom - side) / 2, height - side), side, side];
  }

  private draw(): void {
    const { before, after } = this.pictures;
    if (!before || !after) return;
    const [left, top, width, height] = this.view();
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    for (const [canvas, picture] of [[this.canvases.before, before], [this.canvases.after, after]] as const) {
      const size = [Math.round(width * scale), Math.round(height * scale)] as const;
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
      const context = canvas.getContext("2d")!;
      context.clearRect(0, 0, ...size);
      context.drawImage(picture, left, top, width, height, 0, 0, ...size);
    }
    this.fit();
  }

  /** Makes both canvases fill the stage, and the handle's way as wide as they are. */
  private fit(): void {
    const { width, height } = this.canvases.before;
    const scale = Math.min(this.root.clientWidth / width, this.root.clientHeight / height);
    for (const shown of [this.canvases.before, this.canvases.after, this.compare]) {
      shown.style.width = `${width * scale}px`;
      shown.style.height = `${height * scale}px`;
    }
  }
}

function closeBitmap(picture: Shown | undefined): void {
  if (picture instanceof ImageBitmap) picture.close();
}
