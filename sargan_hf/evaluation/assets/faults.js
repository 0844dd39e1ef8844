
// An answer is the list of marks of each expression; it is there once the face was looked at.
const answers = new Answers("count-faults", task.id);
const drafts = {};
let position = 0;
let current = 0;

const marksOf = (face) => (drafts[face.id] ||= structuredClone(answers.given[face.id] || {}));

function firstOpen() {
  const found = task.faces.findIndex((face) => !(face.id in answers.given));
  return found < 0 ? task.faces.length - 1 : found;
}

function cell(face, edit, index) {
  const figure = document.createElement("figure");
  figure.className = "cell";
  const image = Object.assign(new Image(512, 512), { src: edit.file, alt: `Edit: ${edit.expression}` });
  const caption = document.createElement("figcaption");
  caption.textContent = edit.expression;
  const marks = document.createElement("div");
  marks.className = "marks";
  marks.setAttribute("role", "group");
  marks.setAttribute("aria-label", `Faults of ${edit.expression}`);
  for (const [key, mark] of task.marks) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.mark = mark;
    button.textContent = mark;
    button.addEventListener("click", () => {
      current = index;
      toggle(mark);
    });
    marks.append(button);
  }
  figure.append(image, caption, marks);
  return figure;
}

function draw() {
  const face = task.faces[position];
  const original = document.createElement("figure");
  original.className = "cell";
  original.innerHTML = '<img width="512" height="512" alt="The original"><figcaption>Original</figcaption>';
  original.querySelector("img").src = face.original;
  byId("cells").replaceChildren(original, ...face.edits.map((edit, index) => cell(face, edit, index)));
  byId("face").textContent = `Face ${position + 1} of ${task.faces.length} (${face.kind})`;
  byId("back").disabled = position === 0;
  refresh();
}

function refresh() {
  const face = task.faces[position];
  const marks = marksOf(face);
  document.querySelectorAll(".cell:has(.marks)").forEach((figure, index) => {
    figure.dataset.current = index === current;
    const chosen = marks[face.edits[index].expression] || [];
    for (const button of figure.querySelectorAll("button")) button.setAttribute("aria-pressed", chosen.includes(button.dataset.mark));
  });
  const done = task.faces.filter((each) => each.id in answers.given).length;
  byId("done").value = done;
  byId("count").textContent = `${done} of ${task.faces.length} looked at`;
  if (done === task.faces.length) byId("said").textContent = "Every face is counted. Save the answers now.";
}

function toggle(mark) {
  const face = task.faces[position];
  const marks = marksOf(face);
  const expression = face.edits[current].expression;
  const chosen = new Set(marks[expression] || []);
  if (!chosen.delete(mark)) chosen.add(mark);
  marks[expression] = task.marks.map(([, name]) => name).filter((name) => chosen.has(name));
  if (face.id in answers.given) answers.set(face.id, structuredClone(marks));
  refresh();
}

function move(step) {
  const count = task.faces[position].edits.length;
  current = Math.min(Math.max(current + step, 0), count - 1);
  refresh();
  document.querySelectorAll(".cell:has(.marks)")[current].scrollIntoView({ block: "nearest" });
}

function go(to) {
  position = Math.min(Math.max(to, 0), task.faces.length - 1);
  current = 0;
  draw();
  window.scrollTo(0, 0);
}

function lookedAt() {
  const face = task.faces[position];
  const marks = marksOf(face);
  for (const edit of face.edits) marks[edit.expression] ||= [];
  answers.set(face.id, structuredClone(marks));
  if (position === task.faces.length - 1) refresh();
  else go(position + 1);
}

byId("back").addEventListener("click", () => go(position - 1));
byId("next").addEventListener("click", lookedAt);
onKey((event) => {
  const mark = task.marks.find(([key]) => key === event.key.toLowerCase());
  if (mark) {
    if (!event.repeat) toggle(mark[1]);
  } else if (event.key === "ArrowRight") move(1);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "Backspace") go(position - 1);
  else if (event.key === "Enter") lookedAt();
  else return false;
  return true;
});
wireFooter(answers, () => {
  for (const id of Object.keys(drafts)) delete drafts[id];
  go(firstOpen());
});
go(firstOpen());
