() => {
  // What gradio's own components leave out for those who use a keyboard or a screen reader.
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

  const name = () => {
    described("#loop img", "The animation");
    grouped();
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["alt", "name", "src"] });
  name();
}
