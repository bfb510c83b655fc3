"""A GAN of fully connected networks learns points on a curve: two optimizers, detached fakes, BCELoss on labels of 0 and 1."""

import itertools

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(3)
torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=10)


class Generator(nn.Module):
    def __init__(self, latent_dim=4, out_dim=2):
        super(Generator, self).__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(*block(latent_dim, 8, normalize=False), *block(8, 16), nn.Linear(16, out_dim), nn.Tanh())

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self, in_dim=2):
        super(Discriminator, self).__init__()
        self.model = nn.Sequential(nn.Linear(in_dim, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 8), nn.ELU(), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, x):
        return self.model(x)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        m.weight.data.copy_(torch.from_numpy(rng.normal(0, 0.4, tuple(m.weight.shape))))
        nn.init.constant_(m.bias, 0)
    elif classname.find("BatchNorm") != -1:
        nn.init.ones_(m.weight.data)
        m.bias.data.fill_(0)


generator, discriminator = Generator(), Discriminator()
generator.apply(weights_init)
discriminator.apply(weights_init)
print(generator, discriminator)
print(sum(p.numel() for p in itertools.chain(generator.parameters(), discriminator.parameters()) if p.requires_grad))
adversarial_loss = nn.BCELoss()
optimizer_G = optim.Adam(generator.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizer_D = optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.5, 0.999))

for step in range(25):
    t = rng.uniform(-1, 1, 32)
    real = torch.tensor(np.stack([t, 0.5 * t**2], axis=1))
    valid, fake = torch.ones(real.size(0), 1), torch.zeros(real.size(0), 1)

    optimizer_G.zero_grad()
    z = torch.as_tensor(rng.normal(0, 1, (real.shape[0], 4)))
    gen = generator(z)
    g_loss = adversarial_loss(discriminator(gen), valid)
    g_loss.backward()
    optimizer_G.step()

    optimizer_D.zero_grad()
    real_loss = adversarial_loss(discriminator(real), valid)
    fake_loss = adversarial_loss(discriminator(gen.detach()), fake)
    d_loss = (real_loss + fake_loss) / 2
    d_loss.backward()
    optimizer_D.step()
    if step % 4 == 0:
        print("[Step %d] [D loss: %.10f] [G loss: %.10f]" % (step, d_loss.item(), g_loss.item()))

generator.eval()
with torch.no_grad():
    points = generator(torch.linspace(-1, 1, 12).view(3, 4))
print(points)
for name, buffer in generator.named_buffers():
    print(name, buffer)
print(list(generator.state_dict().keys()))
logits = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
print(logits(discriminator.model[:-1](points), torch.ones(3, 1)).item())
