/* The explorer's two charts. uPlot draws them; colours and dashes come from explorer.css. */
"use strict";

const charts = (() => {
  const root = document.querySelector("#instrument");
  const boxes = ["errors", "eigenvalues"].map((name) => root.querySelector(`#explorer-${name}`));
  const readouts = ["errors", "eigenvalues"].map((name) => root.querySelector(`#explorer-${name}-readout`));
  const LEAST = 1e-10; // what a logarithmic axis shows at all
  const LINE = 15; // pixels between labels
  // Name in the answer, style of colour and of dashes, width, label.
  const LINES = [
    ["stationary", "theory", "stationary", 1.2, (decay) => (decay > 0 ? "rest (N10)" : "Lemma 1")],
    ["law", "theory", "law", 1.2, () => "law"],
    ["optimum", "theory", "optimum", 1.2, () => "optimum"],
    ["GD", "gd", "gd", 2.4, () => "GD"],
    ["FA", "fa", "fa", 2.4, () => "FA"],
    ["FA*", "fa-star", "fa-star", 2.4, () => "FA*"],
  ];
  const STYLES = Object.fromEntries(LINES.map(([name, ...style]) => [name, style]));

  const styled = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  /** Return how uPlot draws a line; a pinned one is thin. */
  function series(name, title, thin = false) {
    const [colour, dashes, width] = STYLES[name];
    const pattern = styled(`${dashes}-dash`);
    const dash = pattern === "none" ? [] : pattern.split(" ").map(Number);
    return {
      stroke: styled(colour),
      dash,
      width: thin ? 1 : width,
      thin,
      title,
      pxAlign: 0,
      points: { show: false },
    };
  }

  /** Return an axis; a logarithmic one has lines at the powers of ten only, and room for them. */
  function axis(kind, more) {
    const whole = (_, splits) => splits.map((split) => (Number.isInteger(Math.log10(split)) ? split : null));
    const filter = kind === "log" ? { filter: whole } : {};
    const quiet = { stroke: styled("faint"), width: 1, ...filter };
    const font = "13px sans-serif";
    const values = kind === "log" ? (_, splits) => splits.map(power) : undefined;
    return {
      stroke: styled("theory"),
      grid: quiet,
      ticks: quiet,
      font,
      labelFont: font,
      labelSize: 20,
      values,
      ...more,
    };
  }

  const power = (number) =>
    number === null ? "" : number < 0.001 ? number.toExponential(0) : words.short(number);

  const spans = (_, low, high) => [low, high];
  const fromZero = (_, low, high) => [0, 1.05 * Math.max(1, high)];
  const aroundZero = (_, low, high) => uPlot.rangeNum(Math.min(0, low), Math.max(0, high), 0.05, true);

  // --- what is written over a chart ---

  /** Write each titled line's name beside its end, no two over each other, and lead to it; mark the moment. */
  function annotate(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const lines = plot.series.flatMap((line, i) => {
      const last = plot.data[i].findLast((value) => value !== null);
      const end = last === undefined ? NaN : plot.valToPos(last, "y", true);
      return line.title && end > 0 ? [{ line, end, height: end }] : [];
    });
    lines.sort((a, b) => a.end - b.end);
    ctx.save();
    ctx.font = `${13 * ratio}px sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const distance = Math.min(LINE * ratio, bbox.height / lines.length);
    const right = bbox.left + bbox.width;
    spread(lines, distance, bbox.top + bbox.height).forEach(({ line, end, height }) => {
      ctx.strokeStyle = line.stroke();
      ctx.lineWidth = 1.2 * ratio;
      ctx.setLineDash(line.dash.map((length) => length * ratio));
      ctx.beginPath();
      ctx.moveTo(right, end);
      ctx.lineTo(right + 16 * ratio, height);
      ctx.stroke();
      ctx.fillStyle = styled("theory");
      ctx.fillText(line.title, right + 20 * ratio, height);
    });
    const moment = plot.valToPos(plot.data[0][Math.max(0, shown.moment - skipped())], "x", true);
    ctx.fillStyle = styled("theory");
    ctx.fillRect(moment, bbox.top, ratio, bbox.height);
    ctx.restore();
  }

  /** Return lines, from the highest on, moved apart so that their labels keep a distance and stay above a bottom. */
  function spread(lines, distance, bottom) {
    let above = -Infinity;
    const lowered = lines.map((one) => {
      above = Math.max(above + distance, one.height);
      return { ...one, height: above };
    });
    let below = bottom + distance / 2;
    return lowered.reverse().map((one) => {
      below = Math.min(below - distance, one.height);
      return { ...one, height: below };
    });
  }

  /** Say beside a chart's title what its lines are at the pointer. */
  function readOut(plot, readout) {
    const i = plot.cursor.idx;
    const parts = plot.series.flatMap(({ title, thin }, k) => {
      const value = plot.data[k][i];
      return title && !thin && typeof value === "number" ? [`${title} ${words.short(value)}`] : [];
    });
    const away = i === null || i === undefined || plot.cursor.left < 0;
    readout.textContent = away ? "" : `at time ${words.short(plot.data[0][i])}: ${parts.join(", ")}`;
  }

  /** Return an empty chart as large as its box. */
  function chart(number, lines, kind, range, label) {
    const options = {
      width: boxes[number].clientWidth,
      height: boxes[number].clientHeight,
      padding: [10, 88, 0, 0],
      series: [{}, ...lines],
      bands: lines.length > 1 && lines[0].band ? [{ series: [2, 1], fill: styled("band") }] : [],
      scales: {
        x: { time: false, range: spans, distr: shown.timeAxis === "log" ? 3 : 1 },
        y: kind === "log" ? { distr: 3 } : { range },
      },
      axes: [axis(shown.timeAxis, { label: "time", size: 30 }), axis(kind, { label, size: 52 })],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "explorer" }, points: { show: false } },
      hooks: { draw: [annotate], setCursor: [(plot) => readOut(plot, readouts[number])] },
    };
    const plot = new uPlot(options, null, boxes[number]);
    plot.over.addEventListener("click", () => pick(plot.cursor.idx));
    return plot;
  }

  /** Set the moment to the time that was clicked. */
  function pick(i) {
    const control = document.querySelector("#instrument [name=moment]");
    if (typeof i === "number") control.value = i + skipped();
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- data ---

  const skipped = () => (shown.timeAxis === "log" ? 1 : 0); // a logarithmic axis has no time 0
  const visible = (value) => (shown.errorAxis === "log" && value < LEAST ? null : value);

  /** Return a curve at the times shown, none where it ended early. */
  const filled = (points) => shown.answer.times.map((_, i) => visible(points[i] ?? null)).slice(skipped());

  /** Return a pinned curve at the times shown, between whose own times it is drawn straight. */
  function moved(times, points) {
    let k = 0;
    const at = (time) => {
      while (k < points.length - 2 && times[k + 1] < time) k++;
      const share = (time - times[k]) / (times[k + 1] - times[k]);
      return time > 1.000001 * times[points.length - 1] ? null : points[k] + share * (points[k + 1] - points[k]);
    };
    return shown.answer.times.map(at);
  }

  /** Return lines and data of the errors: band, pins, levels, curves. */
  function errorLines({ answer, decay, pins, band }) {
    const present = LINES.filter(([name]) => name in answer.levels || name in answer.errors);
    const levels = (name) => Array(answer.times.length).fill(answer.levels[name]);
    const bands = band.map((points) => [{ ...series("FA", null, true), band: true }, filled(points)]);
    const pinned = pins.flatMap(({ answer: { times, errors } }, i) =>
      Object.entries(errors).map(([name, points]) => [
        series(name, `${name} ${i + 1}`, true),
        filled(moved(times, points)),
      ]),
    );
    const own = present.map(([name, , , , label]) => [
      series(name, label(decay)),
      filled(answer.errors[name] ?? levels(name)),
    ]);
    return [...bands, ...pinned, ...own];
  }

  function eigenvalueLines({ answer }) {
    const r = answer.eigenvalues[0].length;
    const ends = { [r - 1]: "largest", 0: "least" };
    const curve = (k) => answer.times.map((_, i) => answer.eigenvalues[i]?.[k] ?? null).slice(skipped());
    return Array.from({ length: r }, (_, k) => [series(answer.rule, ends[k]), curve(k)]);
  }

  let [plots, kinds, shown] = [[], [], null];

  /** Draw an answer: curves, pins and a band of FA's curves over many seeds, with the moment marked. */
  function draw(wanted) {
    shown = wanted;
    const times = shown.answer.times.slice(skipped());
    [errorLines(shown), eigenvalueLines(shown)].forEach((lines, i) => {
      build(i, lines);
      plots[i].setData([times, ...lines.map(([, points]) => points)]);
    });
  }

  /** Make a chart anew if it has other lines or axes than before. */
  function build(i, lines) {
    const { timeAxis, errorAxis, answer } = shown;
    const titles = lines.map(([{ title, band }]) => [title, band]);
    const kind = JSON.stringify(i === 0 ? [timeAxis, errorAxis, titles] : [timeAxis, answer.rule, titles]);
    if (kind === kinds[i]) return;
    kinds[i] = kind;
    plots[i]?.destroy();
    const styles = lines.map(([style]) => style);
    plots[i] =
      i === 0
        ? chart(0, styles, errorAxis, fromZero, "error over ‖Y‖²")
        : chart(1, styles, "linear", aroundZero, "eigenvalue");
  }

  /** Make the charts anew, for another width or theme. */
  function rebuild() {
    kinds = [];
    if (shown) draw(shown);
  }

  /** Mark another moment. */
  function mark(moment) {
    shown.moment = moment;
    plots.forEach((plot) => plot.redraw(false));
  }

  const resized = () => plots.length && plots[0].width !== boxes[0].clientWidth && rebuild();

  new ResizeObserver(resized).observe(boxes[0]);
  new MutationObserver(rebuild).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return { draw, mark, boxes };
})();
