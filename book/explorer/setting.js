/* The explorer's setting: what its controls say, and the same in the address. */
"use strict";

const setting = (() => {
  const form = document.querySelector("#explorer form");
  const controls = [...form.elements];

  /** Return what a control stands for: of a logarithm, the power of ten, to two digits. */
  const meant = ({ name, value }) =>
    name.startsWith("log10") ? Number((10 ** value).toPrecision(2)) : Number(value);

  /** Return the setting that the controls show. */
  function read() {
    const { n, rank, r, spectrum, log10C, log10start, log10time, seed, eigenvalues } = form.elements;
    return Object.freeze({
      n: meant(n),
      rank: meant(rank),
      r: meant(r),
      spectrum: spectrum.value,
      feedbackScale: meant(log10C),
      startScale: meant(log10start),
      seed: meant(seed),
      end: meant(log10time),
      rule: eigenvalues.value,
    });
  }

  /** Keep the rank within n, and put each slider's value beside its name. */
  function complete() {
    form.elements.rank.max = form.elements.n.value;
    for (const control of controls.filter(({ type }) => type === "range")) {
      control.labels[0].querySelector("span").textContent = meant(control);
      control.setAttribute("aria-valuetext", meant(control));
    }
  }

  /** Return the setting as the address keeps it. */
  const fragment = () => `#${new URLSearchParams(controls.map(({ name, value }) => [name, value]))}`;

  /** Set a control, or leave it as it was; return the sentence to say if the text does not fit. */
  function set(control, text) {
    const before = control.value;
    control.value = text;
    const same =
      control.type === "select-one" ? control.value === text : Number(control.value) === Number(text);
    if (text.trim() !== "" && same && control.checkValidity()) return [];
    control.value = before;
    return [
      `The address asks for ${control.name} = ${text}; it must be ${allowed(control)}, and is ${before} here.`,
    ];
  }

  function allowed({ type, options, min, max, step }) {
    if (type === "select-one") return `one of ${[...options].map(({ value }) => value).join(", ")}`;
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
    const said = controls.flatMap((control) => {
      complete();
      return asked.has(control.name) ? set(control, asked.get(control.name)) : [];
    });
    complete();
    return [
      ...said,
      ...unknown.map((name) => `The address asks for ${name}, which this page does not know.`),
    ];
  }

  return { form, read, complete, complaints, fragment, isSetting, load };
})();
