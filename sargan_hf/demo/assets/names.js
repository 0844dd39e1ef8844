() => {
  // gradio draws the examples as buttons without a name; a screen reader gets one from the picture's file name.
  const name = () => {
    for (const button of document.querySelectorAll(".examples button.gallery-item:not([aria-label])")) {
      const file = button.querySelector("img")?.src.split("/").pop().replace(/\.\w+$/, "").replaceAll("-", " ");
      if (file) button.setAttribute("aria-label", `Example: ${decodeURIComponent(file)}`);
    }
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
