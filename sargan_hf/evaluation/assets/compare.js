
const answers = new Answers("compare", task.id);
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "same", ArrowUp: "both broken" };
const buttons = [...document.querySelectorAll("[data-answer]")];
let position = 0;

function firstOpen() {
  const found = task.pairs.findIndex((pair) => !(pair.id in answers.given));
  return found < 0 ? task.pairs.length - 1 : found;
}

function draw() {
  const pair = task.pairs[position];
  const done = task.pairs.filter((each) => each.id in answers.given).length;
  byId("wanted").textContent = `Pair ${position + 1} of ${task.pairs.length}: made to look ${pair.expression}`;
  byId("original").src = pair.original;
  for (const image of document.querySelectorAll(".before")) image.src = pair.original;
  byId("left").src = pair.left;
  byId("right").src = pair.right;
  byId("done").value = done;
  byId("count").textContent = `${done} of ${task.pairs.length} answered`;
  byId("back").disabled = position === 0;
  byId("next").disabled = position === task.pairs.length - 1;
  for (const button of buttons) button.setAttribute("aria-pressed", answers.given[pair.id] === button.dataset.answer);
  if (done === task.pairs.length) byId("said").textContent = "Every pair is answered. Save the answers now.";
  const next = task.pairs[position + 1];
  if (next) for (const name of ["original", "left", "right"]) new Image().src = next[name];
}

function go(to) {
  position = Math.min(Math.max(to, 0), task.pairs.length - 1);
  swap(false);
  draw();
  window.scrollTo(0, 0);
}

function swap(on) {
  byId("pair").classList.toggle("swapped", on);
  byId("swap").setAttribute("aria-pressed", on);
}

function answer(value) {
  answers.set(task.pairs[position].id, value);
  if (position === task.pairs.length - 1) draw();
  else go(position + 1);
}

for (const button of buttons) button.addEventListener("click", () => answer(button.dataset.answer));
byId("back").addEventListener("click", () => go(position - 1));
byId("next").addEventListener("click", () => go(position + 1));
byId("swap").addEventListener("click", () => swap(!byId("pair").classList.contains("swapped")));
onKey((event) => {
  if (event.key in KEYS) {
    if (!event.repeat) answer(KEYS[event.key]);
  } else if (event.key === "Backspace") go(position - 1);
  else if (event.key === "Enter") go(position + 1);
  else if (event.key === " ") swap(!byId("pair").classList.contains("swapped"));
  else return false;
  return true;
});
wireFooter(answers, () => go(firstOpen()));
go(firstOpen());
