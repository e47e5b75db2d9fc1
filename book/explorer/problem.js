/* The explorer's problems: a diagonal target, feedback, and a start, drawn from a seed.

   A problem is { values, C, Z, W, decay }: the n singular values of Y = diag(values), feedback C (r x n), a start
   Z (n x r), W (r x n), and the weight decay. The columns of Z and the rows of W are orthonormal but for one scale,
   or all zero, so that Z^T Z = W W^T. */
"use strict";

const problems = (() => {
  const { Matrix, QrDecomposition } = mlMatrix;

  /** Return a function that draws numbers from 0 to 1, the same from the same seed (Mulberry32). */
  function uniforms(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    };
  }

  /** Return a function that draws Gaussian numbers (Box and Muller). */
  const gaussians = (uniform) => () =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());

  /** How an entry of C is drawn; all have the variance 1. */
  const entries = {
    gaussian: gaussians,
    signs: (uniform) => () => (uniform() < 0.5 ? -1 : 1),
    sparse: (uniform) => {
      const normal = gaussians(uniform);
      return () => (uniform() < 0.1 ? normal() / Math.sqrt(0.1) : 0);
    },
  };

  /** Return a matrix with entries of this kind. More rows from the same seed leave the others as they are. */
  function drawn(rows, columns, seed, kind = "gaussian") {
    const entry = entries[kind](uniforms(seed));
    return new Matrix(Array.from({ length: rows }, () => Float64Array.from({ length: columns }, entry)));
  }

  const orthonormalRows = (rows, columns, seed) =>
    new QrDecomposition(drawn(rows, columns, seed).transpose()).orthogonalMatrix.transpose();

  /** Return C before its scale; orthonormal rows are made as long as Gaussian ones are on average. */
  const feedback = (kind, r, n, seed) =>
    kind === "orthonormal" ? orthonormalRows(r, n, seed).mul(Math.sqrt(n)) : drawn(r, n, seed, kind);

  /** Return the problem of a setting; feedback, Z and W have streams of their own. */
  function make({ n, r, values, feedbackKind, feedbackScale, start, startScale, decay, seed }) {
    const scale = start === "zero" ? 0 : startScale;
    return {
      values: Array.from({ length: n }, (_, i) => values[i] ?? 0),
      C: feedback(feedbackKind, r, n, 3 * seed).mul(feedbackScale),
      Z: orthonormalRows(r, n, 3 * seed + 1)
        .transpose()
        .mul(scale),
      W: orthonormalRows(r, n, 3 * seed + 2).mul(scale),
      decay,
    };
  }

  return { make };
})();
