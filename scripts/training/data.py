"""Recorded pairs, as scripts/training/record.ts writes them: NAME.bin with 14 planes of 256×256 bytes a face, and NAME.json beside it."""

import os

import numpy as np
import torch

from cameras import BLOCKS, FADED, GRAIN, SOFT, exposures, faded, softened
from noise import Noise
from shards import Faces

SIDE = 256
TOP, LEFT, HEIGHT, WIDTH = 16, 32, 224, 192
"""The part of the crop that the network works on: beyond it lies no face (99 of 100, to 50 degrees of yaw)."""
PLANES = 14
"""Given (9), truth R, G, B, alpha wanted, and where people look: brows, eyes and mouth."""


def window(crops):
    """Of crops … × SIDE × SIDE what the network works on, … × HEIGHT × WIDTH."""
    return crops[..., TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]


class Recorded(Faces):
    def __init__(self, folders, seed=1):
        """folders: of one double or several."""
        super().__init__(folders, "scripts/training/record.ts", (PLANES, SIDE, SIDE), seed, measured=192, shown=10)
        self.shards = [window(whole) for whole in self.shards]
        self.about["doubles"] = len({os.path.basename(folder) for folder in folders})
        self.noise = Noise(self.random, seed, SIDE)

    def batch(self, indices):
        """given 9, truth 3, alpha wanted 1, where people look 1: float32, 0 to 1."""
        faces = np.stack([self.shards[self.index[i][0]][self.index[i][1]] for i in indices])
        planes = torch.from_numpy(faces).float() / 255
        return planes[:, 0:9], planes[:, 9:12], planes[:, 12:13], planes[:, 13:14]

    def varied(self, count):
        """
        As `batch`, of faces to train on, seen by other cameras: mirrored or not; exposure, white balance and contrast on all alike; noise
        on what the camera saw. Tables and fields made beforehand do it, on bytes.
        """
        given = np.empty((count, 9, HEIGHT, WIDTH), np.float32)
        truth = np.empty((count, 3, HEIGHT, WIDTH), np.float32)
        rest = np.empty((count, 2, HEIGHT, WIDTH), np.float32)
        for k, i in enumerate(self.order.next(count)):
            shard, place, _ = self.index[i]
            face = self.shards[shard][place]
            if self.random.random() < 0.5:
                face = face[:, :, ::-1]
            for c, table in enumerate(exposures(self.random)):
                for target, at, plane in ((given, c, c), (given, 3 + c, 3 + c), (truth, c, 9 + c)):
                    target[k, at] = table.take(face[plane])
            np.multiply(face[6:9], 1 / 255, out=given[k, 6:9], casting="unsafe")
            np.multiply(face[12:14], 1 / 255, out=rest[k], casting="unsafe")
            if self.random.random() < FADED:
                faded([(given[k, 0:3], given[k, 6], given[k, 3:6], truth[k], rest[k, 0])], self.random.uniform(0.25, 1))
            if self.random.random() < SOFT:
                smaller = self.random.uniform(1.5, 4)
                given[k, 0:6] = softened(given[k, 0:6], smaller)
                truth[k] = softened(truth[k], smaller)
            noise = self.noise.take(HEIGHT, WIDTH, GRAIN, BLOCKS)
            given[k, 3:6] += noise
            # Through its openings the base shows what the camera saw.
            noise *= 1 - given[k, 6:7]
            given[k, 0:3] += noise
        np.clip(given[:, 0:6], 0, 1, out=given[:, 0:6])
        return [torch.from_numpy(part) for part in (given, truth, rest[:, 0:1], rest[:, 1:2])]
