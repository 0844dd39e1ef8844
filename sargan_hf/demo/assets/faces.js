// Which faces are edited: boxes to tick, the faces in the picture to click, and boxes drawn by hand for those not found.
const find = (selector) => element.querySelector(selector);
const picture = find(".faces-picture"), image = find(".faces-picture img"), layer = find("svg"), choice = find("fieldset");
const field = find("#face-box input");
const CLOSE = 8; // pixels of the screen: what is nearer is one click, by a hand that trembles
let drawing = "", corner = null, moving = null, pressed = null, known = null;

const faces = () => desk.page()?.faces?.list || [];
const chosen = () => desk.wish.chosen || [];
const choose = (ids) => desk.choose(faces().map((face) => face.id).filter((id) => ids.includes(id)));
const toggle = (id) => choose(chosen().includes(id) ? chosen().filter((other) => other !== id) : [...chosen(), id]);
const byHand = () => faces().some((face) => face.drawn);

// A new box, or another one instead of the last, and its face ticked.
const box = (value) => {
  const boxes = drawing === "again" || (!drawing && byHand()) ? desk.wish.boxes.slice(0, -1) : [...desk.wish.boxes];
  const id = `b${boxes.length}`;
  drawing = "";
  corner = moving = null;
  desk.choose([...chosen().filter((other) => other !== id), id], { boxes: [...boxes, value] }, "box");
};
const begin = (how) => { drawing = drawing === how ? "" : how; corner = moving = null; draw(); };
find(".faces-add").addEventListener("click", () => begin("add"));
find(".faces-again").addEventListener("click", () => begin("again"));
find(".faces-remove").addEventListener("click", () => {
  drawing = "";
  const left = chosen().filter((id) => id.startsWith("f"));
  desk.choose(left, { boxes: [] }, "box");
});
find("#face-box form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (desk.page()?.faces) box(field.value);
});

const point = (event) => {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(layer.getScreenCTM().inverse());
  const { width, height } = desk.page().faces;
  return { x: Math.round(Math.min(width, Math.max(0, x))), y: Math.round(Math.min(height, Math.max(0, y))), at: [event.clientX, event.clientY] };
};
const close = (one, other) => Math.hypot(one.at[0] - other.at[0], one.at[1] - other.at[1]) < CLOSE;
const finish = (one, other) => box([Math.min(one.x, other.x), Math.min(one.y, other.y), Math.max(one.x, other.x), Math.max(one.y, other.y)]);
const draws = () => Boolean(desk.page()?.faces) && (Boolean(drawing) || !faces().length);

// With a mouse a box is drawn in one go, or by a click on each of two corners, which is the way of fingers: they scroll.
image.addEventListener("dragstart", (event) => event.preventDefault());
image.addEventListener("pointerdown", (event) => {
  if (!draws() || event.pointerType !== "mouse" || event.button) return;
  pressed = point(event);
  image.setPointerCapture(event.pointerId);
});
image.addEventListener("pointermove", (event) => { if (draws() && (pressed || corner)) { moving = point(event); draw(); } });
image.addEventListener("pointerup", (event) => {
  const start = pressed;
  pressed = null;
  if (!start || !draws()) return;
  const end = point(event);
  if (!close(start, end)) { finish(start, end); event.target.dataset.dragged = "yes"; }
});
image.addEventListener("click", (event) => {
  if (image.dataset.dragged) return delete image.dataset.dragged;
  if (!desk.page()?.faces) return;
  const here = point(event);
  if (!draws()) {
    const under = faces().filter(({ box: [left, top, right, bottom] }) => here.x >= left && here.x <= right && here.y >= top && here.y <= bottom);
    return under.length ? toggle(under.at(-1).id) : undefined;
  }
  if (corner && !close(corner, here)) return finish(corner, here);
  corner ??= here;
  draw();
});
element.addEventListener("keydown", (event) => { if (event.key === "Escape") { drawing = ""; corner = moving = null; draw(); } });

const node = (name, attributes, words = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = words;
  return made;
};
const outline = ([left, top, right, bottom], kind) => node("rect", { x: left, y: top, width: right - left, height: bottom - top, class: kind });
const draw = () => {
  const { width = 1, height = 1 } = desk.page()?.faces || {};
  const size = Math.max(width, height) / 28;
  layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  layer.replaceChildren();
  faces().forEach(({ id, box }, i) => {
    const kind = chosen().includes(id) ? "is-chosen" : "";
    const x = Math.max(size * 0.7, box[0]), y = Math.max(size * 0.7, box[1]);
    layer.append(outline(box, "halo"), outline(box, kind), node("circle", { cx: x, cy: y, r: size * 0.7, class: kind }));
    layer.append(node("text", { x, y: y + size * 0.34, "font-size": size, "text-anchor": "middle" }, String(i + 1)));
  });
  const start = pressed || corner;
  if (start) for (const kind of ["halo", "is-chosen"]) {
    layer.append(node("path", { d: `M${start.x - size},${start.y}h${2 * size}M${start.x},${start.y - size}v${2 * size}`, class: `corner ${kind}` }));
  }
  if (start && moving) {
    const sides = [Math.min(start.x, moving.x), Math.min(start.y, moving.y), Math.max(start.x, moving.x), Math.max(start.y, moving.y)];
    layer.append(outline(sides, "halo"), outline(sides, "is-chosen"));
  }
  picture.classList.toggle("is-drawing", draws());
  for (const how of ["add", "again"]) find(`.faces-${how}`).setAttribute("aria-pressed", drawing === how);
  find(".faces-notice").textContent = drawing ? props.wiring.how : desk.page()?.faces?.notice ?? props.wiring.nothing;
};

const tick = (id, name, checked, label) => {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: id, checked });
  const row = document.createElement("label");
  row.append(box, name);
  if (label) box.setAttribute("aria-label", label);
  box.addEventListener("change", () => (id ? toggle(id) : choose(box.checked ? faces().map((face) => face.id) : [])));
  return row;
};
const drawChoice = () => {
  const ids = faces().map((face) => face.id), all = chosen().length === ids.length;
  choice.hidden = ids.length < 2;
  const boxes = [...choice.querySelectorAll("input")];
  if (boxes.length === ids.length + 1 && ids.every((id, i) => boxes[i + 1].value === id)) {
    boxes.forEach((box, i) => { box.checked = i ? chosen().includes(ids[i - 1]) : all; });
    return;
  }
  choice.querySelector("div").replaceChildren(
    tick("", "All", all, "All faces"), ...ids.map((id, i) => tick(id, `Face ${i + 1}`, chosen().includes(id))),
  );
};

const begun = (page) => {
  known = page.state.picture;
  find("#face-box").open = Boolean(page.faces && !page.faces.list.length);
  drawing = field.value = "";
  corner = moving = pressed = null;
};
desk.watch(() => {
  const page = desk.page();
  if (page && page.state.picture !== known) begun(page);
  const { picture: file, info = "", list = [] } = page?.faces || {};
  find(".faces-info").textContent = info;
  find("#face-box").hidden = !file;
  if (file && image.src !== file.url) image.src = file.url;
  if (!file) image.removeAttribute("src");
  find(".faces-add").hidden = !list.length;
  for (const how of ["again", "remove"]) find(`.faces-${how}`).hidden = !byHand();
  const last = list.filter((face) => face.drawn).at(-1)?.box.join(", ") || "";
  if (last && field.dataset.last !== last) field.value = last;
  field.dataset.last = last;
  drawChoice();
  draw();
});
