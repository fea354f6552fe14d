/* Keeps the page of a run at work up to date; without it the page shows the state when it was loaded. */
(function () {
  "use strict";
  var live = document.getElementById("live");
  var source = new EventSource(live.dataset.events + "?after=" + live.dataset.seen);

  function text(id, value) {
    var place = document.getElementById(id);
    if (place.textContent !== value) place.textContent = value;
  }

  function chip(place, word, tone) {
    place.className = "chip t-" + tone;
    if (place.textContent !== word) place.textContent = word;
  }

  function row(step) {
    var place = document.querySelector('[data-row="' + CSS.escape(step.step_id) + '"]');
    if (!place) return false;
    chip(place.querySelector(".chip"), step.state, step.tone);
    var bar = place.querySelector("progress");
    bar.hidden = step.share === null;
    bar.value = step.share || 0;
    place.cells[2].textContent = step.told;
    place.cells[3].textContent = step.took;
    place.cells[4].textContent = step.reason;
    var box = document.querySelector('[data-step="' + CSS.escape(step.step_id) + '"]');
    if (box) {
      box.setAttribute("class", (box.tagName === "g" ? "" : "dot ") + "t-" + step.tone);
      box.querySelector("title").textContent = step.step_id + ": " + step.state;
      var word = box.querySelector(".word");
      if (word) word.textContent = step.state;
    }
    return true;
  }

  function show(message) {
    var now = JSON.parse(message.data);
    if (!now.steps.every(row)) {
      /* the page was opened before the run had named its steps */
      source.close();
      location.reload();
      return;
    }
    chip(document.querySelector("#outcome .chip"), now.head.outcome, now.head.tone);
    text("counts", now.head.counts.join(", "));
    text("elapsed", now.elapsed);
    text("message", now.head.message);
    document.getElementById("message").hidden = !now.head.message;
    now.notes.forEach(function (note) {
      var line = document.createElement("li");
      line.textContent = note;
      document.getElementById("said").append(line);
    });
    document.getElementById("none").hidden = document.getElementById("said").children.length > 0;
  }

  source.addEventListener("state", show);
  source.addEventListener("clock", function (message) {
    text("elapsed", JSON.parse(message.data).elapsed);
    text("link", "");
  });
  source.addEventListener("end", function (message) {
    source.close();
    show(message);
    text("link", "");
  });
  source.onerror = function () {
    text("link", "The connection is lost; it is tried again.");
  };
})();
