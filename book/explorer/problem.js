/* The explorer's problems: a diagonal target, feedback, and a start, drawn from a seed.

   A problem is { values, C, Z, W }: the n singular values of Y = diag(values), largest first, feedback C (r x n),
   and a start Z (n x r), W (r x n). The columns of Z and the rows of W are orthonormal but for one scale, so that
   Z^T Z = W W^T. How Y's singular vectors lie does not matter: all else is drawn without regard to them. */
"use strict";

const problems = (() => {
  const { Matrix, QrDecomposition } = mlMatrix;

  /** Return a function that draws Gaussian numbers, the same from the same seed (Mulberry32; Box and Muller). */
  function gaussians(seed) {
    let state = seed >>> 0;
    function uniform() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    }
    return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  /** Return a Gaussian matrix. More rows from the same seed leave the others as they are. */
  function drawn(rows, columns, seed) {
    const normal = gaussians(seed);
    return new Matrix(Array.from({ length: rows }, () => Float64Array.from({ length: columns }, normal)));
  }

  const orthonormal = (rows, columns, seed) =>
    new QrDecomposition(drawn(columns, rows, seed).transpose()).orthogonalMatrix;

  /** The i-th singular value, i = 0, 1, ..., of so many, with r hidden units. */
  const spectra = {
    flat: () => 1,
    linear: (i, rank) => (rank > 1 ? 1 - (0.5 * i) / (rank - 1) : 1),
    polynomial: (i) => 1 / (i + 1),
    exponential: (i) => 0.8 ** i,
    stepped: (i, rank, r) => (i < r ? 1 : 0.3),
  };

  /** Return the problem of a setting; feedback, Z and W have streams of their own. */
  function make({ n, rank, r, spectrum, feedbackScale, startScale, seed }) {
    const values = Array.from({ length: n }, (_, i) => (i < rank ? spectra[spectrum](i, rank, r) : 0));
    const C = drawn(r, n, 3 * seed).mul(feedbackScale);
    const Z = orthonormal(n, r, 3 * seed + 1).mul(startScale);
    const W = orthonormal(n, r, 3 * seed + 2)
      .transpose()
      .mul(startScale);
    return Object.freeze({ values, C, Z, W });
  }

  return { make };
})();
