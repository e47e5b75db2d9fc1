/* What the explorer says: numbers, descriptions of the pictures, warnings, the curves as CSV, a program. */
"use strict";

const words = (() => {
  const NUMBERS = [
    ["GD", "gd", (last) => `GD at time ${last.GD}`],
    ["FA", "fa", (last) => `FA at time ${last.FA}`],
    ["FA*", "fa-star", (last) => `FA* at time ${last["FA*"]}`],
    ["stationary", "stationary", () => "Where FA and FA* stop (Lemma 1)"],
    ["law", "law", () => "The law of FA's mean over draws of C"],
    ["optimum", "optimum", () => "The best of rank r"],
  ];

  const short = (number) => (Math.abs(number) < 1e-12 ? "0" : String(Number(number.toPrecision(4))));
  const lastOf = (values) => values[values.length - 1];
  const timeOf = ({ times }, values) => short(times[values.length - 1]);

  /** Return the table's rows: style of the line, what it is, and its value. */
  function numbers({ times, errors, levels }) {
    const last = Object.fromEntries(
      Object.keys(errors).map((name) => [name, timeOf({ times }, errors[name])]),
    );
    const value = (name) => short(name in levels ? levels[name] : lastOf(errors[name]));
    return NUMBERS.map(([name, style, what]) => [style, what(last), value(name)]);
  }

  function errorsDescribed(answer) {
    const parts = Object.entries(answer.errors).map(
      ([name, values]) => `${name} goes from ${short(values[0])} to ${short(lastOf(values))}`,
    );
    const { stationary, law, optimum } = answer.levels;
    const levels = `Lemma 1 says ${short(stationary)}, the law ${short(law)}, the best is ${short(optimum)}`;
    return `Errors until time ${short(lastOf(answer.times))}: ${parts.join(", ")}. ${levels}.`;
  }

  function eigenvaluesDescribed({ times, eigenvalues }, rule) {
    const range = (values) => `${short(values[0])} to ${short(lastOf(values))}`;
    const [first, last] = [eigenvalues[rule][0], lastOf(eigenvalues[rule])];
    const until = timeOf({ times }, eigenvalues[rule]);
    return `Eigenvalues under ${rule}: from ${range(first)} at time 0, from ${range(last)} at time ${until}.`;
  }

  /** Return sentences on curves that end early. */
  function warnings({ times, errors }) {
    const cut = Object.keys(errors).filter((name) => errors[name].length < times.length);
    const until = (name) => `${name} is drawn until time ${timeOf({ times }, errors[name])} only`;
    const advice = "since the rest would take too long; choose an earlier last time or a smaller scale of C";
    return cut.map((name) => `${until(name)}, ${advice}.`);
  }

  /** Return the curves as CSV, and the eigenvalues under one rule. */
  function csv({ times, errors, eigenvalues }, rule) {
    const r = eigenvalues[rule][0].length;
    const each = Array.from({ length: r }, (_, k) => `eigenvalue ${k + 1} (${rule})`);
    const names = ["time", ...Object.keys(errors), ...each];
    const rows = times.map((time, i) => [
      time,
      ...Object.values(errors).map((values) => values[i] ?? ""),
      ...(eigenvalues[rule][i] ?? Array(r).fill("")),
    ]);
    return [names, ...rows].map((row) => `${row.join(",")}\n`).join("");
  }

  const SPECTRA = {
    flat: "np.ones(rank)",
    linear: "np.linspace(1, 0.5, rank)",
    polynomial: "1 / np.arange(1.0, rank + 1)",
    exponential: "0.8 ** np.arange(rank)",
    stepped: "np.where(np.arange(rank) < r, 1.0, 0.3)",
  };

  const python = (
    { n, rank, r, spectrum, feedbackScale, startScale, seed, end, rule },
    count,
  ) => `import numpy as np

import fa_utils as fa
from fa_utils import theory

n, rank, r = ${n}, ${rank}, ${r}
rng = np.random.default_rng(${seed})  # NumPy's draws are not this page's
values = ${SPECTRA[spectrum]}
problem = fa.Problem(
    target=np.diag(np.pad(values, (0, n - rank))),
    feedback=${feedbackScale} * rng.standard_normal((r, n)),
    Z=${startScale} * fa.orthonormal_columns(n, r, rng=rng),
    W=${startScale} * fa.orthonormal_columns(n, r, rng=rng).T,
)
times = np.linspace(0, ${end}, ${count})
runs = {rule.name: fa.flow(problem, rule, times) for rule in (fa.GD, fa.FA)}
runs["FA*"] = theory.fa_star_exact(problem, times)
total = fa.squared_norm(problem.target)
errors = {name: fa.error(problem.target, run.Z, run.W) / total for name, run in runs.items()}
eigenvalues = np.linalg.eigvalsh(fa.alignment_matrix(problem, runs["${rule}"].W))
stationary = fa.error(problem.target, *fa.stationary_point(problem)) / total
law = theory.error_law(values, r) / total
optimum = fa.optimal_error(problem.target, r) / total
`;

  return { numbers, errorsDescribed, eigenvaluesDescribed, warnings, csv, python };
})();
