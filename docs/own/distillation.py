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
