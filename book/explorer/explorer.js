/* The explorer's page: each change of a control makes a problem, answers it, and shows the answer.

   window.explorer holds what is shown: setting, problem (values, C, Z, W) and answer. */
"use strict";

(() => {
  const POINTS = 61; // of each curve
  const PATIENCE = 400; // milliseconds without a change until the address follows: it may not do so too often
  const find = (id) => document.querySelector(`#explorer-${id}`);
  let following = null;

  const say = (sentences) => (find("status").textContent = sentences.join(" "));

  function row([style, what, value]) {
    const tr = document.createElement("tr");
    const sample = `<svg aria-hidden="true"><line data-style="${style}" x2="44" y1="4" y2="4"></line></svg>`;
    tr.innerHTML = `<td>${sample}</td><td>${what}</td><td>${value}</td>`;
    return tr;
  }

  function show({ setting: chosen, answer }) {
    charts.draw(answer, chosen.rule);
    find("numbers").replaceChildren(...words.numbers(answer).map(row));
    charts.boxes[0].setAttribute("aria-label", words.errorsDescribed(answer));
    charts.boxes[1].setAttribute("aria-label", words.eigenvaluesDescribed(answer, chosen.rule));
    find("rule").textContent = chosen.rule;
    find("python").textContent = words.python(chosen, answer.times.length);
  }

  /** Answer what the controls ask, and say what there is to say. */
  function update(sentences = []) {
    setting.complete();
    const wrong = setting.complaints();
    if (wrong.length) return say(wrong);
    const chosen = setting.read();
    const problem = problems.make(chosen);
    const answer = dynamics.answer(problem, chosen.end, POINTS);
    window.explorer = Object.freeze({ setting: chosen, problem, answer });
    show(window.explorer);
    say([...sentences, ...words.warnings(answer)]);
  }

  const writeAddress = () => history.replaceState(null, "", setting.fragment());

  /** Let the address follow the controls, soon. */
  function follow() {
    clearTimeout(following);
    following = setTimeout(writeAddress, PATIENCE);
  }

  async function copy() {
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      say(["The link is copied."]);
    } catch {
      say(["The browser does not let this page copy; the address above holds the setting."]);
    }
  }

  function save() {
    const { answer, setting: chosen } = window.explorer;
    const address = URL.createObjectURL(new Blob([words.csv(answer, chosen.rule)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: address, download: "curves.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  const load = (address) => update(setting.load(setting.isSetting(address) ? address : ""));

  setting.form.addEventListener("input", () => {
    update();
    follow();
  });
  setting.form.addEventListener("submit", (event) => event.preventDefault());
  find("copy").addEventListener("click", copy);
  find("save").addEventListener("click", save);
  find("reset").addEventListener("click", () => {
    load("");
    follow();
  });
  window.addEventListener("hashchange", () => setting.isSetting(location.hash) && load(location.hash));
  load(location.hash);
})();
