/** The element of the page with an id; a page without it is a mistake of ours. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}.`);
  return found as T;
}

/** A button with a square picture above its text. */
export function pictureButton(text: string, picture: HTMLElement): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  const label = document.createElement("span");
  label.textContent = text;
  button.append(picture, label);
  return button;
}

/** A radio button or check box in a label. */
export function choice(type: "radio" | "checkbox", name: string, value: string, text: string, checked: boolean): HTMLLabelElement {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type, name, value, checked });
  label.append(input, text);
  return label;
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Lets the browser save a file under its name. */
export function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it late
}
