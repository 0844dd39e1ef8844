() => {
  // gradio draws the examples and pictures to click as buttons without a name, which a screen reader needs.
  const name = () => {
    document.querySelector("#faces button:has(img):not([aria-label])")?.setAttribute("aria-label", "Faces in the picture: click one to edit it");
    document.querySelector("#face-choice .select-all-checkbox:not([aria-label])")?.setAttribute("aria-label", "All faces");
    for (const button of document.querySelectorAll(".examples button.gallery-item:not([aria-label])")) {
      const file = button.querySelector("img")?.src.split("/").pop().replace(/\.\w+$/, "").replaceAll("-", " ");
      if (file) button.setAttribute("aria-label", `Example: ${decodeURIComponent(file)}`);
    }
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
