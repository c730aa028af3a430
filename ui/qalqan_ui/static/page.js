// The little that the page does by itself: the document's language, opening a cited passage, telling of a lost line.
"use strict";

const root = document.documentElement;
let spoken = root.lang;
const word = (key) => document.querySelector(`meta[name="qalqan-${key}-${spoken}"]`).content;

window.qalqan = {
  // Sets the language that screen readers and the tab's title use.
  speak(language) {
    spoken = root.lang = language;
    document.title = word("page_title");
  },
  // Puts the cursor into the question box.
  write() {
    document.querySelector("#q-question textarea")?.focus();
  },
};

// Gradio, which has no Kazakh, sets the document's language to its own.
new MutationObserver(() => {
  if (root.lang !== spoken) root.lang = spoken;
}).observe(root, { attributeFilter: ["lang"] });

document.addEventListener("click", (event) => {
  const mark = event.target.closest?.(".q-cite");
  const passage = mark && document.getElementById(mark.dataset.opens);
  if (!passage) return;
  passage.open = true;
  passage.querySelector("summary").focus({ preventScroll: true });
  passage.scrollIntoView({ block: "nearest" });
});

// The page follows a growing answer unless the reader has scrolled up; a new question is always followed.
let following = true;
let asked = 0;
const follow = () => {
  const questions = document.querySelectorAll(".q-question").length;
  if (questions > asked) following = true;
  asked = questions;
  if (following && asked) window.scrollTo(0, root.scrollHeight);
};
document.addEventListener("scroll", () => {
  following = window.innerHeight + window.scrollY > root.scrollHeight - 80;
}, { passive: true });

// Gradio tells of a lost connection in English toasts, which page.css hides; ours stands in their place.
const banner = document.createElement("p");
banner.id = "q-offline";
banner.setAttribute("role", "alert");
banner.hidden = true;
document.addEventListener("DOMContentLoaded", () => {
  document.title = word("page_title");
  document.body.prepend(banner);
  new MutationObserver(() => {
    follow();
    const lost = document.querySelector(".toast-body.error") !== null;
    if (lost === !banner.hidden) return;
    banner.hidden = !lost;
    banner.textContent = lost ? word("offline") : "";
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
});
