/* What the explorer needs of linear algebra besides ml-matrix's own, on ml-matrix's matrices. */
"use strict";

const linear = (() => {
  const { Matrix, LuDecomposition, QrDecomposition } = mlMatrix;

  const times = (...factors) => factors.reduceRight((right, left) => left.mmul(right)); // the last is narrow
  const plusTransposed = (matrix) => Matrix.add(matrix, matrix.transpose());
  const symmetric = (matrix) => plusTransposed(matrix).div(2);
  const weighted = (values, matrix) => matrix.clone().mulColumnVector(values);
  const sumOfSquares = (numbers) => numbers.reduce((sum, number) => sum + number * number, 0);

  /** Return what solves matrix X = right for X, for any right side. */
  function solver(matrix) {
    const decomposition = new LuDecomposition(matrix);
    return (right) => decomposition.solve(right);
  }

  /** Return blocks side by side. */
  function joined(...blocks) {
    const columns = blocks.reduce((sum, block) => sum + block.columns, 0);
    const whole = Matrix.zeros(blocks[0].rows, columns);
    let first = 0;
    for (const block of blocks) {
      whole.setSubMatrix(block, 0, first);
      first += block.columns;
    }
    return whole;
  }

  /** Return orthonormal columns that span those of all blocks, at most as many as there are rows. */
  function basis(...blocks) {
    const all = joined(...blocks);
    return all.columns < all.rows ? new QrDecomposition(all).orthogonalMatrix : Matrix.eye(all.rows);
  }

  return { times, plusTransposed, symmetric, weighted, sumOfSquares, solver, joined, basis };
})();
