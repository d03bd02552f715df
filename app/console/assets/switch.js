// A choice that other fields of the form follow from. The button beside it, named by `data-switch`,
// gets the page again with those fields and with all that was typed. With this script there is no
// need to press it: the parts marked `data-follows` are replaced where they are.

import { sayEnded, sessionEnded } from "./session.js";

for (const choice of document.querySelectorAll("[data-switch]")) {
  const button = document.getElementById(choice.dataset.switch);
  button.hidden = true;
  choice.addEventListener("change", () => follow(choice.form, button));
}

async function follow(form, button) {
  const address = new URL(button.formAction);
  address.search = new URLSearchParams(new FormData(form));
  let page;
  try {
    const answer = await fetch(address);
    if (sessionEnded(answer.url)) return sayEnded();
    if (!answer.ok) throw new Error(answer.statusText);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return form.requestSubmit(button);
  }
  for (const part of form.querySelectorAll("[data-follows]")) {
    part.replaceWith(document.adoptNode(page.getElementById(part.id)));
  }
  document.getElementById("live-said").textContent = "The fields below are those of this choice.";
}
