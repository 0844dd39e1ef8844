() => {
  // What gradio's own components leave out for those who use a keyboard or a screen reader.
  const named = () => {
    for (const button of document.querySelectorAll(".examples button.gallery-item:not([aria-label])")) {
      const file = button.querySelector("img")?.src.split("/").pop().replace(/\.\w+$/, "").replaceAll("-", " ");
      if (file) button.setAttribute("aria-label", `Example: ${decodeURIComponent(file)}`);
    }
  };
  const described = (selector, words) => {
    for (const image of document.querySelectorAll(selector)) if (image.alt !== words) image.alt = words;
  };
  // gradio gives every radio button a group of its own, in which arrow keys lead nowhere.
  let groups = 0;
  const grouped = () => {
    for (const group of document.querySelectorAll("fieldset:has(input[type=radio])")) {
      group.dataset.group ??= `group-${groups++}`;
      for (const radio of group.querySelectorAll("input[type=radio]")) if (radio.name !== group.dataset.group) radio.name = group.dataset.group;
    }
  };

  // The line between before and after, which gradio has made for pointers alone: keys move it as a pointer would.
  const STEP = 0.05; // of the picture's width
  const place = (handle) => handle.getBoundingClientRect().left + handle.offsetWidth / 2;
  const share = (handle) => {
    const { left, width } = handle.parentElement.querySelector("img")?.getBoundingClientRect() || handle.parentElement.getBoundingClientRect();
    return { left, width, at: Math.min(1, Math.max(0, (place(handle) - left) / width)) };
  };
  const tell = (handle) => handle.setAttribute("aria-valuenow", Math.round(100 * share(handle).at));
  const drag = (handle, to) => {
    const { left, width } = share(handle);
    const clientY = handle.getBoundingClientRect().top + 5;
    const steps = [["mousedown", place(handle), handle], ["mousemove", left + to * width, window], ["mouseup", left + to * width, window]];
    for (const [kind, clientX, target] of steps) target.dispatchEvent(new MouseEvent(kind, { clientX, clientY, view: window, bubbles: true, cancelable: true }));
    requestAnimationFrame(() => tell(handle));
  };
  const slide = (event) => {
    const handle = event.currentTarget, { at } = share(handle);
    const to = { ArrowLeft: at - STEP, ArrowRight: at + STEP, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    drag(handle, Math.min(1, Math.max(0, to)));
  };
  const comparable = () => {
    const handle = document.querySelector("#result [data-testid=slider]:not([tabindex])");
    if (!handle) return;
    const words = { tabindex: 0, role: "slider", "aria-label": "Line between before and after", "aria-valuemin": 0, "aria-valuemax": 100 };
    for (const [name, value] of Object.entries(words)) handle.setAttribute(name, value);
    handle.addEventListener("keydown", slide);
    tell(handle);
  };

  const name = () => {
    named();
    described("#result img:nth-of-type(1)", "Your picture before the edit");
    described("#result img:nth-of-type(2)", "Your picture after the edit");
    described("#loop img", "The animation");
    for (const button of document.querySelectorAll("#result button[aria-label=Undo]")) {
      button.setAttribute("aria-label", "Reset the zoom");
      button.title = "Reset the zoom";
    }
    grouped();
    comparable();
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["alt", "name", "src"] });
  name();
}
