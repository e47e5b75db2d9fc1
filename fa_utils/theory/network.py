"""The update of the paper's slides: a network with one hidden layer, any activation and several outputs.

A network has weights W0 (hidden, inputs) and W1 (outputs, hidden). It answers W1 s(W0 x) to an input x, where
s is its activation. The paper's Z, W and C are the transposes of W0, W1 and C1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fa_utils._checks import finite_result, real_array


class Activation(NamedTuple):
    """A function of one number, applied to each entry, and its derivative.

    Attributes
    ----------
    value, slope
        Functions of an array that return an array of its shape.

    Examples
    --------
    >>> from fa_utils.theory import network
    >>> network.TANH.slope(np.zeros(2)).tolist()
    [1.0, 1.0]
    """

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def _positive_part(u: np.ndarray) -> np.ndarray:
    """Return u where it is positive, and 0 elsewhere."""
    return np.maximum(u, 0.0)


def _is_positive(u: np.ndarray) -> np.ndarray:
    """Return 1 where u is positive, and 0 elsewhere."""
    return (u > 0).astype(float)


def _tanh_slope(u: np.ndarray) -> np.ndarray:
    """Return the derivative of tanh."""
    return 1 - np.square(np.tanh(u))


LINEAR = Activation(np.positive, np.ones_like)
RELU = Activation(_positive_part, _is_positive)
TANH = Activation(np.tanh, _tanh_slope)


def answers(W0: np.ndarray, W1: np.ndarray, inputs: np.ndarray, activation: Activation) -> np.ndarray:
    """Return what the network answers, W1 s(W0 x), to each input.

    Parameters
    ----------
    W0, W1
        Shapes (hidden, inputs) and (outputs, hidden).
    inputs
        One x in each column, shape (inputs, samples).
    activation
        `LINEAR`, `RELU`, `TANH` or one of your own.

    Returns
    -------
    np.ndarray
        Shape (outputs, samples).

    Raises
    ------
    ValueError
        Shapes that do not fit.
    FloatingPointError
        Answers beyond float64.

    Examples
    --------
    >>> from fa_utils.theory import network
    >>> network.answers(np.eye(2), np.ones((1, 2)), np.array([[3.0], [-1.0]]), network.RELU).tolist()
    [[3.0]]
    """
    W0, W1, inputs = _network(W0, W1, inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        return finite_result("answers", W1 @ activation.value(W0 @ inputs))


def layer_updates(
    W0: np.ndarray,
    W1: np.ndarray,
    inputs: np.ndarray,
    wanted: np.ndarray,
    activation: Activation,
    feedback: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions in which W0 and W1 learn, summed over samples.

    They are ((B^T e) * s'(u)) x^T and e s(u)^T, where u = W0 x, e is the error, wanted minus answered, and *
    multiplies entries. Gradient descent has B = W1: the directions are then minus the gradient of half the
    squared error. Feedback alignment has B = C1, which never changes.

    Parameters
    ----------
    W0, W1, inputs, activation
        As for `answers`.
    wanted
        The wanted answers, shape (outputs, samples).
    feedback
        C1, shape (outputs, hidden). None stands for W1, which is gradient descent.

    Returns
    -------
    tuple
        Of the shapes of W0 and W1.

    Raises
    ------
    ValueError
        Shapes that do not fit.
    FloatingPointError
        Directions beyond float64.

    References
    ----------
    Garg & Vempala (2022), slides; Lillicrap et al. (2016).

    Examples
    --------
    >>> from fa_utils.theory import network
    >>> layers = np.eye(2), np.ones((1, 2))
    >>> x, y, C1 = np.array([[3.0], [1.0]]), np.array([[5.0]]), np.array([[1.0, -1.0]])
    >>> network.layer_updates(*layers, x, y, network.RELU, feedback=C1)[0].tolist()
    [[3.0, 1.0], [-3.0, -1.0]]
    """
    W0, W1, inputs = _network(W0, W1, inputs)
    wanted = _fitting("wanted", wanted, (len(W1), inputs.shape[1]))
    back = W1 if feedback is None else _fitting("feedback", feedback, W1.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        u = W0 @ inputs
        hidden = activation.value(u)
        error = wanted - W1 @ hidden
        # The error comes back through B, and counts where the unit's output depends on u.
        first = ((back.T @ error) * activation.slope(u)) @ inputs.T
        second = error @ hidden.T
    return finite_result("layer_updates", first), finite_result("layer_updates", second)


# --- checks ---


def _network(W0: np.ndarray, W1: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays as float64, checked against each other."""
    W0 = real_array("W0", W0, ndim=2)
    W1 = real_array("W1", W1, ndim=2)
    inputs = real_array("inputs", inputs, ndim=2)
    _fitting("W1", W1, (len(W1), len(W0)))
    return W0, W1, _fitting("inputs", inputs, (W0.shape[1], inputs.shape[1]))


def _fitting(name: str, array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an array as float64; raise ValueError where it has another shape."""
    array = real_array(name, array, ndim=2)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape} to fit the other arrays")
    return array
