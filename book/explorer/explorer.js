/* The instrument: each change of a control is answered by the worker, and the answer is shown.

   window.explorer holds what is shown: setting, answer and, over many seeds, FA's curves and stopping errors. */
"use strict";

(() => {
  const PATIENCE = 400; // milliseconds without a change until the address follows: it may not do so too often
  const PAUSE = 150; // milliseconds between pictures of many seeds
  const root = document.querySelector("#instrument");
  const find = (id) => document.querySelector(`#explorer-${id}`);
  let following = null;
  let pins = [];
  let shown = null;

  const say = (sentences, place = "status") => (find(place).textContent = sentences.join(" "));

  // --- showing ---

  function row([style, what, value]) {
    const tr = document.createElement("tr");
    const sample = `<svg aria-hidden="true"><line data-style="${style}" x2="44" y1="4" y2="4"></line></svg>`;
    tr.innerHTML = `<td>${sample}</td><td>${what}</td><td>${value}</td>`;
    return tr;
  }

  function drawCharts() {
    const { setting: chosen, answer, curves } = shown;
    charts.draw({ ...chosen, answer, pins, band: many.band(curves) });
  }

  function listItem(text) {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }

  /** Say which setting each pin is of. */
  function namePins() {
    const names = pins.map((pinned) => words.difference(pinned.setting, shown.setting));
    find("pins").lastElementChild.replaceChildren(...names.map(listItem));
    find("pins").hidden = find("unpin").hidden = pins.length === 0;
  }

  /** Show what depends on the moment. */
  function showMoment(state) {
    const { setting: chosen, answer } = shown;
    maps.show(state);
    find("time").textContent = words.short(answer.times[state.last]);
    setting.tell(setting.form.elements.moment, `time ${words.short(answer.times[chosen.moment])}`);
    find("numbers").replaceChildren(...words.numbers(answer, chosen).map(row));
  }

  const nextFrame = () => new Promise(requestAnimationFrame);

  /** Show an answer, its charts in one frame and what stands around them in the next. */
  async function show() {
    const { setting: chosen, answer } = shown;
    drawCharts();
    await nextFrame();
    namePins();
    showMoment(answer.state);
    charts.boxes[0].setAttribute("aria-label", words.errorsDescribed(answer, chosen));
    charts.boxes[1].setAttribute("aria-label", words.eigenvaluesDescribed(answer));
    document.querySelectorAll(".explorer-rule").forEach((place) => (place.textContent = answer.rule));
    find("python").textContent = words.python(chosen, answer.rule);
  }

  // --- answering ---

  let [busy, wanted] = [false, null];

  /** Answer what was wanted last, until nothing more is wanted: changes made meanwhile are answered together. */
  async function answerWanted() {
    if (busy) return;
    busy = true;
    while (wanted) {
      const { chosen, sentences } = wanted;
      wanted = null;
      const answer = await engine.ask("answer", chosen);
      shown = { setting: chosen, answer, curves: [], stops: [] };
      window.explorer = shown;
      await show();
      // What was refused meanwhile is still to be said.
      const wrong = setting.complaints();
      say(wrong.length ? wrong : [...sentences, ...words.warnings(answer, chosen)]);
    }
    busy = false;
    followSeeds(shown);
  }

  /** Let FA run from one seed after the other, until something else is shown. */
  async function followSeeds(mine) {
    const { seed, seeds } = mine.setting;
    many.hide();
    let drawn = 0;
    for (let i = 0; seeds > 1 && i < seeds; i++) {
      const { errors, stop } = await engine.ask("faAlone", { ...mine.setting, seed: seed + i });
      if (shown !== mine || busy) return;
      mine.curves.push(errors);
      mine.stops.push(stop);
      if (performance.now() - drawn < PAUSE && i < seeds - 1) continue;
      drawCharts();
      many.draw(mine.stops, mine.answer.levels.law, seeds);
      drawn = performance.now();
    }
    root.removeAttribute("aria-busy");
  }

  /** Answer what the controls ask; return whether they ask for what can be. */
  function update(sentences = []) {
    clearTimeout(following);
    say([], "done");
    setting.complete();
    const wrong = setting.complaints();
    if (wrong.length) {
      say(wrong);
      return false;
    }
    const chosen = setting.read();
    setting.remember(chosen.values);
    spectrum.draw(chosen.values);
    root.setAttribute("aria-busy", "true");
    wanted = { chosen, sentences };
    answerWanted();
    return true;
  }

  /** Show another moment of the same answer. */
  async function look() {
    setting.complete();
    follow();
    const moment = setting.read().moment;
    charts.mark(moment);
    const mine = shown;
    mine.setting = Object.freeze({ ...mine.setting, moment });
    const state = await engine.ask("state", moment);
    if (shown === mine) showMoment(state);
  }

  // --- address and files ---

  const writeAddress = () => history.replaceState(null, "", setting.fragment());

  /** Let the address follow the controls, soon. */
  function follow() {
    clearTimeout(following);
    following = setTimeout(writeAddress, PATIENCE);
  }

  const load = (address, sentences = []) =>
    update([...setting.load(setting.isSetting(address) ? address : ""), ...sentences]);

  async function copy() {
    const wrong = setting.complaints();
    if (wrong.length) return say(wrong, "done");
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      say(["The link is copied."], "done");
    } catch {
      say(["The browser does not let this page copy; the address above holds the setting."], "done");
    }
  }

  function download(blob, name) {
    const address = URL.createObjectURL(blob);
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
    say([`The browser saves ${name}.`], "done");
  }

  /** Save both charts, one below the other, on the page's ground. */
  function savePicture() {
    const canvases = charts.boxes.map((box) => box.querySelector("canvas"));
    const whole = document.createElement("canvas");
    whole.width = canvases[0].width;
    whole.height = canvases[0].height + canvases[1].height;
    const context = whole.getContext("2d");
    context.fillStyle = getComputedStyle(root).getPropertyValue("--ground");
    context.fillRect(0, 0, whole.width, whole.height);
    context.drawImage(canvases[0], 0, 0);
    context.drawImage(canvases[1], 0, canvases[0].height);
    whole.toBlob((blob) => download(blob, "charts.png"));
  }

  function pin(wanted) {
    pins = wanted;
    namePins();
    drawCharts();
    const last = `Pinned, with number ${pins.length}. Change the setting to compare.`;
    say([pins.length ? last : "The pins are off."], "done");
  }

  // --- controls ---

  setting.form.addEventListener("input", ({ target }) => {
    if (target.name === "moment" && !busy && setting.complaints().length === 0) look();
    else if (update()) follow();
  });
  setting.form.addEventListener("submit", (event) => event.preventDefault());
  find("pin").addEventListener("click", () => pin([...pins, shown]));
  find("unpin").addEventListener("click", () => {
    pin([]);
    find("pin").focus();
  });
  find("copy").addEventListener("click", copy);
  find("save").addEventListener("click", () =>
    download(new Blob([words.csv(shown.answer)], { type: "text/csv" }), "curves.csv"),
  );
  find("picture").addEventListener("click", savePicture);
  find("reset").addEventListener("click", () => {
    load("");
    follow();
    say(["All controls are as at first."], "done");
  });
  find("try").addEventListener("click", ({ target }) => {
    if (!target.dataset.set) return;
    load(target.dataset.set, [target.parentElement.lastChild.textContent.trim()]);
    follow();
    // What it says, and the charts below it.
    find("status").scrollIntoView({
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
  });
  window.addEventListener("hashchange", () => setting.isSetting(location.hash) && load(location.hash));
  load(location.hash);
})();
