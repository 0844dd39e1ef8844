import type { Box } from "../lib";
import { element } from "./elements";
import type { Stage } from "./stage";

const STEP = 8; // CSS pixels that an arrow key moves the frame by
const LEAST = 24; // CSS pixels of a frame's side

/** Lets a visitor draw a frame around a face that was not found: with a finger or a mouse, or with the arrow keys. */
export function offerMarking(stage: Stage, mark: (box: Box) => void, tell: (text: string) => void): void {
  const root = element("stage");
  const frame = element("frame");
  let start: { x: number; y: number } | undefined;
  const place = (left: number, top: number, width: number, height: number) =>
    Object.assign(frame.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  const finish = (isWanted: boolean) => {
    start = undefined;
    const box = stage.toPicture(frame.getBoundingClientRect());
    frame.hidden = true;
    root.classList.remove("marking");
    element("mark").focus();
    if (isWanted) mark(box);
  };
  element("mark").addEventListener("click", () => {
    const { clientWidth: width, clientHeight: height } = root;
    const side = Math.min(width, height) / 2;
    place((width - side) / 2, (height - side) / 2, side, side);
    frame.hidden = false;
    root.classList.add("marking");
    frame.focus();
    tell("Draw a frame around the face. With keys: arrows move it, Shift and arrows resize it, Enter takes it, Escape ends.");
  });
  root.addEventListener("pointerdown", (event) => {
    if (frame.hidden) return;
    event.preventDefault();
    root.setPointerCapture(event.pointerId);
    const { left, top } = root.getBoundingClientRect();
    start = { x: event.clientX - left, y: event.clientY - top };
    place(start.x, start.y, 0, 0);
  });
  root.addEventListener("pointermove", (event) => {
    if (!start) return;
    const { left, top } = root.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    place(Math.min(x, start.x), Math.min(y, start.y), Math.abs(x - start.x), Math.abs(y - start.y));
  });
  root.addEventListener("pointerup", () => {
    if (start) finish(frame.offsetWidth >= LEAST && frame.offsetHeight >= LEAST);
  });
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") finish(event.key === "Enter");
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = [STEP * way[0]!, STEP * way[1]!];
    const { offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = frame;
    if (event.shiftKey) place(left, top, Math.max(LEAST, width + x), Math.max(LEAST, height + y));
    else place(left + x, top + y, width, height);
  });
}
