// Another file that says what is wanted: a picture whose expression is taken over, or a recipe. What the server reads in it is
// one touch. The newest file counts.
const { order, busy, made } = props.wiring;
const find = (selector) => element.querySelector(selector);
const input = find("input[type=file]"), note = find(".other-note"), image = find(".other-shown");
let turn = 0, waiting = null, asked = false, parts = null, refused = null, below = false, spoken = "", url = "";

// Where its panel is folded, what it says stands below the picture.
const say = (words) => {
  note.textContent = spoken = words; // which language.js may change
  refused = null;
  if (below || (words && !note.checkVisibility())) desk.say(words);
  below = Boolean(words) && !note.checkVisibility();
};
const forget = () => { parts = null; image.hidden = true; };
const take = async (file) => {
  if (!file) return;
  const mine = (turn += 1);
  waiting = null;
  forget();
  say(desk.refusal(file) || busy);
  if (desk.refusal(file)) return;
  URL.revokeObjectURL(url);
  url = file.type.startsWith("image/") ? URL.createObjectURL(file) : "";
  try {
    const { path } = await upload(file);
    if (mine !== turn) return;
    waiting = { other: { path, meta: { _type: "gradio.FileData" } }, turn: mine };
    desk.refresh();
  } catch (error) {
    if (mine === turn) say(desk.sentence(error));
  }
};
desk.takers[order] = take;
input.addEventListener("change", () => {
  take(input.files[0]);
  input.value = ""; // so that the same file can be chosen again
});
find(".other-choose").addEventListener("click", () => input.click());
element.querySelector("#recipe-save")?.addEventListener("click", () => desk.order("recipe"));

watch("value", () => {
  const read = props.value;
  if (!read || read.turn !== turn) return;
  if (read.problem) {
    say(read.problem);
    refused = desk.copy(desk.wish);
    return;
  }
  if (read.picture !== desk.wish.picture) return say(""); // another picture has come meanwhile
  say(made.replace("{name}", read.name));
  Object.assign(image, { src: url, hidden: !url });
  desk.touch(read.parts, order);
  parts = read.parts;
});
desk.watch(() => {
  if (waiting && !desk.running(order)) {
    const more = waiting;
    waiting = null;
    asked = true;
    desk.order(order, more);
  }
  if (asked && !desk.running(order)) {
    asked = false;
    if (spoken === busy) say(desk.ordered(order)?.note ?? "");
  }
  // What was read is not what is wanted any more, and what could not be read is long ago.
  if (refused && !desk.same(refused, desk.wish)) say("");
  if (parts && Object.keys(parts).some((name) => !desk.same(parts[name], desk.wish[name]))) forget(), say("");
});
