// The stage: the picture before the edit, and over it, right of a line, the picture after it. The old pictures stay until the new
// ones are there. The line is moved by a slider below the pictures, so nothing lies on a face, or by dragging in them.
const find = (selector) => element.querySelector(selector);
const frame = find(".stage-frame"), line = find(".stage-slider"), hold = find(".stage-hold"), area = find(".stage-area");
const { before: wordsBefore, after: wordsAfter, plain } = props.wiring;
const HOLD = 180, MOVED = 5; // milliseconds and pixels: from when on a press is no click
let at = 0.5, drawn = null, placed = "", watched = "";

const place = (share) => {
  at = Math.min(1, Math.max(0, share));
  frame.style.setProperty("--at", `${100 * at}%`);
  line.value = Math.round(100 * at);
  line.setAttribute("aria-valuenow", line.value);
  line.setAttribute("aria-valuetext", `${line.value}%`);
};
line.addEventListener("input", () => place(line.value / 100));

// As a picture comes in, the line stands left of the faces that are edited, where it covers none of them.
const ROOM = 0.03;
const left = ({ faces, window: [x0, , x1], state }) => {
  const edges = (faces?.list || []).filter((face) => state.chosen?.includes(face.id)).map((face) => (face.box[0] - x0) / (x1 - x0));
  return edges.length ? Math.max(0.04, Math.min(...edges) - ROOM) : 0.5;
};
const ratio = (width, height) => {
  frame.style.setProperty("--ratio", width / height);
  frame.style.setProperty("--most", `${Math.max(640, 3 * width)}px`);
};
const images = (page) => {
  page.images ||= page.result.map((file) => Object.assign(new Image(), { src: file.url }));
  page.images.forEach((image, i) => Object.assign(image, { alt: i ? wordsAfter : wordsBefore, className: i ? "stage-after" : "stage-before", draggable: false }));
  return page.images;
};
// A picture without an edit: one that is on its way, or one in which no face was found.
const lonely = (url) => {
  frame.style.backgroundImage = url ? `url("${url}")` : "";
  if (!url || watched === url) return;
  watched = url;
  const probe = new Image();
  probe.addEventListener("load", () => { if (watched === url && !drawn) ratio(probe.naturalWidth, probe.naturalHeight); });
  probe.src = url;
};
const show = (page) => {
  if (page === drawn) return;
  drawn = page;
  frame.querySelectorAll("img").forEach((image) => image.remove());
  if (!page) return;
  frame.prepend(...images(page));
  const [x0, y0, x1, y1] = page.window;
  ratio(x1 - x0, y1 - y0);
  const key = JSON.stringify([page.state.picture, page.state.chosen, page.state.view === props.wiring.close]);
  if (key !== placed) place(left(page));
  placed = key;
};

const original = (on) => { area.classList.toggle("is-original", on); hold.setAttribute("aria-pressed", on); };
hold.addEventListener("pointerdown", (event) => { hold.setPointerCapture(event.pointerId); original(true); });
for (const end of ["pointerup", "pointercancel", "blur"]) hold.addEventListener(end, () => original(false));
hold.addEventListener("keydown", (event) => { if ([" ", "Enter"].includes(event.key)) { event.preventDefault(); original(true); } });
hold.addEventListener("keyup", () => original(false));
hold.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press by finger

// In the pictures: a drag to the side moves the line, and a press that stays shows the original. Up and down scroll the page.
let press = null;
const share = (event) => { const { left: x, width } = frame.getBoundingClientRect(); return (event.clientX - x) / width; };
frame.addEventListener("pointerdown", (event) => {
  if (!drawn || event.button || event.target.closest("button")) return;
  press = { x: event.clientX, moves: false, timer: setTimeout(() => original(true), HOLD) };
  frame.setPointerCapture(event.pointerId);
});
frame.addEventListener("pointermove", (event) => {
  if (!press) return;
  if (!press.moves && Math.abs(event.clientX - press.x) > MOVED) {
    press.moves = true;
    clearTimeout(press.timer);
    original(false);
  }
  if (press.moves) place(share(event));
});
for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => {
  if (!press) return;
  clearTimeout(press.timer);
  press = null;
  original(false);
});

const full = find(".stage-full");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : area.requestFullscreen()));
find(".stage-undo").addEventListener("click", desk.undo);
find(".stage-redo").addEventListener("click", desk.redo);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.closest?.("textarea, input:not([type=range]):not([type=radio]):not([type=checkbox])")) return;
  const key = event.key.toLowerCase();
  const step = key === "z" ? (event.shiftKey ? desk.redo : desk.undo) : key === "y" ? desk.redo : null;
  if (!step) return;
  event.preventDefault();
  step();
});

const usable = (button, on) => button.setAttribute("aria-disabled", !on); // still reached by keyboard, so that focus is not lost
desk.watch(() => {
  const page = desk.page(), edited = page?.result ? page : null;
  const other = desk.arriving ? desk.arriving.url : desk.sources[desk.wish.picture];
  show(edited);
  lonely(edited ? "" : page?.faces?.picture.url || other || "");
  const empty = !desk.wish.picture && !desk.arriving;
  area.classList.toggle("is-empty", empty);
  area.classList.toggle("is-compared", Boolean(edited));
  area.setAttribute("aria-busy", Boolean(desk.arriving) || desk.working());
  frame.classList.toggle("is-alone", !edited && !empty);
  if (!edited && !empty) frame.setAttribute("aria-label", plain), frame.setAttribute("role", "img");
  else frame.removeAttribute("role"), frame.removeAttribute("aria-label");
  for (const part of [line, hold]) part.disabled = !edited;
  const steps = desk.steps();
  usable(find(".stage-undo"), steps.back);
  usable(find(".stage-redo"), steps.on);
});
place(at);
