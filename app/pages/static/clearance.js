// Times in the reader's zone with UTC on hover, and a question before what cannot be undone.
"use strict";
(function () {
  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
  function localise(root) {
    for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
      const time = new Date(element.dateTime);
      if (isNaN(time)) continue;
      element.title = element.textContent;
      element.textContent = ("day" in element.dataset ? days : zone).format(time);
    }
  }
  localise(document);
  const here = document.querySelector(".bar [aria-current]");
  if (here) here.scrollIntoView({ block: "nearest", inline: "center" });
  document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
  for (const chosen of document.querySelectorAll("input[type=file][data-digest]")) {
    chosen.addEventListener("change", async () => {
      const field = document.getElementById(chosen.dataset.digest);
      const file = chosen.files[0];
      if (!file) return;
      field.value = "";
      field.placeholder = "hashing…";
      const token = chosen.form.querySelector("[name=csrf_token]");
      const answer = await fetch("/documents/digest", {
        method: "POST",
        body: file,
        headers: token ? { "X-CSRF-Token": token.value } : {},
      });
      if (answer.ok && answer.headers.get("content-type").startsWith("application/json")) {
        field.value = (await answer.json()).sha256;
      }
      field.placeholder = answer.ok ? "" : "it could not be hashed; paste its SHA-256";
    });
  }
  for (const shown of document.querySelectorAll("input[data-select]")) {
    shown.addEventListener("focus", () => shown.select());
  }
  document.addEventListener("submit", (event) => {
    const question = event.submitter && event.submitter.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
})();
