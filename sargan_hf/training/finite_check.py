"""Keeps what is not finite out of the weights, without waiting for a GPU in every step."""

import torch
from torch import Tensor, nn

from ..errors import SARGANError

ADVICE = "Resume from the last checkpoint with a lower learning_rate, or with mixed_precision=no."


class FiniteCheck:
    """Looks at losses and gradients.

    On a CPU an odd number is an error at once. On a GPU reading a number makes the host wait for all that was launched. So
    the device itself skips the updates, from the first odd number on, and the host is told with the next log line.

    Args:
        device: where losses and gradients are.
        deferred: whether the host is told later; by default where the device is no CPU.
    """

    def __init__(self, device: torch.device, deferred: bool | None = None):
        self.deferred = device.type != "cpu" if deferred is None else deferred
        # 1 once a number was odd; then the step, and whether it was a loss.
        self.found = torch.zeros((), device=device)
        self._step, self._of_loss = torch.zeros((), device=device), torch.zeros((), device=device)

    def look_at_loss(self, loss: Tensor, step: int) -> None:
        """Raises SARGANError at once for a loss that is not finite, or notes it."""
        if self.deferred:
            self._note(loss.detach(), step, 1.0)
        elif not torch.isfinite(loss):
            raise SARGANError(f"The loss became {loss.item()} at step {step}; nothing was updated with it. {ADVICE}")

    def look_at_gradients(self, norm: Tensor, step: int) -> None:
        """The same for the length of a network's gradient. A finite loss can have one that is not."""
        if self.deferred:
            self._note(norm, step, 0.0)
        elif not torch.isfinite(norm):
            raise SARGANError(
                f"The gradient became {norm.item()} at step {step}; nothing was updated with it. {ADVICE}"
            )

    def _note(self, value: Tensor, step: int, of_loss: float) -> None:
        first = (~torch.isfinite(value)).float() * (1 - self.found)
        self._step += first * step
        self._of_loss += first * of_loss
        self.found += first

    def guard(self, optimizer: torch.optim.Optimizer) -> None:
        """Lets a fused optimiser skip its update once something was odd; it looks at the number on the device."""
        if self.deferred:
            # Accelerate wraps it. PyTorch's scaler hands over its own findings in the same attribute.
            vars(getattr(optimizer, "optimizer", optimizer))["found_inf"] = self.found

    def tell(self) -> None:
        """Raises SARGANError if something was odd since the start. Waits for the device."""
        if self.deferred and self.found.item():
            what = "loss" if self._of_loss.item() else "gradient"
            raise SARGANError(
                f"The {what} was not finite at step {int(self._step.item())}; nothing was updated with it or after it. {ADVICE}"
            )


def gradient_norm(network: nn.Module, most: float | None) -> Tensor:
    """The length of a network's gradient, which is shortened to `most` if that is given."""
    parameters = [p for p in network.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if most is not None:
        nn.utils.clip_grads_with_norm_(parameters, most, norm)
    return norm
