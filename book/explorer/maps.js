/* Z, W and WC^T as heat maps: a pixel an entry, blue below zero, orange above. */
"use strict";

const maps = (() => {
  const box = document.querySelector("#explorer-maps");
  const [BLUE, ORANGE] = [
    [0, 114, 178],
    [213, 94, 0],
  ]; // as GD and FA

  /** Return an empty map with its caption. */
  function frame(name) {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    figure.append(document.createElement("figcaption"), canvas);
    figure.dataset.name = name;
    return figure;
  }

  const frames = ["Zᵀ", "W", "WCᵀ"].map(frame);
  box.append(...frames);

  /** Draw entries, flat, on a scale that ends at the largest. */
  function draw(figure, entries, rows, columns) {
    const [caption, canvas] = figure.children;
    const largest = entries.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
    const picture = new ImageData(columns, rows);
    entries.forEach((entry, i) => {
      picture.data.set(entry < 0 ? BLUE : ORANGE, 4 * i);
      picture.data[4 * i + 3] = largest ? (255 * Math.abs(entry)) / largest : 0;
    });
    Object.assign(canvas, { width: columns, height: rows });
    canvas.getContext("2d").putImageData(picture, 0, 0);
    const [name, most] = [figure.dataset.name, words.short(largest)];
    caption.textContent = `${name}, ${rows} × ${columns}, from −${most} (blue) to ${most} (orange)`;
    canvas.setAttribute("aria-label", `${name}, ${rows} times ${columns} entries, at most ${most} in size`);
  }

  const transposed = (matrix, rows, columns) =>
    Float64Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);

  /** Draw the state at a moment. */
  function show({ Z, W, overlap, n, r }) {
    draw(frames[0], transposed(Z, n, r), r, n);
    draw(frames[1], W, r, n);
    draw(frames[2], overlap, r, r);
  }

  return { show };
})();
