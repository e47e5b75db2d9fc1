/* GD, FA and FA* as the gradient flows that fa_utils defines, and where they stop: what the explorer draws.

   GD has a closed form where Z^T Z = W W^T at the start (Fukumizu 1998), FA* always has one; FA is integrated. FA and
   FA* never leave few directions, at most 2r for Z and 3r for W, and are followed there: see `reduced`. */
"use strict";

const dynamics = (() => {
  const { Matrix, EigenvalueDecomposition, QrDecomposition, SingularValueDecomposition } = mlMatrix;
  const { times, plusTransposed, sumOfSquares, weighted, basis, joined } = linear;
  const MOST_STEPS = 1500; // of FA, so that the page never hangs

  const rankOf = (values) => values.filter((value) => value > 0).length;

  /** Return rates and flat rows for which GD is dX/dt = LX - X (X^T X) / 2, L = diag(rates): X is (Z, W^T), turned.

     Of rows that have the rate 0 only inner products matter, so that r of them will do. */
  function gdRows({ values, Z, W }) {
    const turned = [Matrix.add(Z, W.transpose()), Matrix.sub(Z, W.transpose())];
    const all = turned.flatMap((part) => part.mul(Math.SQRT1_2).to2DArray());
    const rateOf = (i) => (i < values.length ? values[i] : -values[i - values.length]);
    const moving = all.filter((_, i) => rateOf(i));
    let still = all.filter((_, i) => !rateOf(i));
    if (still.length > Z.columns) still = new QrDecomposition(new Matrix(still)).upperTriangularMatrix.to2DArray();
    const rates = [...all.keys()].map(rateOf).filter((rate) => rate);
    return { rates: [...rates, ...still.map(() => 0)], rows: Float64Array.from([...moving, ...still].flat()) };
  }

  /** Return GD's squared errors after 0, 1, 2, ... steps of time: X's rows grow, each at its rate, and crowd each other. */
  function gdErrors(problem, step, count) {
    const [{ rates, rows: start }, r, total] = [gdRows(problem), problem.Z.columns, sumOfSquares(problem.values)];
    const ones = rates.map(() => 1);
    const growth = rates.map((rate) => Math.exp(rate * step));
    const grown = rates.map((rate) => (rate ? Math.expm1(2 * rate * step) / (2 * rate) : step));
    const errors = [];
    for (let rows = start; errors.length < count; ) {
      const learnt = rows.reduce((sum, entry, i) => sum + rates[Math.floor(i / r)] * entry * entry, 0);
      errors.push(total - learnt + sumOfSquares(flat.gram(rows, ones, r)) / 4);
      const crowd = flat.addToDiagonal(flat.gram(rows, grown, r), 1, r);
      rows = flat.divided(rows, flat.cholesky(crowd, r), growth, r);
    }
    return errors;
  }

  /** Return the problem of FA and FA* in the few directions that they use, where Y is diagonal, too.

     Besides values, C, Z and W it holds the sketch YC^T, Y's rank, and the squared norm of what lies outside. */
  function reduced({ values, C, Z, W }) {
    const sketch = weighted(values, C.transpose());
    const left = basis(Z, sketch);
    const seen = new SingularValueDecomposition(weighted(values, left));
    const [rows, columns] = [times(left, seen.rightSingularVectors), withMore(seen.leftSingularVectors, W.transpose())];
    return {
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
    return count > 0 ? joined(columns, basis(missed.subMatrix(0, missed.rows - 1, 0, count - 1))) : columns;
  }

  /** Return squared errors and overlaps WC^T of FA* after 0, 1, 2, ... steps of time; W is the best one for Z. */
  function faStarRun({ rank, values, sketch, Z, outside }, step, count) {
    const [p, r] = [Z.rows, Z.columns];
    const scale = Z.getColumnVector(0).norm(); // the columns are orthonormal but for it
    const [start, pull, total] = [Matrix.div(Z, scale), Matrix.div(sketch, scale), outside + sumOfSquares(values)];
    const path = turned(start, pull, Math.min(r, rank), step, count);
    const learnt = (columns) => columns.reduce((sum, entry, i) => sum + (values[Math.floor(i / r)] * entry) ** 2, 0);
    const overlap = (columns) => flat.multiply(flat.transposed(columns, p, r), flat.of(pull), r, p, r);
    return { errors: path.map((columns) => total - learnt(columns)), overlaps: path.map(overlap) };
  }

  /** Return Z / scale on FA*'s way, flat, from `start`. Only so many units, suitably turned, get feedback and move. */
  function turned(start, pull, count, ...when) {
    const { rightSingularVectors } = new SingularValueDecomposition(pull);
    const moving = rightSingularVectors.subMatrix(0, start.columns - 1, 0, count - 1);
    const [begin, pulled, back] = [times(start, moving), times(pull, moving), moving.transpose()];
    const still = Matrix.sub(start, times(begin, back));
    const path = riccati.path(pulled.sub(times(still, still.transpose(), pulled)), begin, ...when);
    const [backFlat, stillFlat] = [flat.of(back), flat.of(still)];
    return path.map((columns) =>
      flat.multiply(columns, backFlat, start.rows, count, start.columns).map((entry, i) => entry + stillFlat[i]),
    );
  }

  /** FA's field on flat states (Z, W): dZ = YC^T - ZM, dW = Z^T Y - (Z^T Z) W, where M = WC^T.

     Z^T Z costs nothing, since Z^T Z - M - M^T never changes (Appendix E). */
  function faField({ values, sketch, C, Z, W }) {
    const [p, r, q, pull, feedback] = [Z.rows, Z.columns, W.columns, flat.of(sketch), flat.of(C.transpose())];
    const constant = flat.of(times(Z.transpose(), Z).sub(plusTransposed(times(W, C.transpose()))));
    const [overlap, gram] = [new Float64Array(r * r), new Float64Array(r * r)];
    const parts = (state) => [state.subarray(0, p * r), state.subarray(p * r)];
    return (state, slope) => {
      const [[Z, W], [slopeZ, slopeW]] = [parts(state), parts(slope)];
      flat.multiply(W, feedback, r, q, r, overlap);
      flat.multiply(Z, overlap, p, r, r, slopeZ);
      for (let i = 0; i < p * r; i++) slopeZ[i] = pull[i] - slopeZ[i];
      for (let j = 0; j < r; j++) {
        for (let k = 0; k < r; k++) gram[j * r + k] = constant[j * r + k] + overlap[j * r + k] + overlap[k * r + j];
      }
      flat.multiply(gram, W, r, r, q, slopeW);
      for (let j = 0; j < r; j++) {
        for (let i = 0; i < q; i++) slopeW[j * q + i] = (i < p ? Z[i * r + j] * values[i] : 0) - slopeW[j * q + i];
      }
    };
  }

  /** Return squared errors and overlaps WC^T of FA after 0, 1, 2, ... steps of time, as far as the work allows. */
  function faRun(small, step, count) {
    const { C, Z, W } = small;
    const [p, r, q, feedback] = [Z.rows, Z.columns, W.columns, flat.of(C.transpose())];
    const start = Float64Array.from([...flat.of(Z), ...flat.of(W)]);
    const states = integrate.states(faField(small), start, step, count, MOST_STEPS);
    const parts = states.map((state) => [state.subarray(0, p * r), state.subarray(p * r)]);
    return {
      errors: parts.map(([Z, W]) => small.outside + error(small.values, Z, W, p, r, q)),
      overlaps: parts.map(([, W]) => flat.multiply(W, feedback, r, q, r)),
    };
  }

  /** ||diag(values) - ZW||^2, flat. */
  function error(values, Z, W, p, r, q) {
    const difference = flat.multiply(Z, W, p, r, q);
    values.forEach((value, i) => (difference[i * (q + 1)] -= value));
    return sumOfSquares(difference);
  }

  /** Where Lemma 1 says that FA and FA* stop: Y projected on the range of YC^T. */
  function stationaryError({ values, C }) {
    if (C.rows >= rankOf(values)) return 0;
    const range = basis(weighted(values, C.transpose()));
    return sumOfSquares(values) - sumOfSquares(weighted(values, range).to1DArray());
  }

  const optimalError = ({ values, C }) => sumOfSquares(values.slice(C.rows));

  /** The law of FA's mean error: the sum of s^2 / (1 + g s^2), where g makes that of g s^2 / (1 + g s^2) r. */
  function lawError({ values, C }) {
    if (C.rows >= rankOf(values)) return 0;
    const squares = values.filter((value) => value > 0).map((value) => value * value);
    const found = (logarithm) => squares.reduce((sum, s) => sum + 1 / (1 + Math.exp(-logarithm) / s), 0);
    let [low, high] = [-100, 100];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      [low, high] = found(middle) < C.rows ? [middle, high] : [low, middle];
    }
    return squares.reduce((sum, s) => sum + s / (1 + Math.exp(low) * s), 0);
  }

  /** Return the eigenvalues of M + M^T, M = WC^T, from the least on. */
  function alignmentEigenvalues(overlap) {
    const r = Math.sqrt(overlap.length);
    const matrix = plusTransposed(Matrix.from1DArray(r, r, overlap));
    return new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues.sort((a, b) => a - b);
  }

  /** Return all that is drawn of a problem: the curves at `count` evenly spaced times, and the levels, over ||Y||^2. */
  function answer(problem, end, count) {
    const [step, total, small] = [end / (count - 1), sumOfSquares(problem.values), reduced(problem)];
    const share = (squared) => squared / total;
    const [fa, faStar] = [faRun(small, step, count), faStarRun(small, step, count)];
    return {
      times: Array.from({ length: count }, (_, i) => i * step),
      errors: {
        "GD": gdErrors(problem, step, count).map(share),
        "FA": fa.errors.map(share),
        "FA*": faStar.errors.map(share),
      },
      eigenvalues: { "FA": fa.overlaps.map(alignmentEigenvalues), "FA*": faStar.overlaps.map(alignmentEigenvalues) },
      levels: {
        stationary: share(stationaryError(problem)),
        optimum: share(optimalError(problem)),
        law: share(lawError(problem)),
      },
    };
  }

  return { answer };
})();
