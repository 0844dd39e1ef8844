// Where a picture comes in: dropped or pasted anywhere on the page, chosen, taken with the camera, or one of the examples.
// The newest one counts, whichever is uploaded first.
const { megabytes } = props.wiring;
const find = (selector) => element.querySelector(selector);
const input = find("input[type=file]"), said = find(".picture-said");
const zone = () => document.querySelector("#result .stage-area");
let newest = 0, told = null;

const refusal = (file) => {
  const size = file.size / 1e6;
  if (!file.size) return `${file.name} is empty: copy or download it again.`;
  return size > megabytes ? `${file.name} has ${size.toFixed(0)} MB; at most ${megabytes} MB are accepted. Shrink it first.` : "";
};
desk.refusal = refusal;
// The server's own sentence, where there is one, instead of gradio's toast with the raw answer.
const sentence = (error) => {
  setTimeout(() => {
    for (const toast of document.querySelectorAll("[data-testid=toast-body]")) {
      if (toast.textContent.includes(error.message)) toast.querySelector("button.toast-close")?.click();
    }
  }, 50);
  const answer = error.message.match(/^HTTP \d+: (.*)$/s);
  try {
    return JSON.parse(answer[1]).detail;
  } catch {
    return answer && !answer[1].includes("<") ? answer[1] : "The picture did not arrive: check the connection and add it again.";
  }
};
desk.sentence = sentence;
const say = (desk.say = (words) => { said.textContent = words; });
// What was said about the picture before goes with it.
const begin = () => {
  newest += 1;
  desk.camera = false;
  say("");
  for (const close of document.querySelectorAll("button.toast-close")) close.click();
  return newest;
};

const take = async (file) => {
  if (!file) return;
  const turn = begin();
  say(refusal(file));
  if (said.textContent) return desk.arrive(null);
  const url = URL.createObjectURL(file);
  desk.arrive({ url });
  try {
    const { path } = await upload(file);
    if (turn !== newest) return;
    desk.sources[path] = url;
    desk.touch({ picture: path }, "picture");
  } catch (error) {
    if (turn !== newest) return;
    say(sentence(error));
    desk.arrive(null);
  }
};
const show = (picture, url) => {
  begin();
  if (picture) desk.sources[picture] = url;
  desk.touch({ picture }, "picture");
};
desk.example = (name, url) => show(`example:${name}`, url);
// The camera hands over a picture that is on the server already; emptied, it hands over nothing.
desk.photograph = (file) => { if (file?.path && desk.camera) show(file.path, file.url); };

const fileOf = (transfer) => {
  const files = [...(transfer?.files || [])];
  return files.find((file) => file.type.startsWith("image/")) || files[0];
};
input.addEventListener("change", () => {
  take(input.files[0]);
  input.value = ""; // so that the same file can be chosen again
});
document.addEventListener("click", (event) => { if (event.target.closest?.(".picture-choose")) input.click(); });
find(".picture-camera").addEventListener("click", () => desk.photographs(!desk.camera));
find(".picture-remove").addEventListener("click", () => { show(null); document.querySelector("#result .picture-choose")?.focus(); });
find(".picture-paste").hidden = !navigator.clipboard?.read;
find(".picture-paste").addEventListener("click", async () => {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return take(new File([await item.getType(type)], "pasted.png", { type }));
    }
    say("There is no picture in the clipboard: copy one first.");
  } catch {
    say("The browser does not let this page read the clipboard: press Ctrl+V instead.");
  }
});
// A file goes where it is dropped, or where the keyboard is as it is pasted; a recipe is known by its name.
const place = (event) => event.target.closest?.("[data-takes]");
const hand = (file, event) => {
  const recipe = file.type === "application/json" || /\.json$/i.test(file.name);
  const taker = desk.takers[place(event)?.dataset.takes ?? (recipe ? "replay" : "")];
  return taker ? taker(file) : take(file);
};
document.addEventListener("paste", (event) => {
  const file = fileOf(event.clipboardData);
  if (!file) return; // text for a field
  event.preventDefault();
  hand(new File([file], file.name === "image.png" ? "pasted.png" : file.name, { type: file.type }), event);
});
const carries = (event) => [...(event.dataTransfer?.types || [])].some((type) => type === "Files" || type === "text/uri-list");
const highlight = (part) => {
  for (const one of document.querySelectorAll(".picture-over")) if (one !== part) one.classList.remove("picture-over");
  part?.classList.add("picture-over");
};
document.addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault(); // else the browser would leave the page for a file that missed the box
  highlight(place(event) || zone());
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) highlight(null); });
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  event.stopPropagation();
  highlight(null);
  const file = fileOf(event.dataTransfer);
  if (file) hand(file, event);
  else say("That was an address and no file: save the picture first, then drop its file.");
}, true);

desk.watch(() => {
  find(".picture-remove").hidden = !desk.wish.picture && !desk.arriving;
  if (desk.problem && desk.problem !== told) say(desk.problem);
  told = desk.problem;
});
