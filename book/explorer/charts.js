/* The explorer's two pictures. uPlot draws them; colours and dashes come from explorer.css. */
"use strict";

const charts = (() => {
  const root = document.querySelector("#explorer");
  const boxes = ["#explorer-errors", "#explorer-eigenvalues"].map((id) => root.querySelector(id));
  const MOST_EIGENVALUES = Number(root.querySelector("[name=r]").max);
  const RULES = ["FA*", "FA"]; // whose eigenvalues may be drawn
  // Name in the answer, style of colour and of dashes, width.
  const LINES = [
    ["stationary", "theory", "stationary", 1.2],
    ["law", "theory", "law", 1.2],
    ["optimum", "theory", "optimum", 1.2],
    ["GD", "gd", "gd", 2.2],
    ["FA", "fa", "fa", 2.2],
    ["FA*", "fa-star", "fa-star", 2.2],
  ];

  const NAMES = LINES.map(([name]) => name);

  const styled = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  function series(wanted) {
    const [, colour, dashes, width] = LINES.find(([name]) => name === wanted);
    const pattern = styled(`${dashes}-dash`);
    const dash = pattern === "none" ? [] : pattern.split(" ").map(Number);
    return { stroke: styled(colour), dash, width, pxAlign: 0, points: { show: false } };
  }

  function axis(more) {
    const quiet = { stroke: styled("faint"), width: 1 };
    const font = "13px sans-serif";
    return { stroke: styled("theory"), grid: quiet, ticks: quiet, font, labelFont: font, ...more };
  }

  /** Return an empty picture as large as its box, with a line for each name. */
  function picture(box, names, range) {
    const options = {
      width: box.clientWidth,
      height: box.clientHeight,
      series: [{}, ...names.map(series)],
      scales: { x: { time: false }, y: { range } },
      axes: [axis({ label: "time", labelSize: 18, size: 30 }), axis({ size: 48 })],
      legend: { show: false },
      cursor: { show: false },
    };
    return new uPlot(options, null, box);
  }

  const fromZero = (_, low, high) => [0, 1.05 * Math.max(1, high)];
  const aroundZero = (_, low, high) => uPlot.rangeNum(Math.min(0, low), Math.max(0, high), 0.05, true);
  const repeated = (rules) => rules.flatMap((rule) => Array(MOST_EIGENVALUES).fill(rule));

  const build = () => [picture(boxes[0], NAMES, fromZero), picture(boxes[1], repeated(RULES), aroundZero)];

  /** Return a line's points, none where a run ended early. */
  const filled = (points, times) => times.map((_, i) => points[i] ?? null);

  function errorData({ times, errors, levels }) {
    const points = (name) => (name in levels ? times.map(() => levels[name]) : filled(errors[name], times));
    return [times, ...NAMES.map(points)];
  }

  function eigenvalueData({ times, eigenvalues }, rule) {
    const points = (name, k) =>
      filled(name === rule ? eigenvalues[name].map((values) => values[k]) : [], times);
    return [times, ...repeated(RULES).map((name, i) => points(name, i % MOST_EIGENVALUES))];
  }

  let [plots, shown] = [null, null];

  /** Draw an answer, and one rule's eigenvalues. */
  function draw(answer, rule) {
    shown = [answer, rule];
    plots ??= build();
    plots[0].setData(errorData(answer));
    plots[1].setData(eigenvalueData(answer, rule));
  }

  /** Make the pictures anew, for another width or theme. */
  function rebuild() {
    plots?.forEach((plot) => plot.destroy());
    plots = null;
    if (shown) draw(...shown);
  }

  const resized = () => plots && plots[0].width !== boxes[0].clientWidth && rebuild();

  new ResizeObserver(resized).observe(boxes[0]);
  new MutationObserver(rebuild).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return { draw, boxes };
})();
