// What both pages share: the answers so far, kept in the browser, saved as JSON, loaded again.
"use strict";

const task = JSON.parse(document.getElementById("task").textContent);
const byId = (id) => document.getElementById(id);

class Answers {
  // `kept` is false where the browser keeps nothing for pages opened from a file.
  constructor(kind, id) {
    this.kind = kind;
    this.id = id;
    this.place = `sargan ${kind} ${id}`;
    this.rater = "";
    this.given = {};
    this.kept = true;
    try {
      this.take(JSON.parse(localStorage.getItem(this.place) || "{}"));
    } catch (error) {
      this.kept = false;
    }
  }

  take(saved) {
    this.rater = saved.rater || "";
    this.given = saved.answers || {};
  }

  keep() {
    try {
      localStorage.setItem(this.place, JSON.stringify(this.result()));
      this.kept = true;
    } catch (error) {
      this.kept = false;
    }
    byId("not-kept").hidden = this.kept;
  }

  set(name, value) {
    if (value === undefined) delete this.given[name];
    else this.given[name] = value;
    this.keep();
  }

  result() {
    return { form: this.kind, id: this.id, rater: this.rater, answers: this.given, ...task.result };
  }

  load(text) {
    const saved = JSON.parse(text);
    if (saved.form !== this.kind || saved.id !== this.id) throw new Error("it belongs to another page");
    this.take(saved);
    this.keep();
  }
}

function wireFooter(answers, redraw) {
  byId("not-kept").hidden = answers.kept;
  byId("rater").value = answers.rater;
  byId("rater").addEventListener("input", (event) => {
    answers.rater = event.target.value.trim();
    answers.keep();
  });
  byId("save").addEventListener("click", () => {
    const text = JSON.stringify(answers.result(), null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const rater = answers.rater.replace(/[^\p{L}\p{N}]+/gu, "-");
    link.download = `${answers.kind}-${answers.id}${rater ? "-" + rater : ""}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    byId("raw").value = text;
    byId("copy").hidden = false;
    byId("said").textContent = `Saved as ${link.download}.`;
  });
  byId("load").addEventListener("change", async (event) => {
    try {
      answers.load(await event.target.files[0].text());
      byId("rater").value = answers.rater;
      byId("said").textContent = "Loaded.";
      redraw();
    } catch (error) {
      byId("said").textContent = `This file cannot be loaded: ${error.message}. Choose one that this page saved.`;
    }
    event.target.value = "";
  });
}

// Keys work unless somebody types.
function onKey(handle) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
    if ((event.key === "Enter" || event.key === " ") && /^(BUTTON|SUMMARY|A)$/.test(event.target.tagName)) return;
    if (handle(event)) event.preventDefault();
  });
}
