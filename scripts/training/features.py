"""The network that paints a learned double's eyes and mouth, and recorded pairs to train it on (scripts/training/record-features.ts)."""

import os

import numpy as np
import torch
from torch import nn

from cameras import BLOCKS, FADED, GRAIN, SOFT, exposures, faded, softened
from network import shallow
from noise import Noise
from shards import Faces
from warp import warp

RECORDER = "scripts/training/record-features.ts"
EYE, MOUTH = (48, 64), (64, 80)
"""Height and width of the parts, crop pixels (server/double/features.ts)."""
PARTS = (EYE, EYE, MOUTH)
AREA = sum(height * width for height, width in PARTS)
CHANNELS = 12
"""The drawn double R, G, B, its mesh's alpha, the performer R, G, B; truth R, G, B, alpha wanted; how much is a painted iris."""
IRIS = 11
GIVEN = 7
CHANGE = 8
"""On a grid of two pixels: from where a pixel of the double is taken, and one of the performer, x and y, pixels; the performer's share; what is added to R, G, B."""
ALL_KEPT, NONE_KEPT = 0.1, 0.3
"""Shares of the performer up to which a painted iris is neither tinted nor mixed, and from which it is like any pixel."""
KNOTS, WARPED, TINTED = (4, 5), 1.5, 0.06
"""Of a warp: its knots and how far they move, pixels; of a matrix of colours: standard deviation of each number."""
FADE = 6
"""Pixels over which what is painted fades to nothing at a part's edge."""


def tower(part):
    """What changes one kind of part (composed). Names begin with it: eyes, mouth."""
    made = shallow("Given", GIVEN, "Change", CHANGE)
    return [{key: f"{part}{value}" if key in ("from", "and", "to") else value for key, value in step.items()} for step in made]


def composed(part, change, edge):
    """
    What stands in a part then, as the server computes it (server/frame/kernels/compose.ts): taken from the double and the performer, and tinted.
    Nothing is drawn, so that what is sharp stays sharp. Where a performer's eye is open the server keeps more of a painted iris than is reckoned with here
    (server/double/features.ts): recordings do not say where lids lie.
    """
    fine = nn.functional.interpolate(change, scale_factor=2, mode="bilinear", align_corners=False)
    drawn, performer = warp(torch.cat([part[:, 0:3], part[:, IRIS:]], 1), fine[:, 0:2]), warp(part[:, 4:7], fine[:, 2:4])
    double, iris = drawn[:, 0:3], drawn[:, 3:4]
    raw = fine[:, 4:5]
    share = raw.clamp(0, 1)
    # Where there is none it may still learn that there should be.
    share = torch.where(share == raw, raw, share + 0.1 * (raw - raw.detach()))
    free = 1 - iris * ((NONE_KEPT - share) / (NONE_KEPT - ALL_KEPT)).clamp(0, 1)
    made = double + ((performer - double) * share + fine[:, 5:8]) * free
    return part[:, 0:3] + (made - part[:, 0:3]) * edge


