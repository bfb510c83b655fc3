"""Wasserstein GANs: the critic's weights clipped under RMSprop, then a gradient penalty, whose loss has a gradient in its own gradient."""

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn
from torch.autograd import Variable

rng = np.random.default_rng(4)
Tensor = torch.cuda.DoubleTensor if torch.cuda.is_available() else torch.DoubleTensor


def net(*sizes, norm=True):
    layers = []
    for i, o in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(i, o), *([nn.LayerNorm(o)] if norm else []), nn.SiLU()]
    made = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1])).double()
    for p in made.parameters():
        if p.dim() > 1:
            p.data.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape))))
        elif p.dim() == 1:
            nn.init.uniform_(p, 1, 1.0000000001)
    return made


def noise(*shape):
    return Variable(Tensor(rng.normal(0, 1, shape)))


def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = Tensor(rng.random((real_samples.size(0), 1)))
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = Variable(Tensor(real_samples.shape[0], 1).fill_(1.0), requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates, inputs=interpolates, grad_outputs=fake, create_graph=True, retain_graph=True, only_inputs=True
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


generator, critic = net(3, 8, 2), net(2, 8, 8, 1)
optimizer_G, optimizer_D = torch.optim.RMSprop(generator.parameters(), lr=5e-3), torch.optim.RMSprop(critic.parameters(), lr=5e-3)
for step in range(6):
    real = Variable(Tensor(rng.normal(1, 0.3, (10, 2))))
    optimizer_D.zero_grad()
    fake = generator(noise(10, 3)).detach()
    loss_D = -torch.mean(critic(real)) + torch.mean(critic(fake))
    loss_D.backward()
    optimizer_D.step()
    for p in critic.parameters():
        p.data.clamp_(-0.5, 0.5)
    optimizer_G.zero_grad()
    loss_G = -torch.mean(critic(generator(noise(10, 3))))
    loss_G.backward()
    optimizer_G.step()
    print(f"{step} D {loss_D.item():.12f} G {loss_G.item():.12f}")

critic = net(2, 8, 8, 1, norm=False)
optimizer_D = torch.optim.Adam(critic.parameters(), lr=5e-3, betas=(0.0, 0.9))
for step in range(10):
    real = Variable(Tensor(rng.normal(1, 0.3, (10, 2))))
    optimizer_D.zero_grad()
    fake = generator(noise(10, 3))
    penalty = compute_gradient_penalty(critic, real.data, fake.data)
    loss_D = -critic(real).mean() + critic(fake).mean() + 10 * penalty
    loss_D.backward()
    total = nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
    optimizer_D.step()
    if step % 3 == 0:
        optimizer_G.zero_grad()
        loss_G = -torch.mean(critic(generator(noise(10, 3))))
        loss_G.backward()
        optimizer_G.step()
        print(f"{step} D {loss_D.item():.12f} penalty {penalty.item():.12f} norm {float(total):.12f} G {loss_G.item():.12f}")

one, mone = torch.tensor(1, dtype=torch.float64), torch.tensor(1, dtype=torch.float64) * -1
critic.zero_grad()
critic(real).mean().backward(mone)
critic(generator(noise(4, 3)).detach()).mean().backward(one)
print([f"{p.grad.norm().item():.10f}" for p in critic.parameters()])
