/* FA over many seeds: a band of its curves, and a histogram of the errors at which it stops, against the law. */
"use strict";

const many = (() => {
  const figure = document.querySelector("#explorer-many");
  const [caption, picture] = figure.children;
  const BINS = 24;
  const [BOTTOM, TOP, EDGE] = [160, 20, 20]; // of the picture

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
      Array.from({ length: shortest }, (_, i) =>
        quantile(
          curves.map((curve) => curve[i]),
          share,
        ),
      );
    return [edge(0.05), edge(0.95)];
  }

  /** Return a line across the picture with its text on the side where there is room. */
  function line(x, width, kind, text, y) {
    const anchor = x > width / 2 ? "end" : "start";
    return (
      `<line data-style="${kind}" x1="${x}" x2="${x}" y1="${TOP}" y2="${BOTTOM}"></line>` +
      `<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`
    );
  }

  /** Return how many numbers fall in each of the bins from low to high. */
  function histogram(numbers, low, high) {
    const counts = Array(BINS).fill(0);
    const bin = (number) => Math.min(BINS - 1, Math.floor((BINS * (number - low)) / (high - low)));
    numbers.forEach((number) => counts[bin(number)]++);
    return counts;
  }

  /** Return the least and the largest number, or 0 and 1 where all are equal. */
  function range(numbers) {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    return high - low > 1e-9 ? [low, high] : [0, 1];
  }

  /** Draw where FA stops, of so many seeds wanted; with decay there is no law. */
  function draw(stops, law, wanted) {
    figure.hidden = false;
    const width = picture.clientWidth;
    const average = mean(stops);
    const [low, high] = range(law === undefined ? stops : [...stops, law]);
    const place = (value) => EDGE + ((width - 2 * EDGE) * (value - low)) / (high - low);
    const counts = histogram(stops, low, high);
    const size = (width - 2 * EDGE) / BINS;
    const bars = counts.map((count, i) => {
      const height = ((BOTTOM - 2 * TOP) * count) / Math.max(...counts);
      return `<rect x="${EDGE + i * size}" y="${BOTTOM - height}" width="${size - 1}" height="${height}"></rect>`;
    });
    const ends = [`<text x="${EDGE}" y="180">${words.short(low)}</text>`];
    ends.push(`<text x="${width - EDGE}" y="180" text-anchor="end">${words.short(high)}</text>`);
    const lines = [line(place(average), width, "stationary", `mean ${words.short(average)}`, 34)];
    if (law !== undefined) lines.push(line(place(law), width, "law", `law ${words.short(law)}`, 14));
    picture.setAttribute("viewBox", `0 0 ${width} 190`);
    picture.innerHTML = [...bars, ...ends, ...lines].join("");
    describe(stops, average, law, wanted);
  }

  function describe(stops, average, law, wanted) {
    const so = stops.length < wanted ? `, ${stops.length} so far` : "";
    caption.textContent = `Where FA stops over ${wanted} seeds${so}: error over ‖Y‖². Above, the band holds nine in ten of FA’s curves.`;
    const ends = `from ${words.short(Math.min(...stops))} to ${words.short(Math.max(...stops))}`;
    const text = `Histogram of ${stops.length} stopping errors ${ends}, mean ${words.short(average)}`;
    picture.setAttribute("aria-label", law === undefined ? text : `${text}, law ${words.short(law)}`);
  }

  const hide = () => (figure.hidden = true);

  return { band, draw, hide };
})();
