/* The explorer's setting: what its controls say, and the same in the address. */
"use strict";

const setting = (() => {
  const form = document.querySelector("#instrument form");
  const controls = [...form.elements].filter(({ name }) => name);
  const { n, rank, r, spectrum, values } = form.elements;
  const MOST_UNITS = Number(r.max);
  const LEAST = 0.01; // of a singular value; the largest is 1

  /** The i-th singular value, i = 0, 1, ..., of so many, with r hidden units. */
  const spectra = {
    flat: () => 1,
    linear: (i, count) => (count > 1 ? 1 - (0.5 * i) / (count - 1) : 1),
    polynomial: (i) => 1 / (i + 1),
    exponential: (i) => 0.8 ** i,
    stepped: (i, _, units) => (i < units ? 1 : 0.3),
  };

  /** Return what a control stands for: of a logarithm, the power of ten, to two digits. */
  const meant = ({ name, value }) =>
    name.startsWith("log10") ? Number((10 ** value).toPrecision(2)) : Number(value);

  const ownInUse = () => spectrum.value === "custom";
  const ownValues = () => values.value.split(",").map((part) => (part.trim() ? Number(part) : NaN));

  /** Return the singular values that the controls ask for. */
  function chosenValues() {
    const [count, units] = [meant(rank), meant(r)];
    if (ownInUse()) return ownValues();
    return Array.from({ length: count }, (_, i) => spectra[spectrum.value](i, count, units));
  }

  /** Return the setting that the controls show. */
  function read() {
    const { feedback, log10C, start, log10start, decay, seed, seeds } = form.elements;
    const { log10time, timeaxis, erroraxis, eigenvalues, moment } = form.elements;
    return Object.freeze({
      n: meant(n),
      rank: meant(rank),
      r: meant(r),
      spectrum: spectrum.value,
      values: chosenValues(),
      feedbackKind: feedback.value,
      feedbackScale: meant(log10C),
      start: start.value,
      startScale: meant(log10start),
      decay: meant(decay),
      seed: meant(seed),
      seeds: meant(seeds),
      end: meant(log10time),
      timeAxis: timeaxis.value,
      errorAxis: erroraxis.value,
      rule: eigenvalues.value,
      moment: meant(moment),
    });
  }

  /** Keep rank and units within n and values of one's own in step with the rank, and say what the sliders say. */
  function complete() {
    rank.max = n.value;
    r.max = Math.min(MOST_UNITS, n.value);
    completeValues();
    const sliders = controls.filter(({ type, name }) => type === "range" && name !== "moment");
    sliders.forEach((control) => tell(control, meant(control)));
  }

  /** Say beside a slider what it stands for. */
  function tell(control, text) {
    control.labels[0].querySelector("span").textContent = text;
    control.setAttribute("aria-valuetext", text);
  }

  function completeValues() {
    const listed = ownValues();
    const good = listed.every((value) => value >= LEAST && value <= 1) && listed.length <= meant(n);
    values.labels[0].hidden = !ownInUse();
    values.setCustomValidity(ownInUse() && !good ? "no list of singular values" : "");
    if (ownInUse() && good) rank.value = listed.length;
  }

  /** Make these singular values the setting's own. */
  function own(wanted) {
    spectrum.value = "custom";
    values.value = wanted.map((value) => Number(value.toFixed(2))).join(",");
  }

  /** Before anything else hears of a change: begin one's own values with those shown, or bring them to a new rank. */
  function adapt({ target }) {
    rank.max = n.value;
    if (!ownInUse()) return;
    if (target === spectrum) own(shown);
    if (target === n || target === rank) {
      own(Array.from({ length: meant(rank) }, (_, i) => shown[Math.min(i, shown.length - 1)]));
    }
  }

  let shown = [];

  /** Remember the singular values that are shown. */
  const remember = (wanted) => (shown = wanted.map((value) => Math.max(value, LEAST)));

  /** Return the setting as the address keeps it. */
  const fragment = () => {
    const kept = controls.filter((control) => control !== values || ownInUse());
    return `#${new URLSearchParams(kept.map(({ name, value }) => [name, value]))}`;
  };

  /** Set a control, or leave it as it was; return the sentence to say if the text does not fit. */
  function set(control, text) {
    const before = control.value;
    control.value = text;
    complete();
    const same =
      control.type === "range" || control.type === "number"
        ? Number(control.value) === Number(text)
        : control.value === text;
    if (text.trim() !== "" && same && control.checkValidity()) return [];
    control.value = before;
    const kept = before === "" ? "is left out" : `is ${before}`;
    return [
      `The address asks for ${control.name} = ${text}; it must be ${allowed(control)}, and ${kept} here.`,
    ];
  }

  function allowed({ type, options, min, max, step }) {
    if (type === "select-one") return `one of ${[...options].map(({ value }) => value).join(", ")}`;
    if (type === "text") return `numbers from ${LEAST} to 1 with commas between them, at most n of them`;
    return `a number from ${min} to ${max} in steps of ${step}`;
  }

  /** Return what is wrong with what was typed, in sentences. */
  const complaints = () =>
    controls
      .filter((control) => !control.checkValidity())
      .map(
        (control) => `The ${control.name} must be ${allowed(control)}; the curves are still those of before.`,
      );

  /** Return whether an address holds a setting, and not just a place on the page. */
  const isSetting = (address) => address.includes("=");

  /** Set the controls as an address says, from their defaults; return sentences on what does not fit. */
  function load(address) {
    form.reset();
    const asked = new URLSearchParams(address.replace(/^#/, ""));
    const unknown = [...asked.keys()].filter((name) => !controls.some((control) => control.name === name));
    remember(chosenValues());
    const said = controls.flatMap((control) => {
      complete();
      return asked.has(control.name) ? set(control, asked.get(control.name)) : [];
    });
    if (ownInUse() && values.value === "") own(shown);
    complete();
    return [
      ...said,
      ...unknown.map((name) => `The address asks for ${name}, which this page does not know.`),
    ];
  }

  form.addEventListener("input", adapt, { capture: true });
  return { form, read, complete, complaints, fragment, isSetting, load, tell, own, remember, least: LEAST };
})();
