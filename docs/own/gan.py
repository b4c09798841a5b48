"""A generative adversarial network: two descents in one step (Goodfellow et al., 2014, arXiv:1406.2661, section 3).

Chance is drawn once per step and is part of the batch: it is split with the batch where gradients are accumulated, and
stays the same where a loss is evaluated again.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

import neurarium as nr
from neurarium.data.sources import Stream


class GAN(nr.Method):
    deployed_role = "generator"

    def __init__(self, generator, critic, noise, **descent):
        super().__init__()
        self.generator, self.critic, self.noise = generator, critic, noise
        self.generating = nr.Descent(generator, **descent)
        self.judging = nr.Descent(critic, **descent)

    def step(self, batch):
        real = batch["inputs"]
        critic = self.judging(self.critic_loss, {"real": real, **self.chance(real)})
        generator = self.generating(self.generator_loss, self.chance(real))
        return {"critic": critic["loss"], "generator": generator["loss"]}

    def chance(self, real):
        return {"noise": self.noise(real)}

    def critic_loss(self, batch):
        with torch.no_grad():
            fake = self.generator(batch["noise"])
        losses = softplus(-self.critic(batch["real"])) + softplus(self.critic(fake))
        return losses.sum(), len(losses)

    def generator_loss(self, batch):
        losses = softplus(-self.critic(self.generator(batch["noise"])))
        return losses.sum(), len(losses)


# -- an example -----------------------------------------------------------------------------------------------


def example(steps=1000):
    """Learn a normal distribution of mean 3 and deviation 1 from samples; return the generator."""
    generator, critic = (nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)) for _ in range(2))
    settled = {
        "schedule": "cosine",
        "average": 0.99,
    }  # two that chase each other circle: rates that fall, and means
    adam = {"optimizer": "adam", "learning_rate": 1e-2, "optimizer_options": {"betas": (0.5, 0.9)}}
    real = Stream(lambda chance: {"inputs": 3 + torch.randn(128, 1, generator=chance)}, steps)
    nr.fit(GAN(generator, critic, torch.randn_like, **adam, **settled), real, epochs=1, progress=False)
    return generator


if __name__ == "__main__":
    made = example()(torch.randn(10_000, 1))
    print(f"mean {made.mean():.2f} (true 3), deviation {made.std():.2f} (true 1)")
