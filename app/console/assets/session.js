// What a script does when a login has ended meanwhile: the server then leads to /login whatever is
// asked of it. The page stays as it is, for it may hold what was typed, and says what to do.

// Whether an answer that came from this address says that the session has ended.
export function sessionEnded(address) {
  return address !== "" && new URL(address, location).pathname === "/login";
}

export function sayEnded() {
  if (document.getElementById("session-ended") !== null) return;
  const notice = document.createElement("div");
  notice.id = "session-ended";
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  const said = document.createElement("p");
  const link = document.createElement("a");
  link.href = `/login?next=${encodeURIComponent(location.pathname)}`;
  link.textContent = "Log in again";
  said.append("Your login has ended: this page does not follow any more, and cannot send anything. ", link, ".");
  notice.append(said);
  document.getElementById("main").prepend(notice);
}
