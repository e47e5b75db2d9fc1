/* The singular triples of Y C^T: in them FA from zero is solved, and they say where FA rests.

   fa_utils/theory/fa_solved.py and decay.py have the same.

   From Z = W = 0 FA keeps Z = U diag(zeta) V^T and W = V diag(phi) U^T Y, where Y C^T = U diag(s) V^T. */
"use strict";

const modes = (() => {
  const { SingularValueDecomposition } = mlMatrix;
  const { weighted } = linear;
  const NEWTON_STEPS = 6; // enough for any time
  const MOST_STEPS = 50000;

  /** Return s, U (n x k), U^T Y (k x n), V (r x k), and what of ||Y||^2 each mode holds, of the k above rounding. */
  function of({ values, C }) {
    const svd = new SingularValueDecomposition(weighted(values, C.transpose()));
    const least = svd.diagonal[0] * values.length * Number.EPSILON;
    const s = svd.diagonal.filter((value) => value > least);
    const kept = [...s.keys()];
    const left = svd.leftSingularVectors.subMatrixColumn(kept);
    const seen = weighted(values, left).transpose();
    return {
      s,
      left,
      seen,
      right: svd.rightSingularVectors.subMatrixColumn(kept),
      energies: seen.to2DArray().map(linear.sumOfSquares),
    };
  }

  /** Return ||Y - ZW||^2 where ZW has learnt these shares of the modes. */
  const errorOf = ({ energies }, total, shares) =>
    shares.reduce((error, share, k) => error - (2 - share) * share * energies[k], total);

  /** Return the shares that FA has learnt where it stops: all, or with decay zeta^2 / (zeta^2 + decay). */
  const restShares = ({ s }, decay) =>
    s.map((value) => {
      if (decay === 0) return 1;
      // Cardano's root of zeta^3 + decay zeta = s
      const unit = Math.sqrt(decay / 3);
      const zeta = 2 * unit * Math.sinh(Math.asinh(value / (2 * unit ** 3)) / 3);
      return zeta ** 2 / (zeta ** 2 + decay);
    });

  /** Return x with K(x) = wanted, K(x) the integral of 1 / (1 - u^3) from 0 to x: Newton's method for -log(1 - x). */
  function root(wanted) {
    let depth = wanted;
    for (let i = 0; i < NEWTON_STEPS; i++) {
      const x = -Math.expm1(-depth);
      const rest = Math.log1p(x + x * x) / 6 + Math.atan((Math.sqrt(3) * x) / (2 + x)) / Math.sqrt(3);
      depth += (wanted - depth / 3 - rest) * (1 + x + x * x);
    }
    return -Math.expm1(-depth);
  }

  /** Return [zeta, phi] of a mode at some time, without decay. */
  function solved(s, time) {
    const end = Math.cbrt(2 * s);
    const x = root((s / end) * time);
    return [end * x, x ** 2 / end];
  }

  /** Return all zeta, then all phi, at each time of a grid. */
  function path({ s }, decay, { times, steps }) {
    if (decay === 0) {
      return times.map((time) => {
        const pairs = s.map((value) => solved(value, time));
        return [...pairs.map(([zeta]) => zeta), ...pairs.map(([, phi]) => phi)];
      });
    }
    const k = s.length;
    const field = (state, slope) => {
      for (let i = 0; i < k; i++) {
        const rest = 1 - state[i] * state[k + i];
        slope[i] = s[i] * rest - decay * state[i];
        slope[k + i] = state[i] * rest - decay * state[k + i];
      }
    };
    return integrate.states(field, new Float64Array(2 * k), steps, MOST_STEPS);
  }

  return { of, errorOf, restShares, path };
})();
