// The form of an upload (`sending` of macros.html is in it): shows how far it is, and lets it be
// stopped. If it is refused, the files are still chosen. Without this script the browser sends the
// form itself.

import { sayEnded, sessionEnded } from "./session.js";

const form = document.getElementById("upload-form");
const stop = document.getElementById("stop");
const progress = document.getElementById("upload-progress");
const said = document.getElementById("upload-said");
const told = document.getElementById("upload-told");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (sent) => {
    const percent = sent.lengthComputable ? Math.floor((100 * sent.loaded) / sent.total) : 0;
    progress.value = percent;
    said.textContent = percent < 100 ? `${percent} % sent` : "Sent; it is being stored";
  });
  request.addEventListener("load", () => finish(request));
  request.addEventListener("error", () => refuse(message("The upload broke off. Try again.")));
  request.addEventListener("abort", () => refuse(message("The upload was stopped. Nothing of it is kept.")));
  stop.onclick = () => request.abort();
  busy(true);
  request.open("POST", form.action);
  request.send(new FormData(form));
});

// The page of what was made, after a redirect, or one that says why not: its notice is shown here,
// where the files are still chosen.
function finish(request) {
  if (sessionEnded(request.responseURL)) {
    busy(false);
    return sayEnded();
  }
  if (request.status < 400) return location.assign(request.responseURL);
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const notice = page.querySelector("[role=alert]");
  refuse(notice ? document.adoptNode(notice) : message("The upload was refused. Try again."));
  for (const fault of page.querySelectorAll(".fault")) {
    document.getElementById("refused")?.append(document.adoptNode(fault));
  }
}

function refuse(notice) {
  busy(false);
  document.getElementById("refused")?.remove();
  notice.id = "refused";
  notice.tabIndex = -1;
  form.before(notice);
  notice.focus();
}

function message(text) {
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.append(document.createElement("p"));
  notice.firstChild.textContent = text;
  return notice;
}

function busy(now) {
  document.getElementById("uploading").hidden = stop.hidden = !now;
  form.querySelector("[type=submit]").disabled = now;
  told.textContent = now ? "The upload has begun." : "";
}
