"""Distillation: a student learns a teacher's softened answers (Hinton et al., 2015, arXiv:1503.02531, section 2).

L = T^2 KL(softmax(teacher / T) || softmax(student / T)); the factor T^2 keeps the size of the gradient.
"""

from torch import log_softmax

import neurarium as nr


class Distillation(nr.Method):
    deployed_role = "student"

    def __init__(self, student, teacher, temperature=2.0, **descent):
        super().__init__()
        self.student, self.teacher, self.temperature = student, nr.Frozen(teacher), temperature
        self.descent = nr.Descent(student, **descent)

    def step(self, batch):
        return self.descent(self.loss, batch)

    def loss(self, batch):
        wanted = log_softmax(self.teacher(batch["inputs"]) / self.temperature, dim=1)
        given = log_softmax(self.student(batch["inputs"]) / self.temperature, dim=1)
        losses = self.temperature**2 * (wanted.exp() * (wanted - given)).sum(1)
        return losses.sum(), len(losses)


# -- an example -----------------------------------------------------------------------------------------------


def example(epochs=10):
    """Teach a network of 16 units what one of 256 says of digits; return their accuracies and how often they agree."""
    digits = nr.data.load("digits")
    teacher, student = (
        nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(w,)) for w in (256, 16)
    )
    nr.fit(nr.methods.Supervised(teacher), digits, epochs=epochs, progress=False)
    nr.fit(Distillation(student, teacher, learning_rate=5e-3), digits, epochs=epochs, progress=False)
    said = [network(digits.test.inputs).argmax(1) for network in (teacher, student)]
    pairs = ((said[0], digits.test.targets), (said[1], digits.test.targets), said)
    return [(one == other).float().mean().item() for one, other in pairs]


if __name__ == "__main__":
    teacher, student, agreement = example()
    print(f"teacher {teacher:.3f}, student {student:.3f}, they agree on {agreement:.3f}")
