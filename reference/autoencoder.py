"""Lecture 12: an autoencoder for MNIST, and the classifier that starts from its encoder's weights.

The same program with minigrad is minigrad/experiments/autoencoder.py.
"""

from torch import Tensor

from reference import nn, training
from reference.nn import functional as F

__all__ = ["autoencoder", "classifier", "training"]


class autoencoder(nn.Module):
    """Layers 784-100 with ReLU, an L1 penalty on the code (none if its weight is 0), and 100-784 with ReLU."""

    def __init__(self, l1_weight: float = 0.0, l1_form: str = "sign") -> None:
        super().__init__()
        self.l1_weight, self.l1_form = l1_weight, l1_form
        self.encoder = nn.Sequential(nn.Linear(28 * 28, 100), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(100, 28 * 28), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of `x`, a batch of shape (n, 784)."""
        x = self.encoder(x)
        if self.l1_weight:
            x = F.l1_penalty(x, self.l1_weight, form=self.l1_form)
        reconstruction: Tensor = self.decoder(x)
        return reconstruction


def classifier(net: nn.Module) -> nn.Sequential:
    """Return a new encoder with the weights of that of `net`, and a layer on top that tells the ten digits apart."""
    encoder = nn.Sequential(nn.Linear(28 * 28, 100), nn.ReLU())
    encoder.load_state_dict(net.encoder.state_dict())
    new_classifier = nn.Sequential(encoder)
    new_classifier.add_module("classifier", nn.Sequential(nn.Linear(100, 10), nn.LogSoftmax(dim=1)))
    return new_classifier
