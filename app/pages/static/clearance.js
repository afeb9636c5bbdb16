// Times in the reader's zone with UTC on hover, and a question before what cannot be undone.
"use strict";
(function () {
  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function localise(root) {
    for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
      const time = new Date(element.dateTime);
      if (isNaN(time)) continue;
      element.title = element.textContent;
      element.textContent = zone.format(time);
    }
  }
  localise(document);
  document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
  document.addEventListener("submit", (event) => {
    const question = event.submitter && event.submitter.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
})();
