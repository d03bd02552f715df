// Keeps the parts of a page up to date that say where they come from:
//
//   <section data-live="/fine-tunes/ft_1/live" data-events="/v1/fine-tunes/ft_1/events">
//
// is replaced by what `data-live` answers with: whenever an event of `data-events` arrives, or every
// `data-every` milliseconds. It ends when the answer has no `data-live` any more. The part's
// `data-said`, a sentence, is read out whenever it is another one. Without this script a page shows
// what was when it was made.

import { sayEnded, sessionEnded } from "./session.js";

const PAUSE = 400; // between two of the same part, however many events arrive

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  let source = null;
  let waiting = null;
  let ended = false;

  const refresh = async () => {
    waiting = null;
    let answer;
    try {
      answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
    } catch {
      return later(5000);
    }
    if (sessionEnded(answer.url)) {
      sayEnded();
      return end();
    }
    if (!answer.ok) return answer.status === 404 ? end() : later(5000);
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.firstElementChild;
    if (fresh === null) return end();
    if (fresh.dataset.said && fresh.dataset.said !== part.dataset.said) say(fresh.dataset.said);
    if (fresh.outerHTML !== made) {
      made = fresh.outerHTML;
      replace(part, fresh);
      part = fresh;
    }
    if (!part.dataset.live) return end();
    if (source === null || source.readyState === EventSource.CLOSED) later(every());
  };
  // As the server made it; what is opened or typed into it since is the reader's.
  let made = part.outerHTML;
  const every = () => Number(part.dataset.every || 2000);
  const later = (pause) => {
    if (waiting === null && !ended && !document.hidden) waiting = setTimeout(refresh, pause);
  };
  const end = () => {
    ended = true;
    source?.close();
  };
  // A browser has few connections to a server, and each stream holds one: only what is looked at
  // has any.
  const watch = () => {
    if (!part.dataset.events || ended) return;
    source = new EventSource(part.dataset.events);
    // Named events do not come as messages: whatever there is, is told of by name.
    for (const name of (part.dataset.types || "message").split(" ")) {
      source.addEventListener(name, () => later(PAUSE));
    }
    source.onmessage = () => later(PAUSE);
    // A stream ends with its job, and the browser opens it again; one that is refused it leaves
    // closed, and then the part is asked for every now and then instead.
    source.onerror = () => later(PAUSE);
  };

  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (document.hidden || ended) return;
    watch();
    later(0);
  });
  watch();
  if (source === null) later(every());
}

// A screen reader reads what changes in an element that stays; the part itself is a new one.
function say(sentence) {
  document.getElementById("live-said").textContent = sentence;
}

// Whoever has the keyboard in the old part keeps it in the new one; what was opened stays open, and
// what was scrolled where it was.
function replace(old, fresh) {
  for (const details of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${details.id}`)?.setAttribute("open", "");
  }
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const tables = [...old.querySelectorAll(".table")];
  const scrolled = tables.map((table) => table.scrollLeft);
  old.replaceWith(fresh);
  const successors = [...fresh.querySelectorAll(".table")];
  // A table that came or went would leave the others in each other's place.
  if (successors.length === tables.length) {
    successors.forEach((table, at) => (table.scrollLeft = scrolled[at]));
    const held = successors[tables.indexOf(active)];
    if (held) {
      held.tabIndex = 0; // as tables.js will find it
      return held.focus();
    }
  }
  if (active?.id) return document.getElementById(active.id)?.focus();
  const href = active?.getAttribute("href");
  if (href) [...fresh.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === href)?.focus();
}
