/* FA over many seeds: a band of its curves, and a histogram of the errors at which it stops, against the law. */
"use strict";

const many = (() => {
  const figure = document.querySelector("#explorer-many");
  const [caption, picture] = figure.children;
  const BINS = 24;
  const [WIDTH, BOTTOM, TOP] = [700, 160, 20]; // of the picture

  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  /** Return a quantile of some numbers. */
  function quantile(numbers, share) {
    const sorted = [...numbers].sort((a, b) => a - b);
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  }

  /** Return the curves between which nine in ten of so many run, as far as all of them go. */
  function band(curves) {
    if (curves.length < 2) return [];
    const shortest = Math.min(...curves.map((curve) => curve.length));
    const edge = (share) =>
      Array.from({ length: shortest }, (_, i) => quantile(curves.map((curve) => curve[i]), share));
    return [edge(0.05), edge(0.95)];
  }

  const line = (x, kind, text, y) =>
    `<line data-style="${kind}" x1="${x}" x2="${x}" y1="${TOP}" y2="${BOTTOM}"></line>` +
    `<text x="${x}" y="${y}" text-anchor="${x > WIDTH / 2 ? "end" : "start"}">${text}</text>`;

  /** Draw the histogram; without a law (with decay) just the mean. */
  function draw(stops, law, wanted) {
    figure.hidden = false;
    const [average, marks] = [mean(stops), [law ?? stops[0], ...stops]];
    const width = Math.max(...marks) - Math.min(...marks);
    const [low, high] = width > 1e-9 ? [Math.min(...marks), Math.max(...marks)] : [0, 1];
    const place = (value) => 20 + ((WIDTH - 40) * (value - low)) / (high - low);
    const counts = Array(BINS).fill(0);
    stops.forEach((stop) => counts[Math.min(BINS - 1, Math.floor((BINS * (stop - low)) / (high - low)))]++);
    const size = (WIDTH - 40) / BINS;
    const bar = (count, i) => {
      const height = ((BOTTOM - TOP - 20) * count) / Math.max(...counts);
      return `<rect x="${20 + i * size}" y="${BOTTOM - height}" width="${size - 1}" height="${height}"></rect>`;
    };
    const ends = `<text x="20" y="180">${words.short(low)}</text><text x="${WIDTH - 20}" y="180" text-anchor="end">${words.short(high)}</text>`;
    const lawLine = law === undefined ? "" : line(place(law), "law", `law ${words.short(law)}`, 14);
    picture.innerHTML =
      counts.map(bar).join("") + ends + line(place(average), "stationary", `mean ${words.short(average)}`, 34) + lawLine;
    const so = stops.length < wanted ? `, ${stops.length} so far` : "";
    caption.textContent = `Where FA stops over ${wanted} seeds${so}: error over ‖Y‖². Above, the band holds nine in ten of FA’s curves.`;
    const described = `Histogram of ${stops.length} stopping errors from ${words.short(Math.min(...stops))} to ${words.short(Math.max(...stops))}, mean ${words.short(average)}`;
    picture.setAttribute("aria-label", law === undefined ? described : `${described}, law ${words.short(law)}`);
  }

  const hide = () => (figure.hidden = true);

  return { band, draw, hide };
})();
