// Adds fields for more files to the form of an upload.

const form = document.getElementById("upload-form");
const more = document.getElementById("more-files");

more.hidden = false;
more.addEventListener("click", () => {
  const rows = form.querySelectorAll(".file-row");
  const row = rows[rows.length - 1].cloneNode(true);
  const number = rows.length + 1;
  for (const name of ["file", "split"]) {
    const input = row.querySelector(`[name=${name}]`);
    const label = row.querySelector(`[for=${input.id}]`);
    input.id = label.htmlFor = `${name}-${rows.length}`;
    input.value = "";
    label.textContent = label.textContent.replace(/\d+/, number);
  }
  rows[rows.length - 1].after(row);
  row.querySelector("input").focus();
});
