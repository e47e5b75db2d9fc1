/* The explorer's page: each change of a control makes a problem, answers it, and shows the answer.

   window.explorer holds what is shown: setting, problem (values, C, Z, W) and answer. */
"use strict";

(() => {
  const POINTS = 61; // of each curve
  const PATIENCE = 400; // milliseconds without a change before the address follows: browsers limit how often it may
  const find = (id) => document.querySelector(`#explorer-${id}`);
  let following = null;

  const say = (sentences) => (find("status").textContent = sentences.join(" "));

  function row([style, what, value]) {
    const tr = document.createElement("tr");
    tr.innerHTML = `<td><svg aria-hidden="true"><line data-style="${style}" x2="44" y1="4" y2="4"></line></svg></td><td></td><td></td>`;
    [tr.children[1].textContent, tr.children[2].textContent] = [what, value];
    return tr;
  }

  function show({ setting: chosen, answer }) {
    charts.draw(answer, chosen.rule);
    find("numbers").replaceChildren(...words.numbers(answer).map(row));
    charts.boxes[0].setAttribute("aria-label", words.errorsDescribed(answer));
    charts.boxes[1].setAttribute("aria-label", words.eigenvaluesDescribed(answer, chosen.rule));
    find("rule").textContent = chosen.rule;
    find("python").textContent = words.python(chosen);
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
    clearTimeout(following);
    following = setTimeout(() => history.replaceState(null, "", setting.fragment()), PATIENCE);
  }

  const link = () => location.href.replace(/#.*|$/, setting.fragment());

  const copy = () =>
    navigator.clipboard.writeText(link()).then(
      () => say(["The link is copied."]),
      () => say(["The browser does not let this page copy; the address above holds the setting."]),
    );

  function save() {
    const { answer, setting: chosen } = window.explorer;
    const address = URL.createObjectURL(new Blob([words.csv(answer, chosen.rule)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: address, download: "curves.csv" }).click();
    URL.revokeObjectURL(address);
  }

  const load = (address) => update(setting.load(setting.isSetting(address) ? address : ""));

  setting.form.addEventListener("input", () => update());
  setting.form.addEventListener("submit", (event) => event.preventDefault());
  find("copy").addEventListener("click", copy);
  find("save").addEventListener("click", save);
  find("reset").addEventListener("click", () => load(""));
  window.addEventListener("hashchange", () => setting.isSetting(location.hash) && load(location.hash));
  load(location.hash);
})();
