/* GD, FA and FA* as the gradient flows that fa_utils defines, and where they stop: what the explorer draws.

   GD has a closed form where Z^T Z = W W^T at the start (Fukumizu 1998), FA* always has one; FA is integrated.
   FA and FA* never leave few directions, at most 2r for Z and 3r for W, and are followed there. */
"use strict";

const dynamics = (() => {
  const { Matrix, EigenvalueDecomposition, QrDecomposition, SingularValueDecomposition } = mlMatrix;
  const { times, plusTransposed, sumOfSquares, weighted, basis, joined } = linear;
  const MOST_STEPS = 1500; // of FA, so that the page never hangs

  const rankOf = (values) => values.filter((value) => value > 0).length;

  /** Return rates and flat rows X: GD is dX/dt = LX - X (X^T X) / 2 with L = diag(rates).

     X is Z + W^T over Z - W^T, divided by the root of 2. Of rows that have the rate 0 only the inner products
     matter, so that r of them will do. */
  function gdRows({ values, Z, W }) {
    const turned = [Matrix.add(Z, W.transpose()), Matrix.sub(Z, W.transpose())];
    const all = turned.flatMap((part) => part.mul(Math.SQRT1_2).to2DArray());
    const rateOf = (i) => (i < values.length ? values[i] : -values[i - values.length]);
    const moving = all.filter((_, i) => rateOf(i));
    const others = all.filter((_, i) => !rateOf(i));
    const still = fewer(others, Z.columns);
    const rates = [...all.keys()].map(rateOf).filter((rate) => rate);
    return {
      rates: [...rates, ...still.map(() => 0)],
      rows: Float64Array.from([...moving, ...still].flat()),
    };
  }

  /** Return at most so many rows with the inner products of many. */
  function fewer(rows, count) {
    return rows.length > count
      ? new QrDecomposition(new Matrix(rows)).upperTriangularMatrix.to2DArray()
      : rows;
  }

  /** Return GD's squared errors after 0, 1, ... steps: X's rows grow at their rates, and crowd each other. */
  function gdErrors(problem, step, count) {
    const [{ rates, rows: start }, r] = [gdRows(problem), problem.Z.columns];
    const total = sumOfSquares(problem.values);
    const ones = rates.map(() => 1);
    const growth = rates.map((rate) => Math.exp(rate * step));
    const grown = rates.map((rate) => (rate ? Math.expm1(2 * rate * step) / (2 * rate) : step));
    const errors = [];
    let rows = start;
    while (errors.length < count) {
      const learnt = rows.reduce((sum, entry, i) => sum + rates[Math.floor(i / r)] * entry * entry, 0);
      errors.push(total - learnt + sumOfSquares(flat.gram(rows, ones, r)) / 4);
      const crowd = flat.addToDiagonal(flat.gram(rows, grown, r), 1, r);
      rows = flat.divided(rows, flat.cholesky(crowd, r), growth, r);
    }
    return errors;
  }

  /** Return the problem of FA and FA* in the few directions that they use, where Y is diagonal, too.

     It also holds the sketch YC^T, Y's rank, and the squared norm of what of Y lies outside. */
  function reduced({ values, C, Z, W }) {
    const sketch = weighted(values, C.transpose());
    const left = basis(Z, sketch);
    const seen = new SingularValueDecomposition(weighted(values, left));
    const rows = times(left, seen.rightSingularVectors);
    const columns = withMore(seen.leftSingularVectors, W.transpose());
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
    if (count === 0) return columns;
    return joined(columns, basis(missed.subMatrix(0, missed.rows - 1, 0, count - 1)));
  }

  /** Return squared errors and overlaps WC^T of FA* after 0, 1, ... steps; W is the best one for Z. */
  function faStarRun({ rank, values, sketch, Z, outside }, step, count) {
    const [p, r] = [Z.rows, Z.columns];
    const scale = Z.getColumnVector(0).norm(); // the columns are orthonormal but for it
    const pull = Matrix.div(sketch, scale);
    const path = turned(Matrix.div(Z, scale), pull, Math.min(r, rank), step, count);
    const square = (entry, i) => (values[Math.floor(i / r)] * entry) ** 2;
    const learnt = (columns) => columns.reduce((sum, entry, i) => sum + square(entry, i), 0);
    const [total, pullFlat] = [outside + sumOfSquares(values), flat.of(pull)];
    const overlap = (columns) => flat.multiply(flat.transposed(columns, p, r), pullFlat, r, p, r);
    return { errors: path.map((columns) => total - learnt(columns)), overlaps: path.map(overlap) };
  }

  /** Return FA*'s orthonormal columns on their way, flat. Only `count` units, suitably turned, ever move. */
  function turned(start, pull, count, ...when) {
    const { rightSingularVectors } = new SingularValueDecomposition(pull);
    const moving = rightSingularVectors.subMatrix(0, start.columns - 1, 0, count - 1);
    const [begin, pulled, back] = [times(start, moving), times(pull, moving), moving.transpose()];
    const still = Matrix.sub(start, times(begin, back));
    const path = riccati.path(pulled.sub(times(still, still.transpose(), pulled)), begin, ...when);
    const [backFlat, stillFlat] = [flat.of(back), flat.of(still)];
    const whole = (columns) => flat.multiply(columns, backFlat, start.rows, count, start.columns);
    return path.map((columns) => whole(columns).map((entry, i) => entry + stillFlat[i]));
  }

  /** FA's field on flat states (Z, W): dZ = YC^T - ZM, dW = Z^T Y - (Z^T Z) W, where M = WC^T.

     Z^T Z costs nothing, since Z^T Z - M - M^T never changes (Appendix E). */
  function faField({ values, sketch, C, Z, W }) {
    const [p, r, q] = [Z.rows, Z.columns, W.columns];
    const [pull, feedback] = [flat.of(sketch), flat.of(C.transpose())];
    const constant = flat.of(times(Z.transpose(), Z).sub(plusTransposed(times(W, C.transpose()))));
    const [overlap, gram] = [new Float64Array(r * r), new Float64Array(r * r)];
    const parts = (state) => [state.subarray(0, p * r), state.subarray(p * r)];
    return (state, slope) => {
      const [[Z, W], [slopeZ, slopeW]] = [parts(state), parts(slope)];
      flat.multiply(W, feedback, r, q, r, overlap);
      flat.multiply(Z, overlap, p, r, r, slopeZ);
      for (let i = 0; i < p * r; i++) slopeZ[i] = pull[i] - slopeZ[i];
      for (let j = 0; j < r; j++) {
        for (let k = 0; k < r; k++) {
          gram[j * r + k] = constant[j * r + k] + overlap[j * r + k] + overlap[k * r + j];
        }
      }
      flat.multiply(gram, W, r, r, q, slopeW);
      for (let i = 0; i < r * q; i++) slopeW[i] = -slopeW[i];
      for (let j = 0; j < r; j++) {
        for (let i = 0; i < p; i++) slopeW[j * q + i] += Z[i * r + j] * values[i];
      }
    };
  }

  /** Return squared errors and overlaps WC^T of FA after 0, 1, ... steps, as far as the work allows. */
  function faRun(small, step, count) {
    const { C, Z, W } = small;
    const [p, r, q] = [Z.rows, Z.columns, W.columns];
    const feedback = flat.of(C.transpose());
    const start = Float64Array.from([...flat.of(Z), ...flat.of(W)]);
    const states = integrate.states(faField(small), start, step, count, MOST_STEPS);
    const parts = states.map((state) => [state.subarray(0, p * r), state.subarray(p * r)]);
    return {
      errors: parts.map(([Z, W]) => small.outside + error(small.values, Z, W, p, r, q)),
      overlaps: parts.map(([, W]) => flat.multiply(W, feedback, r, q, r)),
    };
  }

  /** Return ||diag(values) - ZW||^2 of flat factors. */
  function error(values, Z, W, p, r, q) {
    const difference = flat.multiply(Z, W, p, r, q);
    values.forEach((value, i) => (difference[i * (q + 1)] -= value));
    return sumOfSquares(difference);
  }

  /** Return the error where Lemma 1 says that FA and FA* stop: at Y projected on the range of YC^T. */
  function stationaryError({ values, C }) {
    if (C.rows >= rankOf(values)) return 0;
    const range = basis(weighted(values, C.transpose()));
    return sumOfSquares(values) - sumOfSquares(weighted(values, range).to1DArray());
  }

  const optimalError = ({ values, C }) => sumOfSquares(values.slice(C.rows));

  /** Return the law of FA's mean error, sum s^2 / (1 + g s^2), where sum g s^2 / (1 + g s^2) = r. */
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
    const half = Matrix.from1DArray(r, r, flat.symmetric(overlap, r));
    const { realEigenvalues } = new EigenvalueDecomposition(half, { assumeSymmetric: true });
    return realEigenvalues.map((value) => 2 * value).sort((a, b) => a - b);
  }

  /** Return what is drawn of a problem: curves at `count` evenly spaced times, and levels, over ||Y||^2. */
  function answer(problem, end, count) {
    const [step, total] = [end / (count - 1), sumOfSquares(problem.values)];
    const share = (squared) => squared / total;
    const small = reduced(problem);
    const [fa, faStar] = [faRun(small, step, count), faStarRun(small, step, count)];
    const eigenvalues = ({ overlaps }) => overlaps.map(alignmentEigenvalues);
    return {
      times: Array.from({ length: count }, (_, i) => i * step),
      errors: {
        "GD": gdErrors(problem, step, count).map(share),
        "FA": fa.errors.map(share),
        "FA*": faStar.errors.map(share),
      },
      eigenvalues: { "FA": eigenvalues(fa), "FA*": eigenvalues(faStar) },
      levels: {
        stationary: share(stationaryError(problem)),
        optimum: share(optimalError(problem)),
        law: share(lawError(problem)),
      },
    };
  }

  return { answer };
})();
