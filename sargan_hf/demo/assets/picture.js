// Where a picture comes in: dropped or pasted anywhere on the page, chosen, taken with the camera, or one of the examples.
// The newest one counts, whichever is uploaded first.
const { megabytes, examples } = props.wiring;
const find = (selector) => element.querySelector(selector);
const input = find("input[type=file]"), image = find("img"), said = find(".picture-said"), zone = find(".picture-zone");
let newest = 0, told = null;

const refusal = (file) => {
  const size = file.size / 1e6;
  if (!file.size) return `${file.name} is empty: copy or download it again.`;
  return size > megabytes ? `${file.name} has ${size.toFixed(0)} MB; at most ${megabytes} MB are accepted. Shrink it first.` : "";
};
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
const say = (words) => { said.textContent = words; };
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
desk.example = (group, index) => {
  const pictures = document.querySelectorAll(`#examples-${group} button.gallery-item img`);
  show(`example:${examples[group][index]}`, pictures[index].src);
};
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
for (const button of element.querySelectorAll(".picture-choose")) button.addEventListener("click", () => input.click());
find(".picture-camera").addEventListener("click", () => desk.photographs(!desk.camera));
find(".picture-remove").addEventListener("click", () => { show(null); find(".picture-choose").focus(); });
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
document.addEventListener("paste", (event) => {
  const file = fileOf(event.clipboardData);
  if (!file) return; // text for a field
  event.preventDefault();
  take(new File([file], file.name === "image.png" ? "pasted.png" : file.name, { type: file.type }));
});
const carries = (event) => [...(event.dataTransfer?.types || [])].some((type) => type === "Files" || type === "text/uri-list");
const highlight = (on) => zone.classList.toggle("picture-over", on);
document.addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault(); // else the browser would leave the page for a file that missed the box
  highlight(true);
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) highlight(false); });
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  event.stopPropagation();
  highlight(false);
  const file = fileOf(event.dataTransfer);
  if (file) take(file);
  else say("That was an address and no file: save the picture first, then drop its file.");
}, true);

// A file that the browser itself cannot show (TIFF, JPEG 2000) is shown as soon as the server has opened it.
const opened = () => desk.page()?.faces?.picture.url || "";
image.addEventListener("error", () => { if (opened() && image.src !== opened()) image.src = opened(); else image.hidden = true; });
desk.watch(() => {
  const url = desk.arriving ? desk.arriving.url : desk.sources[desk.wish.picture] || "";
  zone.classList.toggle("picture-shown", Boolean(url));
  if (url && image.dataset.url !== url) Object.assign(image, { src: url, hidden: false });
  if (url && image.hidden && opened()) Object.assign(image, { src: opened(), hidden: false });
  if (!url) image.removeAttribute("src");
  image.dataset.url = url;
  zone.setAttribute("aria-busy", Boolean(desk.arriving));
  const page = desk.page();
  if (page && page !== told) {
    told = page;
    if (page.problem) say(page.problem);
  }
});