def faded_edge(height, width):
    """1 inside, falling to 0 at the edge."""
    side = lambda n: np.clip((np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / FADE, 0, 1)
    return torch.from_numpy((side(height)[:, None] * side(width)[None]).astype(np.float32))


def parts_of(sample):
    """A view of three parts, each CHANNELS × height × width of bytes."""
    ends = np.cumsum([CHANNELS * height * width for height, width in PARTS])
    return [flat.reshape(CHANNELS, *size) for flat, size in zip(np.split(sample, ends[:-1]), PARTS)]


class Features(Faces):
    """Recorded parts."""

    def __init__(self, folders, seed=1, others=True):
        """others: bent and tinted, as other doubles' faces would be."""
        super().__init__(folders, RECORDER, (CHANNELS * AREA,), seed, measured=384, shown=12)
        self.others = others
        self.about["doubles"] = len({os.path.basename(folder) for folder in folders})
        self.noise = Noise(self.random, seed, 128)

    def face(self, i):
        shard, place, _ = self.index[i]
        return parts_of(self.shards[shard][place])

    def batch(self, indices):
        """Eyes 2n × CHANNELS × …, mouths n × CHANNELS × …: float32, 0 to 1."""
        faces = [self.face(i) for i in indices]
        eyes = np.stack([part for face in faces for part in face[:2]]).astype(np.float32) / 255
        mouths = np.stack([face[2] for face in faces]).astype(np.float32) / 255
        return torch.from_numpy(eyes), torch.from_numpy(mouths)

    def varied(self, count):
        """As `batch`, of faces to train on, seen by other cameras."""
        eyes = np.empty((count, 2, CHANNELS, *EYE), np.float32)
        mouths = np.empty((count, CHANNELS, *MOUTH), np.float32)
        for k, i in enumerate(self.order.next(count)):
            parts = self.face(i)
            if self.random.random() < 0.5:
                left, right, mouth = (part[:, :, ::-1] for part in parts)
                parts = [right, left, mouth]
            tables = exposures(self.random)
            fade = self.random.uniform(0.25, 1) if self.random.random() < FADED else 1
            smaller = self.random.uniform(1.5, 4) if self.random.random() < SOFT else 1
            made = [eyes[k, 0], eyes[k, 1], mouths[k]]
            for out, part in zip(made, parts):
                for c in range(3):
                    for plane in (c, 4 + c, 7 + c):
                        out[plane] = tables[c].take(part[plane])
                for plane in (3, 10, IRIS):
                    out[plane] = part[plane] / 255.0
            if fade < 1:
                faded([(out[0:3], out[3], out[4:7], out[7:10], out[10]) for out in made], fade)
            if smaller > 1:
                for out in made:
                    out[0:3], out[4:10] = softened(out[0:3], smaller), softened(out[4:10], smaller)
        eyes = eyes.reshape(2 * count, CHANNELS, *EYE)
        if self.others:
            eyes, mouths = bent(eyes, self.random), bent(mouths, self.random)
        for out in (*eyes, *mouths):
            noise = self.noise.take(*out.shape[1:], GRAIN, BLOCKS)
            out[4:7] += noise
            # Through its openings the drawing shows what the camera saw.
            out[0:3] += noise * (1 - out[3])
        return [torch.from_numpy(part).clamp_(0, 1) for part in (eyes, mouths)]


def bent(parts, random):
    """
    As other heads would be: a little larger or smaller, turned, aside, warped, and of other colours; the performer a little aside from the
    double and darker or lighter, as landmarks are misread and complexions differ.
    """
    count, _, height, width = parts.shape
    turn, scale = random.normal(0, 0.05, count), np.exp(random.normal(0, 0.05, (2, count)))
    size = 2 / np.array([width, height])[:, None]
    shift, aside = random.normal(0, 2, (2, count)) * size, random.normal(0, 0.7, (2, count)) * size
    cos, sin = np.cos(turn), np.sin(turn)
    place = lambda at: np.stack([np.stack([cos * scale[0], -sin * scale[1], at[0]], 1), np.stack([sin * scale[0], cos * scale[1], at[1]], 1)], 1)
    knots = random.normal(0, WARPED, (count, 2, *KNOTS)) * size.T[:, :, None, None]
    warp = nn.functional.interpolate(torch.from_numpy(knots.astype(np.float32)), size=(height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    matrix = np.eye(3) + random.normal(0, TINTED, (count, 3, 3))
    # Grey stays grey.
    matrix = (matrix / matrix.sum(2, keepdims=True)).astype(np.float32)
    gamma = np.exp(random.normal(0, 0.15, (count, 1, 1, 1))).astype(np.float32)

    def seen(planes, at):
        grid = nn.functional.affine_grid(torch.from_numpy(place(at).astype(np.float32)), planes.shape, align_corners=False) + warp
        return nn.functional.grid_sample(torch.from_numpy(planes), grid, padding_mode="reflection", align_corners=False).numpy()

    made = np.empty_like(parts)
    # Alpha, the truth and irises go with the drawing.
    with_drawing = [0, 1, 2, 3, 7, 8, 9, 10, IRIS]
    made[:, with_drawing] = seen(np.ascontiguousarray(parts[:, with_drawing]), shift)
    made[:, 4:7] = seen(np.ascontiguousarray(parts[:, 4:7]), shift + aside)
    for first in (0, 4, 7):
        colours = made[:, first : first + 3].reshape(count, 3, -1)
        made[:, first : first + 3] = np.clip(matrix @ colours, 0, 1).reshape(count, 3, height, width)
    made[:, 4:7] **= gamma
    return made
