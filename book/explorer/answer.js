/* What the explorer shows of a setting, computed in a worker of its own: see engine.js.

   A question is [number, name, arguments]; its answer is [number, result]. */
"use strict";

const answers = (() => {
  const { Matrix, EigenvalueDecomposition } = mlMatrix;
  const { sumOfSquares } = linear;
  const POINTS = 61; // of each curve
  const OCTAVES = 9; // of a logarithmic grid, after as many steps from 0

  /** Return times from 0 to the end and the steps between them: all equal, or doubling from octave to octave. */
  function grid(end, logarithmic) {
    const [count, each] = [POINTS - 1, (POINTS - 1) / (OCTAVES + 1)];
    const first = logarithmic ? end / 2 ** OCTAVES / each : end / count;
    const octave = (i) => (logarithmic ? Math.max(0, Math.floor(i / each) - 1) : 0);
    const steps = Array.from({ length: count }, (_, i) => first * 2 ** octave(i));
    const times = [0];
    steps.forEach((step, i) => times.push(logarithmic ? times[i] + step : (i + 1) * step));
    return { times, steps };
  }

  /** Return the law of FA's mean error, sum s^2 / (1 + g s^2), where sum g s^2 / (1 + g s^2) = r. */
  function lawError({ values, C }) {
    if (C.rows >= runs.rankOf(values)) return 0;
    const squares = values.filter((value) => value > 0).map((value) => value * value);
    const found = (logarithm) => squares.reduce((sum, s) => sum + 1 / (1 + Math.exp(-logarithm) / s), 0);
    let [low, high] = [-100, 100];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      [low, high] = found(middle) < C.rows ? [middle, high] : [low, middle];
    }
    return squares.reduce((sum, s) => sum + s / (1 + Math.exp(low) * s), 0);
  }

  const optimalError = ({ values, C }) => sumOfSquares(values.toSorted((a, b) => b - a).slice(C.rows));

  /** Return a setting's problem, its modes, ||Y||^2 and the times of its curves. */
  function prepared(setting) {
    const problem = problems.make(setting);
    const times = grid(setting.end, setting.timeAxis === "log");
    return { problem, found: modes.of(problem), total: sumOfSquares(problem.values), times };
  }

  const restError = ({ problem, found, total }) =>
    modes.errorOf(found, total, modes.restShares(found, problem.decay));

  /** Return where FA stops (and FA*, without decay), the best of rank r, and without decay the law. */
  function levels(asked) {
    const { problem } = asked;
    const stationary = restError(asked);
    const all = { stationary, optimum: optimalError(problem) };
    return problem.decay > 0 ? all : { ...all, law: lawError(problem) };
  }

  /** Return the eigenvalues of M + M^T, M = WC^T, from the least on. */
  function alignmentEigenvalues(overlap) {
    const r = Math.sqrt(overlap.length);
    const half = Matrix.from1DArray(r, r, flat.symmetric(overlap, r));
    const { realEigenvalues } = new EigenvalueDecomposition(half, { assumeSymmetric: true });
    return realEigenvalues.map((value) => 2 * value).sort((a, b) => a - b);
  }

  /** Return the runs of FA and FA*. FA* has none from zero, where Z has no rank, nor with decay: its W follows Z. */
  function runsOf(problem, found, times) {
    if (problem.decay > 0 || runs.startsAtZero(problem)) return { FA: runs.faFrom(problem, found, times) };
    const small = runs.reduced(problem);
    return { "FA": runs.fa(small, times.steps), "FA*": runs.faStar(small, times.steps) };
  }

  const mapValues = (record, change) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

  let shown = null; // the last answer's problem and run, for its states

  /** Return Z, W and WC^T of the shown rule at the i-th time, flat. */
  function state(i) {
    const last = Math.min(i, shown.run.errors.length - 1);
    const [Z, W] = shown.run.state(last);
    return {
      last,
      n: shown.problem.C.columns,
      r: shown.problem.C.rows,
      Z,
      W,
      overlap: shown.run.overlap(last),
    };
  }

  /** Return curves and levels over ||Y||^2, and one rule's eigenvalues and state; FA's where it has none. */
  function answer(setting) {
    const asked = prepared(setting);
    const { problem, found, total, times } = asked;
    const share = (squared) => squared / total;
    const all = runsOf(problem, found, times);
    const errors = { GD: runs.gdErrors(problem, times.steps), ...mapValues(all, (run) => run.errors) };
    const rule = setting.rule in all ? setting.rule : "FA";
    const run = all[rule];
    shown = { problem, run };
    return {
      rule,
      times: times.times,
      errors: mapValues(errors, (squared) => squared.map(share)),
      eigenvalues: run.errors.map((_, i) => alignmentEigenvalues(run.overlap(i))),
      levels: mapValues(levels(asked), share),
      state: state(setting.moment),
    };
  }

  /** Return FA's curve, and where it stops, over ||Y||^2. */
  function faAlone(setting) {
    const asked = prepared(setting);
    const { problem, found, total, times } = asked;
    const { errors } = runs.faFrom(problem, found, times);
    return { errors: errors.map((squared) => squared / total), stop: restError(asked) / total };
  }

  /** Return the shown problem as plain arrays. */
  function problem() {
    const { values, C, Z, W, decay } = shown.problem;
    return { values, decay, C: C.to2DArray(), Z: Z.to2DArray(), W: W.to2DArray() };
  }

  return { answer, state, faAlone, problem };
})();

onmessage = ({ data: [number, name, given] }) => postMessage([number, answers[name](...given)]);
