"""Recorded pairs as if many more people had been worn: warped and tinted, so that a network must look at the drawing and cannot know its faces by heart."""

import numpy as np
import torch

from data import HEIGHT, WIDTH, Recorded
from warp import warp

KNOTS = 6
MOVED = 4.5
"""Crop pixels, standard deviation at a knot."""
WARPED = 0.7
"""Share of faces that are bent."""
TINTED = 0.1
"""Standard deviation of each number of the matrix, whose rows sum to 1: grey stays grey."""


class Strangers(Recorded):
    def varied(self, count):
        given, truth, wanted, weight = super().varied(count)
        whole = torch.cat([given, truth, wanted, weight], 1)
        take = torch.from_numpy(self.random.random(count) < WARPED)
        if take.any():
            whole[take] = warped(whole[take], self.random)
        given, truth = whole[:, 0:9].contiguous(), whole[:, 9:12].contiguous()
        tint(given, truth, self.random)
        return given, truth, whole[:, 12:13].contiguous(), whole[:, 13:14].contiguous()


def warped(whole, random):
    count = len(whole)
    moves = torch.from_numpy(random.normal(0, MOVED, (count, 2, KNOTS, KNOTS)).astype(np.float32))
    moves[:, :, 0], moves[:, :, -1], moves[:, :, :, 0], moves[:, :, :, -1] = 0, 0, 0, 0
    field = torch.nn.functional.interpolate(moves, size=(HEIGHT, WIDTH), mode="bicubic", align_corners=True)
    return warp(whole, field)


def tint(given, truth, random):
    """Other colours of lips, brows and skin: one matrix near the identity on drawing, crop and truth alike."""
    for k in range(len(given)):
        matrix = torch.from_numpy((np.eye(3) + random.normal(0, TINTED, (3, 3))).astype(np.float32))
        matrix /= matrix.sum(1, keepdim=True)
        for planes in (given[k, 0:3], given[k, 3:6], truth[k]):
            planes.copy_(torch.einsum("ij,jhw->ihw", matrix, planes).clamp_(0, 1))
