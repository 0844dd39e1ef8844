// Whose expression the controls are for, where several faces are edited. What the other faces have, they keep.
const group = element.querySelector("fieldset"), rows = element.querySelector(".whose-faces");
const WISHED = ["blend", "controls", "intensity", "region"];
const hand = () => Object.fromEntries(WISHED.map((name) => [name, desk.wish[name]]));
const wishedOf = (id) => {
  const { current, others } = desk.wish;
  return current === null || current === id ? hand() : others[id] ?? hand();
};
const without = (others, id) => Object.fromEntries(Object.entries(others).filter(([name]) => name !== id));
const allOf = (ids) => Object.fromEntries(ids.map((id) => [id, wishedOf(id)]));

// The controls are for one face from now on, or for all, which then get what is in hand.
const focus = (id) => {
  if (id === desk.wish.current) return;
  if (!id) return desk.touch({ current: null, others: {} }, "whose");
  const others = { ...desk.wish.others, ...allOf(desk.wish.chosen || []) };
  desk.touch({ current: id, others: without(others, id), ...wishedOf(id) }, "whose");
};

// Other faces are chosen. One that comes to others gets the controls for itself, and the others keep what they have.
desk.choose = (ids, parts = {}, kind = "faces") => {
  const before = desk.wish.chosen || [], fresh = ids.filter((id) => !before.includes(id));
  if (!ids.length) return desk.touch({ ...parts, chosen: kind === "box" ? null : ids }, kind);
  const all = { ...desk.wish.others, ...allOf(before) };
  const drawnAnew = (id) => id.startsWith("b") && "boxes" in parts && (!parts.boxes.length || fresh.includes(id));
  const kept = Object.fromEntries(Object.entries(all).filter(([id]) => !drawnAnew(id)));
  let { current } = desk.wish;
  if (ids.length === 1) [current] = ids;
  else if (fresh.length === 1 && before.length) [current] = fresh;
  else if (current !== null && !ids.includes(current)) [current] = ids;
  const others = current === null ? kept : without(kept, current);
  desk.touch({ ...parts, chosen: ids, current: ids.length > 1 ? current : null, others, ...kept[current] }, kind);
};

const portrait = ({ picture, width, height }, [left, top, right, bottom]) => {
  const side = Math.min(width, height, 1.1 * Math.max(right - left, bottom - top));
  const share = (middle, whole) => (whole > side ? Math.min(1, Math.max(0, (middle - side / 2) / (whole - side))) : 0);
  const shown = document.createElement("span");
  shown.className = "whose-face";
  Object.assign(shown.style, {
    backgroundImage: `url("${picture.url}")`, backgroundSize: `${(100 * width) / side}% ${(100 * height) / side}%`,
    backgroundPosition: `${100 * share((left + right) / 2, width)}% ${100 * share((top + bottom) / 2, height)}%`,
  });
  return shown;
};
const row = (id, words, face, faces) => {
  const label = document.createElement("label"), radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: "whose", value: id });
  radio.addEventListener("change", () => focus(id || null));
  label.append(radio, ...(face ? [portrait(faces, face.box)] : []), words);
  return label;
};
let drawn = "";
desk.watch(() => {
  const faces = desk.page()?.faces, chosen = desk.wish.chosen || [];
  const listed = (faces?.list || []).map((face, i) => [face, `Face ${i + 1}`]).filter(([face]) => chosen.includes(face.id));
  group.hidden = listed.length < 2;
  const key = JSON.stringify([faces?.picture.url, listed]);
  if (key !== drawn) {
    drawn = key;
    const had = rows.contains(document.activeElement) && document.activeElement.value;
    rows.replaceChildren(row("", props.wiring.alike), ...listed.map(([face, words]) => row(face.id, words, face, faces)));
    if (had !== false) rows.querySelector(`[value="${had}"]`)?.focus();
  }
  for (const radio of rows.querySelectorAll("input")) radio.checked = radio.value === (desk.wish.current ?? "");
});
