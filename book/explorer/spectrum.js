/* The singular values as bars to drag. By keyboard, left and right choose a bar, up and down change it. */
"use strict";

const spectrum = (() => {
  const box = document.querySelector("#explorer-spectrum");
  const STEP = 0.01;
  let values = [];

  const bounded = (value) => Math.min(1, Math.max(setting.least, value));

  function bar(_, i) {
    const one = document.createElement("div");
    one.setAttribute("role", "slider");
    one.setAttribute("aria-orientation", "vertical");
    one.setAttribute("aria-label", `Singular value ${i + 1}`);
    one.setAttribute("aria-valuemin", setting.least);
    one.setAttribute("aria-valuemax", 1);
    return one;
  }

  /** Let one bar be reached by Tab, the i-th. */
  const reach = (i) => [...box.children].forEach((one, k) => (one.tabIndex = k === i ? 0 : -1));

  /** Show singular values. */
  function draw(wanted) {
    values = wanted;
    if (box.children.length !== values.length) {
      box.replaceChildren(...values.map(bar));
      reach(0);
    }
    values.forEach((value, i) => {
      box.children[i].setAttribute("aria-valuenow", Number(value.toFixed(3)));
      box.children[i].style.setProperty("--height", `${100 * value}%`);
    });
  }

  /** Change singular values from the i-th to the k-th, and let the page know. */
  function change(i, k, value) {
    const [first, last] = [Math.min(i, k), Math.max(i, k)];
    setting.own(values.map((old, j) => (j >= first && j <= last ? bounded(value) : old)));
    setting.form.elements.values.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press(event) {
    const i = [...box.children].indexOf(event.target);
    const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -100, End: 100 }[event.key];
    const moves = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (steps) change(i, i, values[i] + steps * STEP);
    if (moves && box.children[i + moves]) {
      reach(i + moves);
      box.children[i + moves].focus();
    }
    if (steps || moves) event.preventDefault();
  }

  let dragged = null; // the bar last touched

  /** Give the bar under the pointer the pointer's height, and all between it and the one before. */
  function drag({ clientX, clientY }) {
    const { left, width, bottom, height } = box.getBoundingClientRect();
    const place = Math.floor(((clientX - left) / width) * values.length);
    const i = Math.min(values.length - 1, Math.max(0, place));
    change(dragged ?? i, i, (bottom - clientY) / height);
    dragged = i;
  }

  box.addEventListener("keydown", press);
  box.addEventListener("pointerdown", (event) => {
    box.setPointerCapture(event.pointerId);
    drag(event);
  });
  box.addEventListener("pointermove", (event) => box.hasPointerCapture(event.pointerId) && drag(event));
  box.addEventListener("lostpointercapture", () => (dragged = null));

  return { draw };
})();
