"""A Wasserstein GAN with gradient penalty: the critic's loss holds a gradient, and is differentiated a second time.

L = E[D(fake)] - E[D(real)] + penalty * E[(|dD(mix)/dmix| - 1)^2] (Gulrajani et al., 2017, arXiv:1704.00028, eq. 3).
"""

import torch
from gan import GAN
from torch import nn

from neurarium.core.batches import map_tensors, size, tensors


class WGANGP(GAN):
    second_order = True  # attention then takes a kernel that can be differentiated twice; sharding is refused

    def __init__(self, generator, critic, noise, penalty=10.0, critic_steps=5, **descent):
        super().__init__(generator, critic, noise, **descent)
        self.penalty, self.critic_steps = penalty, critic_steps

    def step(self, batch):
        for _ in range(self.critic_steps - 1):  # a critic near its best has gradients worth following
            self.judging(self.critic_loss, {"real": batch["inputs"], **self.chance(batch["inputs"])})
        return super().step(batch)

    def chance(self, real):
        return {"noise": self.noise(real), "share": torch.rand(size(real))}

    def critic_loss(self, batch):
        with torch.no_grad():
            fake = self.generator(batch["noise"])
        scores = self.critic(fake) - self.critic(batch["real"])
        penalties = (self.slopes(mixed(batch["real"], fake, batch["share"])) - 1).square()
        return scores.sum() + self.penalty * penalties.sum(), len(scores)

    def slopes(self, inputs):
        """Return the length of the critic's gradient at each example, `(batch,)`."""
        inputs = map_tensors(lambda each: each.requires_grad_() if each.is_floating_point() else each, inputs)
        places = [each for _, each in tensors(inputs) if each.requires_grad]
        gradients = torch.autograd.grad(self.critic(inputs).sum(), places, create_graph=True)
        return torch.cat([each.flatten(1) for each in gradients], dim=1).norm(dim=1)

    def generator_loss(self, batch):
        scores = self.critic(self.generator(batch["noise"]))
        return -scores.sum(), len(scores)


def mixed(real, fake, share):
    """Return examples on the lines between real and made ones; lengths and masks stay."""
    if isinstance(real, dict):
        return {name: mixed(real[name], fake[name], share) for name in real}
    shares = share.to(real.dtype).view(-1, *[1] * (real.ndim - 1))
    return real.lerp(fake, shares) if real.is_floating_point() else real


# -- an example -----------------------------------------------------------------------------------------------


def example(steps=150):
    """Let a critic tell two normal distributions apart, of means 0 and 3; return the distance that it measures."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    method = WGANGP(nn.Identity(), critic, torch.randn_like, optimizer="adam", learning_rate=3e-2)
    method.judging.begin()
    for _ in range(steps):
        real = 3 + torch.randn(128, 1)
        metrics = method.judging(method.critic_loss, {"real": real, **method.chance(real)})
    return -metrics["loss"].item()


if __name__ == "__main__":
    print(f"distance {example():.2f} (Wasserstein's is 3)")
