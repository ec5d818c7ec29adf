"""Recorded pairs, as scripts/training/record.ts writes them: NAME.bin with 14 planes of 256×256 bytes a face, and NAME.json beside it."""

import glob
import json
import os

import numpy as np
import torch

SIDE = 256
PLANES = 14
"""Given (9), truth R, G, B, alpha wanted, eyes and mouth."""


class Recorded:
    def __init__(self, folder, seed=1):
        self.shards, self.index, drivers = [], [], []
        for path in sorted(glob.glob(f"{folder}/*.bin")):
            with open(path[:-4] + ".json") as file:
                about = json.load(file)
            count = os.path.getsize(path) // (PLANES * SIDE * SIDE)
            self.shards.append(np.memmap(path, np.uint8, "r", shape=(count, PLANES, SIDE, SIDE)))
            self.index += [(len(self.shards) - 1, i, about["faces"][i]["driver"]) for i in range(count)]
        if not self.index:
            raise SystemExit(f"There are no recorded faces in {folder}: run scripts/training/record.ts first.")
        drivers = sorted({driver for _, _, driver in self.index})
        # Whole people are held out: a face that was seen from another side is no stranger.
        last = set(drivers[-max(1, len(drivers) // 12) :])
        self.held_out = [i for i, (_, _, driver) in enumerate(self.index) if driver in last][:192]
        self.training = [i for i, (_, _, driver) in enumerate(self.index) if driver not in last]
        self.shown = self.held_out[:: max(1, len(self.held_out) // 8)][:8]
        self.about = {"faces": len(self.index), "drivers": len(drivers)}
        self.random = np.random.default_rng(seed)
        self.order = []

    def next(self, count):
        """Indices of a batch; every face once before any comes again."""
        if len(self.order) < count:
            self.order += list(self.random.permutation(self.training))
        taken, self.order = self.order[:count], self.order[count:]
        return taken

    def batch(self, indices, device, flip=False):
        """given 9, truth 3, alpha wanted 1, eyes and mouth 1: float32, 0 to 1."""
        faces = np.stack([self.shards[self.index[i][0]][self.index[i][1]] for i in indices])
        if flip:
            for i in np.flatnonzero(self.random.random(len(faces)) < 0.5):
                faces[i] = faces[i, :, :, ::-1]
        planes = torch.from_numpy(faces).to(device).float() / 255
        return planes[:, 0:9], planes[:, 9:12], planes[:, 12:13], planes[:, 13:14]


def degrade(given, truth):
    """Other cameras: exposure, white balance and contrast on all alike, noise on what the camera saw."""
    count, device = len(given), given.device
    uniform = lambda low, high, *shape: low + (high - low) * torch.rand(count, *shape, 1, 1, device=device)
    gain = uniform(0.75, 1.25, 1) * uniform(0.92, 1.08, 3)
    gamma = uniform(0.8, 1.25, 1)
    graded = lambda x: (x.clamp(min=1e-4) ** gamma * gain).clamp(0, 1)
    base, crop, rest = given[:, 0:3], given[:, 3:6], given[:, 6:9]
    opening = (1 - rest[:, 0:1]).clamp(0, 1)
    noise = torch.randn_like(crop) * uniform(0, 0.03, 1)
    # Coarse noise too: a codec's blocks are no grain.
    small = torch.randn(count, 3, SIDE // 4, SIDE // 4, device=device) * uniform(0, 0.02, 1)
    noise = noise + torch.nn.functional.interpolate(small, scale_factor=4, mode="bilinear")
    seen = (graded(crop) + noise).clamp(0, 1)
    # Through its openings the base shows what the camera saw.
    through = (graded(base) + noise * opening).clamp(0, 1)
    return torch.cat([through, seen, rest], 1), graded(truth)
