"""A step does not wait for a GPU: nothing is read back, and what is not finite is skipped on the device."""

import pytest
import torch
from accelerate import Accelerator
from torch.utils._python_dispatch import TorchDispatchMode

from sargan_hf.errors import SARGANError
from sargan_hf.training.finite_check import FiniteCheck
from sargan_hf.training.loader import training_batches
from sargan_hf.training.loop import train
from sargan_hf.training.objectives import ON_HOST
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.trainer import Trainer


class ReadBack(TorchDispatchMode):
    """Counts numbers that the host reads: `item`, `bool`, `tolist`. On a GPU each waits for all that was launched."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **kwargs or {})


@pytest.fixture
def trainer_and_batch(make_config):
    def make(**changes):
        config, accelerator = make_config(**changes), Accelerator(cpu=True)
        data = prepare_data(config, accelerator)
        trainer = Trainer(config, accelerator, data)
        return trainer, next(training_batches(data.samples, 0, config, accelerator))

    return make


@pytest.mark.parametrize("changes", [{}, {"objective": "paper", "critic_steps": 1, "paired_weight": 1.0}])
def test_a_step_reads_nothing_back(trainer_and_batch, changes):
    trainer, batch = trainer_and_batch(**changes, max_grad_norm=1.0, feature_weight=0.0 if changes else 1.0)
    trainer.check = FiniteCheck(torch.device("cpu"), deferred=True)
    flags = batch["paired"].clone()
    counted = ReadBack()
    with counted:
        flags.any().item()
    before = counted.count
    assert before == 1  # it counts
    trainer.update([batch], 0)  # sets up moments
    with counted:
        trainer.update([batch | {ON_HOST: _Told(flags)}], 1)
    assert counted.count - before == 0


class _Told(torch.Tensor):
    """What the host knows: reading it is no waiting."""

    @staticmethod
    def __new__(cls, values):
        return values.as_subclass(cls)

    def any(self):
        return bool(self.tolist().count(0.0) < len(self))


def test_a_deferred_check_skips_every_update_from_the_first_odd_number_on(trainer_and_batch):
    trainer, batch = trainer_and_batch()
    trainer.check = FiniteCheck(torch.device("cpu"), deferred=True)
    trainer.update([batch], 0)
    trainer.check.tell()
    weights = [p.clone() for network in (trainer.generator, trainer.discriminator) for p in network.parameters()]
    trainer.update([batch | {"target": batch["target"] * float("nan")}], 1)
    trainer.update([batch], 2)
    after = [p for network in (trainer.generator, trainer.discriminator) for p in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
    with pytest.raises(SARGANError, match="The loss was not finite at step 1; nothing was updated with it or after it"):
        trainer.save(3)


def test_deferring_the_check_changes_no_weight(make_config, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    train(make_config("at_once"))
    monkeypatch.setattr("sargan_hf.training.trainer.FiniteCheck", lambda device, deferred: FiniteCheck(device, True))
    train(make_config("later"))
    a, b = (load_file(tmp_path / run / "diffusion_pytorch_model.safetensors") for run in ("at_once", "later"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_long_gradients_are_shortened(trainer_and_batch):
    trainer, batch = trainer_and_batch(max_grad_norm=1e-3)
    lengths = []
    step = trainer.generator_optimizer.step

    def noted():
        lengths.append(torch.nn.utils.get_total_norm([p.grad for p in trainer.generator.parameters()]).item())
        step()

    trainer.generator_optimizer.step = noted
    trainer.update([batch], 0)
    assert lengths == [pytest.approx(1e-3, rel=1e-3)]
