// Keeps the parts of a page up to date that say where they come from:
//
//   <section data-live="/fine-tunes/ft_1/live" data-events="/v1/fine-tunes/ft_1/events">
//
// is replaced by what `data-live` answers with: whenever an event of `data-events` arrives, or every
// `data-every` milliseconds. It ends when the answer has no `data-live` any more. The part's
// `data-said`, a sentence, is read out whenever it is another one. Without this script a page shows
// what was when it was made.

const PAUSE = 400; // between two of the same part, however many events arrive

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  const source = part.dataset.events ? new EventSource(part.dataset.events) : null;
  let waiting = null;

  const refresh = async () => {
    waiting = null;
    let answer;
    try {
      answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
    } catch {
      return later(5000);
    }
    if (!answer.ok) return answer.status === 404 ? end() : later(5000);
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.firstElementChild;
    if (fresh === null) return end();
    replace(part, fresh);
    if (fresh.dataset.said && fresh.dataset.said !== part.dataset.said) say(fresh.dataset.said);
    part = fresh;
    if (!part.dataset.live) return end();
    if (source === null) later(Number(part.dataset.every || 2000));
  };
  const later = (pause) => {
    if (waiting === null) waiting = setTimeout(refresh, pause);
  };
  const end = () => source?.close();

  if (source === null) return later(Number(part.dataset.every || 2000));
  // Named events do not come as messages: whatever there is, is told of by name.
  for (const name of (part.dataset.types || "message").split(" ")) {
    source.addEventListener(name, () => later(PAUSE));
  }
  source.onmessage = () => later(PAUSE);
  // A stream ends with its job; the browser would open it again and again.
  source.onerror = () => later(PAUSE);
}

// A screen reader reads what changes in an element that stays; the part itself is a new one.
function say(sentence) {
  document.getElementById("live-said").textContent = sentence;
}

// Whoever has the keyboard in the old part keeps it in the new one, and what was opened stays open.
function replace(old, fresh) {
  for (const details of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${details.id}`)?.setAttribute("open", "");
  }
  const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
  old.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus();
}
