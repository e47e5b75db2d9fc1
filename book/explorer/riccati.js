/* How orthonormal columns Q turn under a constant pull P, dQ/dt = (I - Q Q^T) P, without a time stepper.

   The overlap M = Q^T P rises by a symmetric D, and (U, DU), with dU/dt = (M(0) + D) U, obeys a linear system.
   Where its exponential would overflow, a short step is doubled instead: see fa_utils/theory/riccati.py. */
"use strict";

const riccati = (() => {
  const { Matrix } = mlMatrix;
  const { times, symmetric, solver } = linear;
  const identityLike = (matrix) => Matrix.eye(matrix.rows);
  const SHORT = 0.25; // in units of 1 over the norm of P
  const TERMS = 16; // of the power series of a short step: the next ones are below rounding

  /** Return [[M, I], [R^T R, -M^T]], R = P - QM: what moves (U, DU). */
  function linearSystem(pull, columns) {
    const [overlap, k] = [times(columns.transpose(), pull), pull.columns];
    const residual = Matrix.sub(pull, times(columns, overlap));
    return Matrix.zeros(2 * k, 2 * k)
      .setSubMatrix(overlap, 0, 0)
      .setSubMatrix(Matrix.eye(k), 0, k)
      .setSubMatrix(times(residual.transpose(), residual), k, 0)
      .setSubMatrix(overlap.transpose().neg(), k, k);
  }

  /** Return the integral of e^(system t) over a short time, its power series. */
  function integral(system, step) {
    let term = identityLike(system).mul(step);
    const sum = term.clone();
    for (let k = 2; k <= TERMS; k++) {
      term = times(system, term).mul(step / k);
      sum.add(term);
    }
    return sum;
  }

  /** Return how D and Q move on in a short step: D becomes rise + decay^T D X, Q becomes QX + onset + gain D X.

     X = (I + spread D)^(-1) decay. */
  function shortPropagator(pull, columns, step) {
    const k = pull.columns;
    const system = linearSystem(pull, columns);
    const summed = integral(system, step);
    const whole = times(system, summed).add(identityLike(system));
    const block = (matrix, row, column) => matrix.subMatrix(row, row + k - 1, column, column + k - 1);
    const decay = solver(block(whole, 0, 0))(Matrix.eye(k));
    const onset = times(pull, block(summed, 0, 0), decay);
    return {
      decay,
      spread: symmetric(times(decay, block(whole, 0, k))),
      rise: symmetric(times(block(whole, k, 0), decay)),
      onset,
      gain: times(pull, block(summed, 0, k)).sub(times(onset, block(whole, 0, k))),
    };
  }

  /** Return the propagator over twice the time. */
  function twice({ decay, spread, rise, onset, gain }) {
    const through = solver(times(spread, rise).add(identityLike(decay)));
    const [passed, spreadOn] = [through(decay), through(times(spread, decay.transpose()))];
    const lead = times(gain, rise).add(onset);
    return {
      decay: times(decay, passed),
      spread: symmetric(times(decay, spreadOn)).add(spread),
      rise: symmetric(times(decay.transpose(), rise, passed)).add(rise),
      onset: times(lead, passed).add(onset),
      gain: times(gain, decay.transpose()).sub(times(lead, spreadOn)).add(gain),
    };
  }

  function propagator(pull, columns, step) {
    const doublings = Math.max(0, Math.ceil(Math.log2(step / SHORT)));
    let moved = shortPropagator(pull, columns, step / 2 ** doublings);
    for (let i = 0; i < doublings; i++) moved = twice(moved);
    return moved;
  }

  const sum = (...matrices) =>
    matrices[0].map((_, i) => matrices.reduce((total, matrix) => total + matrix[i], 0));

  /** Return a propagator's blocks, flat: decay, its transpose, spread, rise, onset and gain. */
  const blocks = ({ decay, spread, rise, onset, gain }) =>
    [decay, decay.transpose(), spread, rise, onset, gain].map(flat.of);

  /** Return Q (p x k), flat, at the start and after each step, where P is `pull` and Q(0) `columns`. */
  function path(pull, columns, steps) {
    const [p, k] = [pull.rows, pull.columns];
    const unit = pull.norm() || 1; // C may see nothing of Y
    const found = [flat.of(columns)];
    let risen = new Float64Array(k * k);
    let [last, once, parts] = [0, null, null];
    for (const step of steps) {
      // A grid's steps are equal, or double from one octave to the next.
      if (step !== last) {
        once = step === 2 * last ? twice(once) : propagator(Matrix.div(pull, unit), columns, step * unit);
        parts = blocks(once);
        last = step;
      }
      const [decay, decayTransposed, spread, rise, onset, gain] = parts;
      const growth = flat.addToDiagonal(flat.multiply(spread, risen, k, k, k), 1, k);
      const shrink = flat.solve(growth, decay, k, k);
      const through = flat.multiply(risen, shrink, k, k, k);
      risen = sum(rise, flat.symmetric(flat.multiply(decayTransposed, through, k, k, k), k));
      const kept = flat.multiply(found.at(-1), shrink, p, k, k);
      found.push(sum(kept, flat.multiply(gain, through, p, k, k), onset));
    }
    return found;
  }

  return { path };
})();
