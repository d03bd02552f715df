// Corrections by selecting text: adds a mention, or moves one. The page itself is made by the
// server as ever; here its form is sent, and the new form takes the place of the old one.

import { sayEnded, sessionEnded } from "./session.js";

let selection = null; // {start, end, text}: code points of title, space, abstract
let last = Promise.resolve();
begin();
document.addEventListener("selectionchange", notice);
notice(); // whoever was faster than this script has selected something already

function notice() {
  const found = selected();
  // Whoever presses a button has not meant to select nothing.
  if (found === null) return;
  selection = found;
  show();
}

function begin() {
  selection = null;
  const form = document.getElementById("editor");
  for (const each of form.querySelectorAll(".scripted")) each.hidden = false;
  for (const button of form.querySelectorAll("[data-add]")) {
    button.addEventListener("click", () => add(form, button.dataset.add));
  }
  for (const button of form.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => move(form, button.dataset.move));
  }
  for (const box of form.querySelectorAll("input[type=checkbox], select[id^='mention.']")) {
    box.addEventListener("change", () => refresh({}, box.id));
  }
}

function show() {
  const said = `Selected: “${selection.text}”, ${selection.start} to ${selection.end}.`;
  document.getElementById("selected").textContent = said;
  document.querySelector(".selecting").classList.add("active");
  for (const button of document.querySelectorAll("[data-add], [data-move]")) button.disabled = false;
}

// What is selected within one passage, without the white space around it; null if nothing is.
function selected() {
  const chosen = document.getSelection();
  if (chosen.rangeCount === 0 || chosen.isCollapsed) return null;
  const range = chosen.getRangeAt(0);
  const passage = passageOf(range.startContainer);
  if (passage === null || passage !== passageOf(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(passage, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const text = plain(range);
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const lead = text.slice(0, text.indexOf(trimmed));
  const start = Number(passage.dataset.offset) + points(plain(before)) + points(lead);
  return { start, end: start + points(trimmed), text: trimmed };
}

function passageOf(node) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  return element.closest("#passages [data-offset]");
}

// The text of a range without what is there for screen readers alone.
function plain(range) {
  const piece = range.cloneContents();
  for (const each of piece.querySelectorAll(".sr-only")) each.remove();
  // Within such an element the piece has none of it as a parent.
  const inside = range.startContainer.parentElement?.closest(".sr-only");
  return inside && inside.contains(range.endContainer) ? "" : piece.textContent;
}

// Offsets count Unicode code points, as everywhere in Medtune.
function points(text) {
  return [...text].length;
}

function add(form, type) {
  const number = form.elements.mentions.value;
  const fields = { "add.type": type, "add.start": selection.start, "add.end": selection.end };
  refresh(fields, `mention.${number}.identifiers`);
}

function move(form, number) {
  form.elements[`mention.${number}.start`].value = selection.start;
  form.elements[`mention.${number}.end`].value = selection.end;
  refresh({}, `mention.${number}.start`);
}

// One after the other: what is added must be in the form before it is sent again.
function refresh(fields, focus) {
  last = last.then(() => exchange(fields, focus)).catch((error) => {
    const said = error.refusal ?? "The server does not answer: try again.";
    document.getElementById("selected").textContent = said;
  });
}

async function exchange(fields, focus) {
  const form = document.getElementById("editor");
  let sent, answer;
  do {
    const data = new URLSearchParams(new FormData(form));
    sent = data.toString();
    for (const [name, value] of Object.entries(fields)) data.set(name, value);
    // Not `form.action`: that is the button of this name.
    answer = await fetch(form.getAttribute("action"), { method: "POST", body: data });
    if (sessionEnded(answer.url)) {
      sayEnded();
      throw { refusal: "Your login has ended." };
    }
    answer = await answer.text();
    // Whatever was typed or ticked meanwhile must not be lost.
  } while (new URLSearchParams(new FormData(form)).toString() !== sent);
  const page = new DOMParser().parseFromString(answer, "text/html");
  const fresh = page.getElementById("editor");
  if (fresh === null) throw { refusal: page.querySelector("[role=alert] p")?.textContent };
  const at = document.activeElement?.id || focus;
  form.replaceWith(document.adoptNode(fresh));
  begin();
  document.getElementById(at)?.focus();
}
