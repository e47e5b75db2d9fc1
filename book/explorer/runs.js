/* GD, FA and FA* as the gradient flows that fa_utils defines.

   A run is { errors, overlap, state }: ||Y - ZW||^2 at each time, and functions that return WC^T (r x r) and
   [Z, W] (n x r, r x n) at the i-th time, all flat. Of GD there are errors only.

   GD has a closed form where Z^T Z = W W^T at the start (Fukumizu 1998), FA* always has one, and FA has one from
   a start at zero; otherwise FA is integrated.
   FA and FA* never leave few directions, at most 2r for Z and 3r for W, and are followed there. */
"use strict";

const runs = (() => {
  const { Matrix, SingularValueDecomposition } = mlMatrix;
  const { times, sumOfSquares, weighted, basis, joined } = linear;
  const MOST_STEPS = 1500; // of FA, so that an answer always comes

  const rankOf = (values) => values.filter((value) => value > 0).length;

  // --- GD ---

  /** Return GD's errors.

     X, Z + W^T over Z - W^T divided by the root of 2, has dX/dt = LX - X (X^T X) / 2, L diagonal: its rows grow at
     their rates, and crowd each other. It is found up to a rotation of the hidden units, which changes no error. */
  function gdErrors({ values, Z, W, decay }, steps) {
    const [r, total] = [Z.columns, sumOfSquares(values)];
    const rates = [...values, ...values.map((value) => -value)];
    const ones = rates.map(() => 1);
    const sides = [Matrix.add(Z, W.transpose()), Matrix.sub(Z, W.transpose())];
    const path = [Float64Array.from(sides.flatMap((side) => side.mul(Math.SQRT1_2).to1DArray()))];
    for (const step of steps) {
      const growth = rates.map((rate) => Math.exp((rate - decay) * step));
      const grown = rates.map((rate) => integralOfGrowth(2 * (rate - decay), step));
      const crowd = flat.addToDiagonal(flat.gram(path.at(-1), grown, r), 1, r);
      path.push(flat.divided(path.at(-1), flat.cholesky(crowd, r), growth, r));
    }
    const learnt = (rows) =>
      rows.reduce((sum, entry, i) => sum + rates[Math.floor(i / r)] * entry * entry, 0);
    return path.map((rows) => total - learnt(rows) + sumOfSquares(flat.gram(rows, ones, r)) / 4);
  }

  const integralOfGrowth = (rate, time) => (rate ? Math.expm1(rate * time) / rate : time);

  // --- the few directions of FA and FA* ---

  /** Return the problem of FA and FA* in the few directions that they use, where Y is diagonal, too.

     It also holds those directions, the sketch YC^T, Y's rank, and the squared norm of what of Y lies outside. */
  function reduced({ values, C, Z, W, decay }) {
    const sketch = weighted(values, C.transpose());
    const left = basis(Z, sketch);
    const seen = new SingularValueDecomposition(weighted(values, left));
    const rows = times(left, seen.rightSingularVectors);
    const columns = withMore(seen.leftSingularVectors, W.transpose());
    return {
      rows,
      columns,
      decay,
      rank: rankOf(values),
      values: seen.diagonal,
      sketch: times(rows.transpose(), sketch),
      C: times(C, columns),
      Z: times(rows.transpose(), Z),
      W: times(W, columns),
      outside: sumOfSquares(values) - sumOfSquares(seen.diagonal),
    };
  }

  /** Return orthonormal columns, and after them such as span what they miss of others. */
  function withMore(columns, others) {
    const missed = Matrix.sub(others, times(columns, columns.transpose(), others));
    const count = Math.min(missed.columns, missed.rows - columns.columns);
    if (count === 0) return columns;
    return joined(columns, basis(missed.subMatrix(0, missed.rows - 1, 0, count - 1)));
  }

  // --- FA* ---

  /** Return FA*'s run; W is the best one for Z. */
  function faStar({ rows, columns, rank, values, sketch, Z, outside }, steps) {
    const [n, p, r, q] = [rows.rows, Z.rows, Z.columns, columns.columns];
    const scale = Z.getColumnVector(0).norm(); // the columns are orthonormal but for it
    const pull = Matrix.div(sketch, scale);
    const path = turned(Matrix.div(Z, scale), pull, Math.min(r, rank), steps);
    const square = (entry, i) => (values[Math.floor(i / r)] * entry) ** 2;
    const learnt = (turnedZ) => turnedZ.reduce((sum, entry, i) => sum + square(entry, i), 0);
    const [total, pullFlat] = [outside + sumOfSquares(values), flat.of(pull)];
    const [lift, outputs] = [flat.of(rows), flat.of(columns.subMatrix(0, n - 1, 0, p - 1).transpose())];
    const best = (i) =>
      flat.transposed(
        path[i].map((entry, k) => (entry * values[Math.floor(k / r)]) / scale),
        p,
        r,
      );
    return {
      errors: path.map((turnedZ) => total - learnt(turnedZ)),
      overlap: (i) => flat.multiply(flat.transposed(path[i], p, r), pullFlat, r, p, r),
      state: (i) => [
        flat.multiply(lift, path[i], n, p, r).map((entry) => entry * scale),
        flat.multiply(best(i), outputs, r, p, n),
      ],
    };
  }

  /** Return FA*'s orthonormal columns on their way, flat. Only `count` units, suitably turned, ever move. */
  function turned(start, pull, count, steps) {
    const { rightSingularVectors } = new SingularValueDecomposition(pull);
    const moving = rightSingularVectors.subMatrix(0, start.columns - 1, 0, count - 1);
    const [begin, pulled, back] = [times(start, moving), times(pull, moving), moving.transpose()];
    const still = Matrix.sub(start, times(begin, back));
    const path = riccati.path(pulled.sub(times(still, still.transpose(), pulled)), begin, steps);
    const [backFlat, stillFlat] = [flat.of(back), flat.of(still)];
    const whole = (columns) => flat.multiply(columns, backFlat, start.rows, count, start.columns);
    return path.map((columns) => whole(columns).map((entry, i) => entry + stillFlat[i]));
  }

  // --- FA ---

  /** FA's field on flat states (Z, W): dZ = YC^T - ZM - decay Z, dW = Z^T Y - (Z^T Z) W - decay W, where M = WC^T. */
  function faField({ values, sketch, C, Z, W, decay }) {
    const [p, r, q] = [Z.rows, Z.columns, W.columns];
    const [pull, feedback, ones] = [flat.of(sketch), flat.of(C.transpose()), Array(p).fill(1)];
    const overlap = new Float64Array(r * r);
    const parts = (state) => [state.subarray(0, p * r), state.subarray(p * r)];
    return (state, slope) => {
      const [[Z, W], [slopeZ, slopeW]] = [parts(state), parts(slope)];
      flat.multiply(W, feedback, r, q, r, overlap);
      flat.multiply(Z, overlap, p, r, r, slopeZ);
      for (let i = 0; i < p * r; i++) slopeZ[i] = pull[i] - slopeZ[i] - decay * Z[i];
      flat.multiply(flat.gram(Z, ones, r), W, r, r, q, slopeW);
      for (let i = 0; i < r * q; i++) slopeW[i] = -slopeW[i] - decay * W[i];
      for (let j = 0; j < r; j++) {
        for (let i = 0; i < p; i++) slopeW[j * q + i] += Z[i * r + j] * values[i];
      }
    };
  }

  /** Return FA's run, as far as the work allows. */
  function fa(small, steps) {
    const { rows, columns, C, Z, W } = small;
    const [n, p, r, q] = [rows.rows, Z.rows, Z.columns, W.columns];
    const [feedback, lift, outputs] = [C.transpose(), rows, columns.transpose()].map(flat.of);
    const start = Float64Array.from([...flat.of(Z), ...flat.of(W)]);
    const states = integrate.states(faField(small), start, steps, MOST_STEPS);
    const parts = states.map((state) => [state.subarray(0, p * r), state.subarray(p * r)]);
    return {
      errors: parts.map(([Z, W]) => small.outside + error(small.values, Z, W, p, r, q)),
      overlap: (i) => flat.multiply(parts[i][1], feedback, r, q, r),
      state: (i) => [flat.multiply(lift, parts[i][0], n, p, r), flat.multiply(parts[i][1], outputs, r, q, n)],
    };
  }

  /** Return ||diag(values) - ZW||^2 of flat factors. */
  function error(values, Z, W, p, r, q) {
    const difference = flat.multiply(Z, W, p, r, q);
    values.forEach((value, i) => (difference[i * (q + 1)] -= value));
    return sumOfSquares(difference);
  }

  /** Return FA's run from zero: two numbers for each mode of YC^T. */
  function faFromZero({ values, C, decay }, found, grid) {
    const [n, r, k, total] = [C.columns, C.rows, found.s.length, sumOfSquares(values)];
    const path = modes.path(found, decay, grid).map((both) => [both.slice(0, k), both.slice(k)]);
    const shares = ([zeta, phi]) => Array.from(zeta, (one, i) => one * phi[i]);
    const product = (left, weights, right) => flat.of(times(left.clone().mulRowVector([...weights]), right));
    const state = (i) => [
      product(found.left, path[i][0], found.right.transpose()),
      product(found.right, path[i][1], found.seen),
    ];
    return {
      errors: path.map((both) => modes.errorOf(found, total, shares(both))),
      overlap: (i) => flat.multiply(state(i)[1], flat.of(C.transpose()), r, n, r),
      state,
    };
  }

  const startsAtZero = ({ Z }) => Z.norm() === 0;

  /** Return FA's run from any start. */
  const faFrom = (problem, found, grid) =>
    startsAtZero(problem) ? faFromZero(problem, found, grid) : fa(reduced(problem), grid.steps);

  return { gdErrors, fa, faStar, faFrom, startsAtZero, reduced, rankOf };
})();
