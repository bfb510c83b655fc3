"""Lecture 20: a denoising autoencoder for MNIST, and the classifier that its encoder becomes.

The same program with minigrad is minigrad/experiments/denoising.py.
"""

from torch import Tensor

from reference import nn, training
from reference.nn import functional as F

__all__ = ["autoencoder", "classifier", "training"]


class autoencoder(nn.Module):
    """Layers 784-400 with Tanh, an L1 penalty on the code (none if its weight is 0), and 400-784 with Sigmoid."""

    def __init__(self, l1_weight: float = 0.0, l1_form: str = "sign") -> None:
        super().__init__()
        self.l1_weight, self.l1_form = l1_weight, l1_form
        self.encoder = nn.Sequential(nn.Linear(28 * 28, 400), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(400, 28 * 28), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of `x`, a batch of shape (n, 784)."""
        x = self.encoder(x)
        if self.l1_weight:
            x = F.l1_penalty(x, self.l1_weight, form=self.l1_form)
        reconstruction: Tensor = self.decoder(x)
        return reconstruction


def classifier(net: nn.Module) -> nn.Sequential:
    """Return the encoder of `net` without the decoder, and a new layer on top that tells the ten digits apart."""
    new_classifier = nn.Sequential(*list(net.children())[:-1])
    new_classifier.add_module("classifier", nn.Sequential(nn.Linear(400, 10), nn.LogSoftmax(dim=1)))
    return new_classifier
