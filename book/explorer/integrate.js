/* Differential equations on flat arrays: Dormand and Prince's method of order five, in steps of its choice. */
"use strict";

const integrate = (() => {
  // From which slopes each stage is made, and how far the last one, the result, is from that of order four.
  const STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ];
  const DIFFERENCE = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
  const TOLERANCE = 5e-10; // of a step, relative to the state's length, or to 1

  /** Put start + step * (the slopes' weighted sum) into `sum`: two slopes at once, for speed. */
  function combine(sum, start, slopes, weights, step) {
    sum.set(start);
    for (let k = 0; k < weights.length; k += 2) {
      const [one, other] = [slopes[k], slopes[Math.min(k + 1, weights.length - 1)]];
      const [a, b] = [step * weights[k], step * (weights[k + 1] ?? 0)];
      for (let i = 0; i < sum.length; i++) sum[i] += a * one[i] + b * other[i];
    }
  }

  function length(state) {
    let sum = 0;
    for (let i = 0; i < state.length; i++) sum += state[i] * state[i];
    return Math.sqrt(sum);
  }

  /** Return a function that tries a step from `state`: its result goes to `next`, its error, of 1, comes back. */
  function trial(field, state, next, slopes) {
    const wrong = new Float64Array(state.length);
    const none = new Float64Array(state.length);
    return (step) => {
      STAGES.forEach((weights, k) => {
        combine(next, state, slopes, weights, step);
        field(next, slopes[k + 1]);
      });
      combine(wrong, none, slopes, DIFFERENCE, step);
      const share = length(wrong) / (TOLERANCE * (1 + length(next)));
      return Number.isNaN(share) ? Infinity : share;
    };
  }

  /** Return the states at the start and after each span, or fewer where there are too many steps.

     `field(state, slope)` puts a state's derivative into `slope`. */
  function states(field, start, spans, mostSteps) {
    const [state, next] = [start.slice(), start.slice()];
    const slopes = Array.from({ length: STAGES.length + 1 }, () => new Float64Array(start.length));
    const attempt = trial(field, state, next, slopes);
    const found = [start];
    let [step, left, steps] = [spans[0], spans[0], 0];
    field(state, slopes[0]);
    while (found.length <= spans.length && steps++ < mostSteps) {
      const tried = left / Math.ceil(left / step);
      const wrong = attempt(tried);
      if (wrong <= 1) {
        left = tried === left ? 0 : left - tried;
        state.set(next);
        slopes[0].set(slopes.at(-1));
      }
      step = tried * Math.min(5, Math.max(0.2, 0.9 * wrong ** -0.2));
      if (left === 0) {
        left = spans[found.length] ?? 0;
        found.push(state.slice());
      }
    }
    return found;
  }

  return { states };
})();
