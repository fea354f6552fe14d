/* Puts charts that react to the pointer in the place of the still ones; the page is whole without it. */
(function () {
  "use strict";
  var charts = JSON.parse(document.getElementById("data").textContent);
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var drawn = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function words(value) {
    if (value === null || value === undefined) return "-";
    return value.toLocaleString("en-US", { maximumSignificantDigits: value < 1000 ? 3 : 6 });
  }

  function time(seconds) {
    if (seconds < 60) return words(seconds) + " s";
    var whole = Math.round(seconds);
    if (whole < 3600) return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
    return Math.floor(whole / 3600) + " h " + Math.floor((whole % 3600) / 60) + " min";
  }

  function options(chart, place) {
    var axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    var stepped = uPlot.paths.stepped({ align: 1 });
    return {
      width: place.clientWidth,
      height: place.clientHeight - 32,
      scales: { x: { time: false }, y: { range: function (_plot, _low, high) { return [0, (high || 1) * 1.02]; } } },
      axes: [
        Object.assign({ values: function (_plot, marks) { return marks.map(time); }, space: 70 }, axis),
        Object.assign({ values: function (_plot, marks) { return marks.map(words); }, size: 62 }, axis)
      ],
      series: [{ label: "at", value: function (_plot, value) { return value === null ? "-" : time(value); } }].concat(
        chart.lines.map(function (line) {
          return {
            label: line.name,
            stroke: colour("line-" + line.tone),
            width: line.tone === "c" ? 1.5 : 2,
            dash: line.tone === "c" ? [6, 4] : [],
            paths: stepped,
            points: { show: false },
            value: function (_plot, value) { return words(value); }
          };
        })
      )
    };
  }

  function draw() {
    drawn.forEach(function (plot) { plot.destroy(); });
    drawn = charts.map(function (chart) {
      var place = document.querySelector("#chart-" + chart.name + " .plot");
      var data = [chart.x].concat(chart.lines.map(function (line) { return line.values; }));
      return new uPlot(options(chart, place), data, place);
    });
  }

  function fit() {
    drawn.forEach(function (plot) {
      var place = plot.root.parentNode;
      plot.setSize({ width: place.clientWidth, height: place.clientHeight - 32 });
    });
  }

  document.documentElement.classList.add("live");
  draw();
  new ResizeObserver(fit).observe(document.querySelector("main"));
  dark.addEventListener("change", draw);
  window.addEventListener("beforeprint", fit);
})();
