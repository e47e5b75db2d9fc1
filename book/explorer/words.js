/* What the explorer says: numbers, descriptions of the charts, warnings, the curves as CSV, a program. */
"use strict";

const words = (() => {
  const short = (number) => (Math.abs(number) < 1e-12 ? "0" : String(Number(number.toPrecision(4))));
  const lastOf = (values) => values[values.length - 1];
  const endOf = ({ times }, values) => short(times[values.length - 1]);

  const LEVELS = {
    stationary: ({ decay }) =>
      decay > 0 ? "Where FA rests with decay (N10)" : "Where FA and FA* stop (Lemma 1)",
    law: () => "The law of FA's mean over draws of C",
    optimum: () => "The best of rank r",
  };

  const optionText = ({ options }, value) => [...options].find((option) => option.value === value).text;

  /** Return in words what makes a setting's problem, part by part. */
  function partsOf({ n, rank, r, spectrum, values, feedbackKind, feedbackScale, start, startScale, decay, seed }) {
    const { elements } = setting.form;
    return [
      `n = ${n}`,
      `Y of rank ${rank}`,
      `singular values ${spectrum === "custom" ? values.join(", ") : optionText(elements.spectrum, spectrum)}`,
      `r = ${r}`,
      `C: ${optionText(elements.feedback, feedbackKind)}`,
      `scale of C ${feedbackScale}`,
      start === "zero" ? "start at zero" : `start’s scale ${startScale}`,
      `weight decay ${decay}`,
      `seed ${seed}`,
    ];
  }

  /** Return what of a setting differs from the present one, in a few words. */
  function difference(pinned, present) {
    const now = partsOf(present);
    const others = partsOf(pinned).filter((part, i) => part !== now[i]);
    return others.map((part) => part.replace(/^(.{40}).+/, "$1...")).join("; ") || "nothing";
  }

  /** Return the table's rows: style of the line, what it is, and its value, of curves at the moment. */
  function numbers(answer, chosen) {
    const { times, errors, levels } = answer;
    const curve = ([name, values]) => {
      const i = Math.min(chosen.moment, values.length - 1);
      return [
        name.toLowerCase().replace("*", "-star"),
        `${name} at time ${short(times[i])}`,
        short(values[i]),
      ];
    };
    const level = (name) => [name, LEVELS[name](chosen), short(levels[name])];
    const present = Object.keys(LEVELS).filter((name) => name in levels);
    return [...Object.entries(errors).map(curve), ...present.map(level)];
  }

  function errorsDescribed(answer, chosen) {
    const parts = Object.entries(answer.errors).map(
      ([name, values]) => `${name} goes from ${short(values[0])} to ${short(lastOf(values))}`,
    );
    const levels = Object.entries(answer.levels).map(
      ([name, value]) => `${LEVELS[name](chosen).toLowerCase()}: ${short(value)}`,
    );
    return `Errors until time ${short(lastOf(answer.times))}: ${[...parts, ...levels].join(", ")}.`;
  }

  function eigenvaluesDescribed(answer) {
    const { eigenvalues, rule } = answer;
    const range = (values) => `${short(values[0])} to ${short(lastOf(values))}`;
    const [first, last] = [eigenvalues[0], lastOf(eigenvalues)].map(range);
    return `Eigenvalues under ${rule}: from ${first} at time 0, from ${last} at time ${endOf(answer, eigenvalues)}.`;
  }

  /** Return sentences on curves that end early or are missing. */
  function warnings(answer, { start, decay }) {
    const { times, errors } = answer;
    const cut = Object.keys(errors).filter((name) => errors[name].length < times.length);
    const until = (name) => `${name} is drawn until time ${endOf(answer, errors[name])} only`;
    const advice = "since the rest would take too long; choose an earlier last time or a smaller scale of C";
    const early = cut.map((name) => `${until(name)}, ${advice}.`);
    if (start === "zero") return ["FA* is not drawn: it needs a start of full rank.", ...early];
    if (decay > 0) return ["FA* is not drawn: its W follows from Z and cannot decay.", ...early];
    return early;
  }

  /** Return the curves as CSV, and the eigenvalues under one rule. */
  function csv({ times, errors, eigenvalues, rule }) {
    const r = eigenvalues[0].length;
    const each = Array.from({ length: r }, (_, k) => `eigenvalue ${k + 1} (${rule})`);
    const names = ["time", ...Object.keys(errors), ...each];
    const rows = times.map((time, i) => [
      time,
      ...Object.values(errors).map((values) => values[i] ?? ""),
      ...(eigenvalues[i] ?? Array(r).fill("")),
    ]);
    return [names, ...rows].map((row) => `${row.join(",")}\n`).join("");
  }

  // --- the program ---

  const SPECTRA = {
    flat: () => "np.ones(rank)",
    linear: () => "np.linspace(1, 0.5, rank)",
    polynomial: () => "1 / np.arange(1.0, rank + 1)",
    exponential: () => "0.8 ** np.arange(rank)",
    stepped: () => "np.where(np.arange(rank) < r, 1.0, 0.3)",
    custom: (values) => `np.array([${values.join(", ")}])`,
  };

  const FEEDBACK = {
    gaussian: "rng.standard_normal((r, n))",
    orthonormal: "np.sqrt(n) * fa.orthonormal_columns(n, r, rng=rng).T",
    signs: "rng.choice([-1.0, 1.0], (r, n))",
    sparse: "rng.standard_normal((r, n)) * (rng.random((r, n)) < 0.1) / np.sqrt(0.1)",
  };

  const STARTS = {
    zero: () => ["np.zeros((n, r))", "np.zeros((r, n))"],
    random: (scale) => [
      `${scale} * fa.orthonormal_columns(n, r, rng=rng)`,
      `${scale} * fa.orthonormal_columns(n, r, rng=rng).T`,
    ],
  };

  const TIMES = {
    linear: (end) => `times = np.linspace(0, ${end}, 61)`,
    log: (end) => `steps = ${end} / 512 / 6 * 2.0 ** np.maximum(0, np.arange(60) // 6 - 1)
times = np.append(0, np.cumsum(steps))`,
  };

  /** Return the lines that make the runs, and the error where FA stops. */
  function runLines({ start, decay }) {
    if (decay > 0) {
      return `rules = [theory.with_decay(rule, ${decay}) for rule in (fa.GD, fa.FA)]
runs = {name: fa.flow(problem, rule, times) for name, rule in zip(["GD", "FA"], rules)}
rest = theory.decay_rest(problem, ${decay})`;
    }
    const integrated = "runs = {rule.name: fa.flow(problem, rule, times) for rule in (fa.GD, fa.FA)}";
    return start === "zero"
      ? `runs = {"GD": fa.flow(problem, fa.GD, times), "FA": theory.fa_exact(problem, times)}
rest = fa.stationary_point(problem)`
      : `${integrated}
runs["FA*"] = theory.fa_star_exact(problem, times)
rest = fa.stationary_point(problem)`;
  }

  function python(chosen, rule) {
    const { n, rank, r, spectrum, values, feedbackKind, feedbackScale, start, startScale, seed, end } =
      chosen;
    const [Z, W] = STARTS[start](startScale);
    const law = chosen.decay > 0 ? "" : "law = theory.error_law(values, r) / total\n";
    return `import numpy as np

import fa_utils as fa
from fa_utils import theory

n, rank, r = ${n}, ${rank}, ${r}
rng = np.random.default_rng(${seed})  # NumPy's draws are not this page's
values = ${SPECTRA[spectrum](values)}
problem = fa.Problem(
    target=np.diag(np.pad(values, (0, n - rank))),
    feedback=${feedbackScale} * ${FEEDBACK[feedbackKind]},
    Z=${Z},
    W=${W},
)
${TIMES[chosen.timeAxis](end)}
${runLines(chosen)}
total = fa.squared_norm(problem.target)
errors = {name: fa.error(problem.target, run.Z, run.W) / total for name, run in runs.items()}
eigenvalues = np.linalg.eigvalsh(fa.alignment_matrix(problem, runs["${rule}"].W))
stationary = fa.error(problem.target, *rest) / total
${law}optimum = fa.optimal_error(problem.target, r) / total
`;
  }

  return { short, difference, numbers, errorsDescribed, eigenvaluesDescribed, warnings, csv, python };
})();
