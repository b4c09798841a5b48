"""A Wasserstein GAN with gradient penalty: the critic's loss holds a gradient, and is differentiated a second time.

L = E[D(fake)] - E[D(real)] + penalty * E[(|dD(mix)/dmix| - 1)^2] (Gulrajani et al., 2017, arXiv:1704.00028, eq. 3).
"""

import torch
from gan import GAN

from neurarium.core.batches import map_tensors, size, tensors


class WGANGP(GAN):
    second_order = True  # attention then takes a kernel that can be differentiated twice; sharding is refused

    def __init__(self, generator, critic, noise, penalty=10.0, **descent):
        super().__init__(generator, critic, noise, **descent)
        self.penalty = penalty

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
