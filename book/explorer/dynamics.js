/* GD, FA and FA* as the gradient flows that fa_utils defines, on a diagonal target: what the explorer draws.

   A problem is { values, C, Z, W }: the n singular values of Y = diag(values), feedback C (r x n), and a start
   Z (n x r), W (r x n) whose columns and rows are orthonormal but for one scale. So Z^T Z = W W^T, for which
   GD's flow has a closed form (Fukumizu 1998); FA*'s always has one. FA's is integrated. Matrices are those of
   ml-matrix, times are evenly spaced from 0. */
"use strict";

const dynamics = (() => {
  const { Matrix, CholeskyDecomposition, EigenvalueDecomposition, LuDecomposition, QrDecomposition, SingularValueDecomposition } =
    mlMatrix;

  const times = (...factors) => factors.reduce((left, right) => left.mmul(right));
  const squares = (matrix) => matrix.dot(matrix);
  const weighted = (values, matrix) => matrix.clone().mulColumnVector(values);
  const solver = (matrix) => {
    const decomposition = new LuDecomposition(matrix);
    return (right) => decomposition.solve(right);
  };
  const inverse = (matrix) => solver(matrix)(identity(matrix));
  const identity = (matrix) => Matrix.eye(matrix.rows);
  const plusTransposed = (matrix) => Matrix.add(matrix, matrix.transpose());

  /** Return a function that draws Gaussian matrices, the same from the same seed (Mulberry32, Box and Muller). */
  function gaussians(seed) {
    let state = seed >>> 0;
    function uniform() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    }
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const row = (columns) => Array.from({ length: columns }, normal);
    return (rows, columns) => new Matrix(Array.from({ length: rows }, () => row(columns)));
  }

  const spectra = {
    flat: () => 1,
    linear: (i, rank) => (rank > 1 ? 1 - (0.5 * i) / (rank - 1) : 1),
    polynomial: (i) => 1 / (i + 1),
    exponential: (i) => 0.8 ** i,
    stepped: (i, rank, units) => (i < units ? 1 : 0.3),
  };

  function makeProblem({ n, rank, units, spectrum, feedbackScale, startScale, seed }) {
    const draw = gaussians(seed);
    const values = Array.from({ length: n }, (_, i) => (i < rank ? spectra[spectrum](i, rank, units) : 0));
    const orthonormal = () => new QrDecomposition(draw(n, units)).orthogonalMatrix;
    const C = draw(units, n).mul(feedbackScale);
    const Z = orthonormal().mul(startScale);
    const W = orthonormal().transpose().mul(startScale);
    return { values, C, Z, W };
  }

  /** ||Y - ZW||^2, from three sums; what is below rounding comes out as 0. */
  function error({ values }, Z, W) {
    const cross = squaresOf(values) - 2 * weighted(values, W.transpose()).dot(Z);
    return Math.max(0, cross + times(Z.transpose(), Z).dot(times(W, W.transpose())));
  }

  const squaresOf = (values) => values.reduce((sum, value) => sum + value * value, 0);

  /** GD: the columns of (Z; W^T) grow along Y's singular directions and compete; one step, then the next. */
  function gdErrors(problem, step, count) {
    const { values } = problem;
    const growth = values.map((value) => Math.exp(value * step));
    const grown = values.map((value) => (value ? Math.expm1(2 * value * step) / (2 * value) : step));
    const shrunk = values.map((value) => (value ? -Math.expm1(-2 * value * step) / (2 * value) : step));
    let rising = Matrix.add(problem.Z, problem.W.transpose()).mul(Math.SQRT1_2);
    let falling = Matrix.sub(problem.Z, problem.W.transpose()).mul(Math.SQRT1_2);
    const errors = [];
    for (let i = 0; i < count; i++) {
      const Z = Matrix.add(rising, falling).mul(Math.SQRT1_2);
      const W = Matrix.sub(rising, falling).mul(Math.SQRT1_2).transpose();
      errors.push(error(problem, Z, W));
      const crowd = times(rising.transpose(), weighted(grown, rising));
      crowd.add(times(falling.transpose(), weighted(shrunk, falling))).add(Matrix.eye(crowd.rows));
      const triangle = new CholeskyDecomposition(symmetric(crowd)).lowerTriangularMatrix;
      const divide = solver(triangle);
      const shared = (columns) => divide(columns.transpose()).transpose();
      rising = shared(weighted(growth, rising));
      falling = shared(weighted(growth.map((factor) => 1 / factor), falling));
    }
    return errors;
  }

  const symmetric = (matrix) => plusTransposed(matrix).div(2);

  /** e^matrix: a Taylor series of what is halved often enough, squared as often again. */
  function exponential(matrix) {
    const halvings = Math.max(0, Math.ceil(Math.log2(matrix.norm() || 1)) + 1);
    const small = Matrix.div(matrix, 2 ** halvings);
    let [sum, term] = [identity(matrix), identity(matrix)];
    for (let k = 1; k <= 18; k++) {
      term = term.mmul(small).div(k);
      sum.add(term);
    }
    for (let i = 0; i < halvings; i++) sum = sum.mmul(sum);
    return sum;
  }

  /** How the rise D of Q^T P and the columns Q move on in one step: see fa_utils/riccati.py. */
  function shortPropagator(pull, columns, step) {
    const [p, k] = [pull.rows, pull.columns];
    const overlap = times(columns.transpose(), pull);
    const residual = Matrix.sub(pull, times(columns, overlap));
    const generator = Matrix.zeros(2 * k + p, 2 * k + p);
    generator.setSubMatrix(overlap, 0, 0).setSubMatrix(Matrix.eye(k), 0, k);
    generator.setSubMatrix(times(residual.transpose(), residual), k, 0);
    generator.setSubMatrix(Matrix.mul(overlap.transpose(), -1), k, k).setSubMatrix(pull, 2 * k, 0);
    const whole = exponential(generator.mul(step));
    const block = (row, rows, column) => whole.subMatrix(row, row + rows - 1, column, column + k - 1);
    const decay = inverse(block(0, k, 0));
    const onset = times(block(2 * k, p, 0), decay);
    return {
      decay,
      spread: symmetric(times(decay, block(0, k, k))),
      rise: symmetric(times(block(k, k, 0), decay)),
      onset,
      gain: Matrix.sub(block(2 * k, p, k), times(onset, block(0, k, k))),
    };
  }

  function twice({ decay, spread, rise, onset, gain }) {
    const through = solver(Matrix.add(identity(decay), times(spread, rise)));
    const [passed, spreadOn] = [through(decay), through(times(spread, decay.transpose()))];
    const lead = Matrix.add(onset, times(gain, rise));
    return {
      decay: times(decay, passed),
      spread: Matrix.add(spread, symmetric(times(decay, spreadOn))),
      rise: Matrix.add(rise, symmetric(times(decay.transpose(), rise, passed))),
      onset: Matrix.add(onset, times(lead, passed)),
      gain: Matrix.add(gain, times(gain, decay.transpose())).sub(times(lead, spreadOn)),
    };
  }

  function propagator(pull, columns, step) {
    const doublings = Math.max(0, Math.ceil(Math.log2(step * pull.norm() || 1)));
    let moved = shortPropagator(pull, columns, step / 2 ** doublings);
    for (let i = 0; i < doublings; i++) moved = twice(moved);
    return moved;
  }

  /** FA*: only the directions of Z turn, since W is the best one for them at all times. */
  function faStarRun(problem, step, count) {
    const scale = problem.Z.getColumnVector(0).norm();
    const pull = weighted(problem.values, problem.C.transpose()).div(scale);
    let columns = Matrix.div(problem.Z, scale);
    let rise = Matrix.zeros(columns.columns, columns.columns);
    const once = propagator(pull, columns, step);
    const run = [];
    for (let i = 0; i < count; i++) {
      const Z = Matrix.mul(columns, scale);
      run.push({ Z, W: weighted(problem.values, columns).transpose().div(scale) });
      const shrink = solver(Matrix.add(identity(rise), times(once.spread, rise)))(once.decay);
      const through = times(rise, shrink);
      rise = Matrix.add(once.rise, symmetric(times(once.decay.transpose(), through)));
      columns = times(columns, shrink).add(once.onset).add(times(once.gain, through));
    }
    return run;
  }

  /** Where Lemma 1 says that FA and FA* stop: Y projected on the range of Y C^T. */
  function stationaryError({ values, C }) {
    const rank = values.filter((value) => value > 0).length;
    if (C.rows >= rank) return 0;
    const range = new QrDecomposition(weighted(values, C.transpose())).orthogonalMatrix;
    return squaresOf(values) - squares(weighted(values, range));
  }

  const optimalError = ({ values, C }) => squaresOf([...values].sort((a, b) => b - a).slice(C.rows));

  /** The law of FA's mean error: sum s^2 / (1 + g s^2), where g solves sum g s^2 / (1 + g s^2) = r. */
  function lawError({ values, C }) {
    const squared = values.filter((value) => value > 0).map((value) => value * value);
    if (C.rows >= squared.length) return 0;
    const kept = (logarithm) => squared.reduce((sum, s) => sum + 1 / (1 + Math.exp(-logarithm) / s), 0);
    let [low, high] = [-700, 700];
    while (high - low > 1e-13 * Math.max(1, Math.abs(low))) {
      const middle = (low + high) / 2;
      if (middle === low || middle === high) break;
      [low, high] = kept(middle) < C.rows ? [middle, high] : [low, middle];
    }
    return squared.reduce((sum, s) => sum + s / (1 + Math.exp(low) * s), 0);
  }

  /** Eigenvalues of WC^T + CW^T, from the least on. */
  function alignmentEigenvalues({ C }, W) {
    const matrix = plusTransposed(times(W, C.transpose()));
    return new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues.sort((a, b) => a - b);
  }

  const joined = (...blocks) => new Matrix(blocks[0].to2DArray().map((row, i) => blocks.flatMap((block) => block.getRow(i))));
  const basis = (...blocks) => {
    const all = joined(...blocks);
    return all.columns < all.rows ? new QrDecomposition(all).orthogonalMatrix : Matrix.eye(all.rows);
  };

  /** The small problem that FA never leaves (at most 2r x 3r), its target diagonal: see fa_utils/reduction.py. */
  function reduced({ values, C, Z, W }) {
    const sketch = weighted(values, C.transpose());
    const left = basis(Z, sketch);
    const right = basis(W.transpose(), weighted(values, left));
    const core = new SingularValueDecomposition(times(left.transpose(), weighted(values, right)), { autoTranspose: true });
    const [rows, columns] = [times(left, core.leftSingularVectors), times(right, core.rightSingularVectors)];
    const small = { values: core.diagonal, sketch: times(rows.transpose(), sketch), C: times(C, columns) };
    return { ...small, Z: times(rows.transpose(), Z), W: times(W, columns), left: rows, right: columns };
  }

  /** FA's field: dZ = YC^T - Z (WC^T), dW = Z^T Y - (Z^T Z) W. */
  function faField({ values, sketch, C, Z, W }) {
    const feedback = C.transpose();
    const square = Math.min(Z.rows, W.columns);
    return ([Z, W]) => {
      const onward = Matrix.mul(times(Z.transpose(), Z, W), -1);
      for (let j = 0; j < onward.rows; j++) {
        for (let i = 0; i < square; i++) onward.set(j, i, onward.get(j, i) + Z.get(i, j) * values[i]);
      }
      return [Matrix.sub(sketch, times(Z, times(W, feedback))), onward];
    };
  }

  // Dormand and Prince's fifth-order method: how far along each stage is, made from which others, and the
  // difference to the fourth-order method, by which the step is chosen.
  const STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ];
  const DIFFERENCE = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
  const TOLERANCE = 1e-10;

  const combined = (start, slopes, weights, step) =>
    start.map((matrix, part) => {
      const sum = matrix.clone();
      weights.forEach((weight, i) => weight && sum.add(Matrix.mul(slopes[i][part], weight * step)));
      return sum;
    });

  /** Return y' after exactly the time `span`, in steps as long as the tolerance admits; the last one's length too. */
  function integrated(field, start, span, hint) {
    let [now, left, step, slope] = [start, span, Math.min(hint, span), field(start)];
    while (left > 0) {
      const length = Math.min(step, left);
      const slopes = [slope];
      let next;
      for (const weights of STAGES) {
        next = combined(now, slopes, weights, length);
        slopes.push(field(next));
      }
      const wrong = Math.sqrt(sumOf(combined(now.map((part) => Matrix.mul(part, 0)), slopes, DIFFERENCE, length).map(squares)));
      const allowed = TOLERANCE * (1 + Math.sqrt(sumOf(next.map(squares))));
      if (wrong <= allowed) [now, left, slope] = [next, left === length ? 0 : left - length, slopes[6]];
      step = length * Math.min(5, Math.max(0.2, 0.9 * (allowed / wrong) ** 0.2));
    }
    return [now, step];
  }

  const sumOf = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

  function faErrors(problem, step, count) {
    const small = reduced(problem);
    const field = faField(small);
    const outside = squaresOf(problem.values) - squaresOf(small.values);
    let [state, hint] = [[small.Z, small.W], step];
    const errors = [];
    for (let i = 0; i < count; i++) {
      errors.push(outside + error(small, ...state));
      [state, hint] = integrated(field, state, step, hint);
    }
    return errors;
  }

  return { makeProblem, gdErrors, faErrors, faStarRun, stationaryError, optimalError, lawError, alignmentEigenvalues, error, reduced };
})();
