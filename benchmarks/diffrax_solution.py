"""FA* by diffrax, compiled: needs diffrax and JAX, so import it only where they are."""

import diffrax
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)


def field(time, Z, sketch):
    """Return dZ/dt = B - Z Z^T B, B = Y C^T, for orthonormal columns."""
    return sketch - Z @ (Z.T @ sketch)


@jax.jit
def _solved(Z, sketch, times, tolerance):
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance / 100)
    return diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Dopri8(),
        0.0,
        times[-1],
        None,
        Z,
        sketch,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller,
        max_steps=None,
    ).ys


def solution(Z: np.ndarray, sketch: np.ndarray, times: np.ndarray, tolerance: float) -> np.ndarray:
    """Return Z at ``times``, shape (T, n, r); the first call for a shape compiles."""
    return np.asarray(_solved(Z, sketch, times, tolerance))
