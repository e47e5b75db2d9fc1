/* Linear algebra on flat matrices, Float64Arrays row by row. They do not know their sizes, which are given.

   Inner loops use these: ml-matrix, which keeps each row in an array of its own, takes several times as long.
   Sizes that came out of one list with other numbers slow them down, too: they no longer count as whole. */
"use strict";

const flat = (() => {
  const of = (matrix) => Float64Array.from(matrix.to1DArray());

  /** Return left (rows x inner) times right (inner x columns), in `product` if given; 2 x 2 at once, for speed. */
  function multiply(left, right, rows, inner, columns, product = new Float64Array(rows * columns)) {
    for (let i = 0; i < rows; i += 2) {
      const below = Math.min(i + 1, rows - 1);
      for (let j = 0; j < columns; j += 2) {
        const beside = Math.min(j + 1, columns - 1);
        let a = 0;
        let b = 0;
        let c = 0;
        let d = 0;
        for (let k = 0, row = 0; k < inner; k++, row += columns) {
          const upper = left[i * inner + k];
          const lower = left[below * inner + k];
          a += upper * right[row + j];
          b += upper * right[row + beside];
          c += lower * right[row + j];
          d += lower * right[row + beside];
        }
        product[i * columns + j] = a;
        product[i * columns + beside] = b;
        product[below * columns + j] = c;
        product[below * columns + beside] = d;
      }
    }
    return product;
  }

  function transposed(matrix, rows, columns) {
    const result = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
    }
    return result;
  }

  function symmetric(matrix, size) {
    const other = transposed(matrix, size, size);
    return matrix.map((entry, i) => (entry + other[i]) / 2);
  }

  /** Return X (size x columns) with matrix X = right: Gauss's elimination with the largest pivots. */
  function solve(matrix, right, size, columns) {
    const [left, solution] = [matrix.slice(), right.slice()];
    for (let k = 0; k < size; k++) {
      const pivot = largestBelow(left, k, size);
      swapRows(left, k, pivot, size);
      swapRows(solution, k, pivot, columns);
      for (let i = 0; i < size; i++) {
        if (i === k) continue;
        const factor = left[i * size + k] / left[k * size + k];
        for (let j = k; j < size; j++) left[i * size + j] -= factor * left[k * size + j];
        for (let j = 0; j < columns; j++) solution[i * columns + j] -= factor * solution[k * columns + j];
      }
    }
    return solution.map((entry, i) => entry / left[Math.floor(i / columns) * (size + 1)]);
  }

  /** Return the row, from the k-th on, that has the largest entry in column k. */
  function largestBelow(matrix, k, size) {
    let found = k;
    for (let i = k + 1; i < size; i++) {
      if (Math.abs(matrix[i * size + k]) > Math.abs(matrix[found * size + k])) found = i;
    }
    return found;
  }

  function swapRows(matrix, one, other, columns) {
    if (one === other) return;
    const row = matrix.slice(one * columns, (one + 1) * columns);
    matrix.copyWithin(one * columns, other * columns, (other + 1) * columns);
    matrix.set(row, other * columns);
  }

  /** Return the lower triangular L with L L^T = matrix, which is positive definite. */
  function cholesky(matrix, size) {
    const L = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = matrix[i * size + j];
        for (let k = 0; k < j; k++) sum -= L[i * size + k] * L[j * size + k];
        L[i * size + j] = i === j ? Math.sqrt(sum) : sum / L[j * size + j];
      }
    }
    return L;
  }

  /** Return the sum of x x^T (size x size) over a matrix's rows x, each with its weight. */
  function gram(rows, weights, size) {
    const sum = new Float64Array(size * size);
    weights.forEach((weight, row) => {
      for (let i = 0; i < size; i++) {
        const scaled = weight * rows[row * size + i];
        for (let j = 0; j <= i; j++) sum[i * size + j] += scaled * rows[row * size + j];
      }
    });
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < i; j++) sum[j * size + i] = sum[i * size + j];
    }
    return sum;
  }

  /** Return the matrix whose rows are factor L^(-1) x, for the rows x of another and the factor of each. */
  function divided(rows, L, factors, size) {
    const result = new Float64Array(rows.length);
    factors.forEach((factor, row) => {
      const first = row * size;
      for (let i = 0; i < size; i++) {
        let sum = factor * rows[first + i];
        for (let k = 0; k < i; k++) sum -= L[i * size + k] * result[first + k];
        result[first + i] = sum / L[i * size + i];
      }
    });
    return result;
  }

  function addToDiagonal(matrix, number, size) {
    for (let i = 0; i < size; i++) matrix[i * (size + 1)] += number;
    return matrix;
  }

  return { of, multiply, transposed, symmetric, solve, cholesky, gram, divided, addToDiagonal };
})();
