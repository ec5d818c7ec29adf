"""A camera's noise, made once: a normal number for every sample of every picture takes longer than a network's step."""

import numpy as np
import torch

FIELDS = 24


class Noise:
    """Fields of fine grain and of coarse blocks (a codec's blocks are no grain), cut anew for every picture."""

    def __init__(self, random, seed, side):
        """random: numpy's generator that says which part of which field comes next. side: at least the pictures' height and width."""
        self.random, self.side = random, side
        normal = np.random.default_rng(seed)
        self.grain = normal.standard_normal((FIELDS, 3, 2 * side, 2 * side), np.float32)
        small = torch.from_numpy(normal.standard_normal((FIELDS, 3, side // 4, side // 4), np.float32))
        self.blocks = torch.nn.functional.interpolate(small, scale_factor=4, mode="bilinear").numpy()

    def take(self, height, width, grain, blocks):
        """3 × height × width: at most so much of each, standard deviations in what the picture counts in."""
        y, x = self.random.integers(0, self.side, 2)
        which, other = self.random.integers(0, FIELDS, 2)
        fine = self.grain[which, :, y : y + height, x : x + width] * float(self.random.uniform(0, grain))
        return fine + self.blocks[other, :, :height, :width] * float(self.random.uniform(0, blocks))
