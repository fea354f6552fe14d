/* Keeps the page of a run at work up to date; without it the page shows the state when it was loaded. */
(function () {
  "use strict";
  var live = document.getElementById("live");
  var rows = new Map(), boxes = new Map(), lanes = document.querySelectorAll(".lane");
  document.querySelectorAll("[data-row]").forEach(function (place) { rows.set(place.dataset.row, place); });
  document.querySelectorAll("[data-step]").forEach(function (place) { boxes.set(place.dataset.step, place); });
  var source = new EventSource(live.dataset.events + "?after=" + live.dataset.seen);

  function text(place, value) {
    if (place.textContent !== value) place.textContent = value;
  }

  function named(id, value) {
    text(document.getElementById(id), value);
  }

  function chip(place, word, tone) {
    place.className = "chip t-" + tone;
    text(place, word);
  }

  function lane(bar, step, length) {
    bar.setAttribute("class", "t-" + step.tone);
    if (step.from_s === null) return;
    bar.setAttribute("x", step.from_s);
    bar.setAttribute("width", Math.max((step.to_s === null ? length : step.to_s) - step.from_s, length / 250));
  }

  function row(step, length) {
    var place = rows.get(step.step_id);
    chip(place.querySelector(".chip"), step.state, step.tone);
    lane(place.querySelector("rect"), step, length);
    var bar = place.querySelector("progress");
    bar.hidden = step.share === null;
    bar.value = step.share || 0;
    text(place.querySelector(".told span"), step.told);
    text(place.cells[3], step.took);
    text(place.cells[4], step.reason);
    var box = boxes.get(step.step_id);
    if (!box) return;
    box.setAttribute("class", (box.tagName === "g" ? "" : "dot ") + "t-" + step.tone);
    text(box.querySelector("title"), step.step_id + ": " + step.state);
    if (box.querySelector(".word")) text(box.querySelector(".word"), step.state);
  }

  function time(now) {
    named("elapsed", now.elapsed);
    named("link", "");
    lanes.forEach(function (each) { each.setAttribute("viewBox", "0 0 " + Math.max(now.length_s, 0.001) + " 1"); });
    now.steps.forEach(function (step) { if (rows.has(step.step_id)) row(step, now.length_s); });
  }

  function show(message) {
    var now = JSON.parse(message.data);
    if (!now.steps.every(function (step) { return rows.has(step.step_id); })) {
      /* the page was opened before the run had named its steps */
      source.close();
      location.reload();
      return;
    }
    time(now);
    chip(document.querySelector("#outcome .chip"), now.head.outcome, now.head.tone);
    named("counts", now.head.counts.join(", "));
    named("asks", now.head.asks);
    named("message", now.head.message);
    document.getElementById("message").hidden = !now.head.message;
    var said = document.getElementById("said");
    now.notes.forEach(function (note) {
      said.append(Object.assign(document.createElement("li"), { textContent: note }));
    });
    document.getElementById("none").hidden = said.children.length > 0;
  }

  source.addEventListener("state", show);
  source.addEventListener("clock", function (message) { time(JSON.parse(message.data)); });
  source.addEventListener("end", function (message) {
    source.close();
    show(message);
  });
  source.onerror = function () {
    named("link", "The connection is lost; it is tried again.");
  };
})();
