"""People in their skins at several ages, as scripts/age/record.ts writes them: person-NNNN.bin with 12 planes of 256×256 bytes a moment, and a JSON beside it."""

import numpy as np
import torch

from batches import Order
from cameras import exposures
from data import HEIGHT, SIDE, WIDTH, window
from noise import Noise
from shards import recordings, samples, spread

AGES = 3
PLANES = 3 * AGES + 3
"""R, G, B at each age; u, v and where skin may be changed (scripts/age/reage-graph.ts)."""
YEARS = 40
"""Between the youngest renders (0) and the oldest (1), nominal: the dial's 30 years are three quarters of the way."""
DIAL_YEARS = 30
ENDS = (0.25, 0.7)
"""Skins younger or older than this are at an end: there are none beyond, so a dial turned further wants the same."""
SAME = 0.15
"""Share of samples that show the age that is wanted."""
GRAIN, BLOCKS = 0.025, 0.012
"""Most noise of a camera and of a codec, shares of the whole range."""


class Pairs:
    def __init__(self, folder, seed=1, without=None):
        """without: skins that are left out of training, "ancestry-sex"; then these people are the held-out ones."""
        self.shards, self.ages, self.index = [], [], []
        people = []
        for path, about in recordings([folder], "scripts/age/record.ts"):
            ancestry = max(about["ancestry"], key=about["ancestry"].get)
            people.append(f"{ancestry}-{about['sex']}")
            shard = window(samples(path, (PLANES, SIDE, SIDE)))
            self.index += [(len(self.shards), i) for i in range(len(shard))]
            self.shards.append(shard)
            self.ages.append(about["ages"])
        # Whole people are held out, every twelfth.
        apart = {k for k, skin in enumerate(people) if (skin == without if without else k % 12 == 11)} or {len(people) - 1}
        held = [i for i, (shard, _) in enumerate(self.index) if shard in apart]
        self.held_out = spread(held, 96)
        self.training = [i for i, (shard, _) in enumerate(self.index) if shard not in apart]
        self.shown = spread(self.held_out, 8)
        self.about = {"moments": len(self.index), "people": len(self.shards), "ages": AGES}
        self.random = np.random.default_rng(seed)
        self.order = Order(self.training, self.random)
        self.noise = Noise(self.random, seed, SIDE)

    def dial(self, shard, seen, wanted):
        """What the dial must say to get from one age to another, −1 to 1."""
        ages = self.ages[shard]
        dial = (ages[wanted] - ages[seen]) * YEARS / DIAL_YEARS
        # Nobody knows the age that is seen: who is young already stays so, however far the dial is turned.
        if ages[wanted] < ENDS[0] and dial <= 0:
            dial -= max(0, 1 + dial) * self.random.random() * (self.random.random() < 0.5 or seen == wanted)
        elif ages[wanted] > ENDS[1] and dial >= 0:
            dial += max(0, 1 - dial) * self.random.random() * (self.random.random() < 0.5 or seen == wanted)
        return float(np.clip(dial, -1, 1))

    def pair(self, shard):
        """Two of the ages; seldom an end twice, where a dial that is turned further has nothing to do."""
        if self.random.random() < SAME:
            seen = wanted = (AGES - 1) * int(self.random.integers(2))
        else:
            seen, wanted = (int(age) for age in self.random.choice(AGES, 2, replace=False))
        return seen, wanted, self.dial(shard, seen, wanted)

    def fixed(self, indices, seen, wanted, dial):
        """given 8, change wanted 3, where 1: float32. Held-out moments at one setting."""
        planes = np.stack([self.shards[self.index[i][0]][self.index[i][1]] for i in indices]).astype(np.float32) / 255
        dials = np.zeros((len(indices), 2, HEIGHT, WIDTH), np.float32)
        dials[:, 0 if dial < 0 else 1] = abs(dial)
        given = np.concatenate([planes[:, 3 * seen : 3 * seen + 3], planes[:, 3 * AGES :], dials], 1)
        change = planes[:, 3 * wanted : 3 * wanted + 3] - planes[:, 3 * seen : 3 * seen + 3]
        return [torch.from_numpy(part) for part in (given, change, planes[:, 3 * AGES + 2 :])]

    def varied(self, count):
        """
        Moments to train on, seen by other cameras: mirrored or not; exposure, white balance and contrast on both ages alike; noise on the
        one that is seen; the mesh a little beside the face, as landmarks are. Half of the moments are shown turned and resized.
        """
        given = np.zeros((count, 8, HEIGHT, WIDTH), np.float32)
        change = np.empty((count, 3, HEIGHT, WIDTH), np.float32)
        for k, i in enumerate(self.order.next(count)):
            shard, place = self.index[i]
            moment = self.shards[shard][place]
            seen, wanted, dial = self.pair(shard)
            mirrored = self.random.random() < 0.5
            if mirrored:
                moment = moment[:, :, ::-1]
            for c, table in enumerate(exposures(self.random, light=(0.7, 1.3), balance=(0.9, 1.1))):
                before = table.take(moment[3 * seen + c])
                np.subtract(table.take(moment[3 * wanted + c]), before, out=change[k, c])
                given[k, c] = before
            shifted = np.roll(moment[3 * AGES : 3 * AGES + 2], self.random.integers(-1, 2, 2), (1, 2))
            np.multiply(shifted, 1 / 255, out=given[k, 3:5], casting="unsafe")
            np.multiply(moment[3 * AGES + 2], 1 / 255, out=given[k, 5], casting="unsafe")
            if mirrored:
                # The texture is its own mirror image; beyond skin u stays 0.
                given[k, 3] = np.where(given[k, 4] > 0, 1 - given[k, 3], 0)
            given[k, 0:3] += self.noise.take(HEIGHT, WIDTH, GRAIN, BLOCKS)
            given[k, 6 if dial < 0 else 7] = abs(dial)
        np.clip(given[:, 0:3], 0, 1, out=given[:, 0:3])
        given, change = torch.from_numpy(given), torch.from_numpy(change)
        if self.random.random() < 0.5:
            given, change = self.turned(given, change)
        return [given, change, given[:, 5:6].clone()]

    def turned(self, given, change):
        """Other sizes, angles and places in the crop than the recorder's: one for a batch, which is quicker."""
        angle, size = self.random.uniform(-0.12, 0.12), self.random.uniform(0.88, 1.12)
        x, y = self.random.uniform(-0.06, 0.06, 2)
        cos, sin = np.cos(angle) * size, np.sin(angle) * size
        # The grid's units are half sides, which differ.
        matrix = torch.tensor([[[cos, -sin * HEIGHT / WIDTH, x], [sin * WIDTH / HEIGHT, cos, y]]], dtype=torch.float32)
        grid = torch.nn.functional.affine_grid(matrix, (1, 1, HEIGHT, WIDTH), align_corners=False).expand(len(given), -1, -1, -1)
        both = torch.cat([given[:, 0:6], change], 1)
        moved = torch.nn.functional.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return torch.cat([moved[:, 0:6], given[:, 6:8]], 1), moved[:, 6:9]
