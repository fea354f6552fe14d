/* Keeps the list of runs up to date; without it the list is that of when it was loaded. */
(function () {
  "use strict";
  var EVERY_MS = 3000;

  function show(html) {
    var now = new DOMParser().parseFromString(html, "text/html");
    ["outcomes", "list"].forEach(function (id) {
      var place = document.getElementById(id), other = now.getElementById(id);
      /* who reads it by keyboard is not disturbed */
      if (!other || place.innerHTML === other.innerHTML || place.contains(document.activeElement)) return;
      place.replaceWith(document.adoptNode(other));
    });
  }

  function look() {
    var asked = document.hidden ? Promise.resolve() : fetch(location.href).then(function (answer) {
      return answer.ok ? answer.text().then(show) : undefined;
    });
    asked.catch(function () { /* the server has ended; the list stays as it is */ }).then(function () {
      setTimeout(look, EVERY_MS);
    });
  }

  setTimeout(look, EVERY_MS);
})();
