"""GD and FA as a PyTorch user would write them: needs PyTorch, so import it only where that is."""

import numpy as np
import torch

import fa_utils as fa
from fa_utils.companions import song2021

torch.set_num_threads(1)


class FeedbackLinear(torch.autograd.Function):
    """A linear layer whose backward pass sends the error through fixed feedback weights, not its own."""

    @staticmethod
    def forward(context, hidden, weight, feedback):
        """Return the layer's output, (n, r) times (r, m)."""
        context.save_for_backward(hidden, feedback)
        return hidden @ weight

    @staticmethod
    def backward(context, error):
        """Return the derivatives by hidden units and by weights; feedback has none."""
        hidden, feedback = context.saved_tensors
        return error @ feedback.T, hidden.T @ error, None


def trained(problem: fa.Problem, rule: fa.Rule, rate: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Z and W after steps of SGD on ||Y - ZW||^2 / 2, in float64; the inputs are the unit vectors."""
    target = torch.tensor(problem.target)
    feedback = torch.tensor(problem.feedback)
    Z, W = (torch.tensor(start, requires_grad=True) for start in (problem.Z, problem.W))
    optimizer = torch.optim.SGD([Z, W], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        output = FeedbackLinear.apply(Z, W, feedback) if rule is fa.FA else Z @ W
        loss = 0.5 * (target - output).square().sum()
        loss.backward()
        optimizer.step()
    return Z.detach().numpy(), W.detach().numpy()


def trained_network(
    X: np.ndarray, W: np.ndarray, network: song2021.Network, rate: float, decay: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return W X^T and beta of a two-layer network after steps of SGD under FA, in float32; beta decays."""
    activation = {"linear": torch.nn.Identity(), "ReLU": torch.relu, "tanh": torch.tanh}[
        network.activation.name
    ]
    scale = network.weights.size**-0.5
    inputs, labels = (torch.tensor(part, dtype=torch.float32) for part in (X, network.labels[:, None]))
    feedback = torch.tensor(network.feedback[:, None], dtype=torch.float32)
    first, last = (
        torch.tensor(part, dtype=torch.float32, requires_grad=True) for part in (W, network.weights[:, None])
    )
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [last], "weight_decay": decay}], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        output = scale * FeedbackLinear.apply(activation(inputs @ first.T), last, feedback)
        (output - labels).square().mean().backward()
        optimizer.step()
    return (first @ inputs.T).detach().numpy(), last.detach().numpy()[:, 0]
