"""
A reader of lips, lids and brows: where landmarks lie in a part of a true face, and what the rig does there, told by its pixels alone. What puts a
double's features together is asked to be read as the truth is: where it cannot tell how far a mouth is drawn it would else blur it, which costs few
colours and all expression. Landmarks hardly see a small smile or a brow of a rendered face: the rig says what they miss.
  python3 scripts/training/reader.py --data DIR[,DIR] --out DIR [--minutes 5]
"""

import numpy as np
import torch
from torch import nn

from batches import Order, ahead
from cameras import softened
from features import AREA, CHANNELS, EYE, MOUTH, RECORDER, parts_of
from loop import Training, options, prepare
from noise import Noise
from shards import apart, recordings, samples

POINTS = (14, 20)
"""Of an eye with its brow, from the temple inwards whichever side it is on; of a mouth."""
MIRRORED = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 16, 17, 18, 19]
"""Which point of a mouth becomes which in a mirror."""
UNIT = 16
"""Crop pixels that a landmark's reading of 1 stands for."""
RIG = (("brows", "squint"), ("jaw", "smile", "teeth", "pucker", "wide", "press"))
"""What of the rig is read off an eye with its brow, off a mouth; all within 0 and 1, or -1 and 1."""
RIG_UNIT = 0.35
"""Of the rig that a reading of 1 stands for: about how much of it there is."""
RIG_WEIGHT = 0.25
"""Of a misreading of the rig beside one of landmarks: they are read to a tenth of their UNIT, the rig to half of its."""


class Reader(nn.Module):
    """From n × 3 × height × width, 0 to 1, to n × points × 2, x and y from the part's middle in UNITs, and n × units, in RIG_UNITs."""

    def __init__(self, size, points, units, widths=(24, 48, 64, 96)):
        super().__init__()
        layers, before = [], 3
        for width in widths:
            layers += [nn.Conv2d(before, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        cells = (size[0] // 16) * (size[1] // 16)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(cells * before, 160), nn.ReLU(), nn.Linear(160, 2 * points + units))
        self.ends = [2 * points, units]

    def forward(self, pictures):
        places, rig = self.layers(pictures * 2 - 1).float().split(self.ends, 1)
        return places.view(len(pictures), -1, 2), rig


def readers():
    """Of eyes, of mouths."""
    return nn.ModuleList([Reader(size, points, len(rig)) for size, points, rig in zip((EYE, MOUTH), POINTS, RIG)])


def apart_by(readings, others):
    """Mean distance of two readings of the same faces."""
    (places, rig), (other_places, other_rig) = readings, others
    return (places - other_places).abs().mean() + RIG_WEIGHT * (rig - other_rig).abs().mean()


class Read:
    """True faces, where their landmarks lie and what their rig does."""

    def __init__(self, folders, seed):
        self.faces = []
        for path, about in recordings(folders, RECORDER):
            for sample, face in zip(samples(path, (CHANNELS * AREA,)), about["faces"], strict=True):
                if face["read"]:
                    rig = [np.array([face["rig"][unit] for unit in units], np.float32) / RIG_UNIT for units in RIG]
                    self.faces.append((sample, [np.array(points, np.float32) for points in face["read"]], rig, face["driver"]))
        strangers = apart({driver for *_, driver in self.faces})
        self.training = [i for i, (*_, driver) in enumerate(self.faces) if driver not in strangers]
        self.held_out = [i for i, (*_, driver) in enumerate(self.faces) if driver in strangers]
        self.random = np.random.default_rng(seed)
        self.order = Order(self.training, self.random)
        self.noise = Noise(self.random, seed, 128)

    def parts(self, i):
        sample, points, (eye, mouth), _ = self.faces[i]
        for part, places, rig in zip(parts_of(sample), points, (eye, eye, mouth)):
            yield part[7:10].astype(np.float32) / 255, places, rig

    def batch(self, indices, vary):
        """Of eyes, then of mouths: pictures, where landmarks lie, what the rig does."""
        made = [[], [], [], [], [], []]
        for i in indices:
            gain, gamma = (self.random.uniform(0.7, 1.3, (3, 1, 1)), self.random.uniform(0.75, 1.3)) if vary else (1, 1)
            for k, (picture, places, rig) in enumerate(self.parts(i)):
                mouth = k == 2
                if vary:
                    picture = np.clip(picture**gamma * gain, 0, 1).astype(np.float32)
                    if self.random.random() < 0.5:
                        picture = np.ascontiguousarray(picture[:, :, ::-1])
                        places = np.stack([picture.shape[2] - 1 - places[:, 0], places[:, 1]], 1)
                        places = places[MIRRORED] if mouth else places
                for into, one in zip(made[3 * mouth :], (picture, places, rig)):
                    into.append(one)
        out = []
        for pictures, places, rig in (made[:3], made[3:]):
            pictures, places = torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(places))
            height, width = pictures.shape[2:]
            middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
            places = places - middle
            if vary:
                pictures, places = self.aside(pictures, places)
            out += [pictures, places / UNIT, torch.from_numpy(np.stack(rig))]
        return out

    def aside(self, pictures, places):
        """Larger or smaller, aside, softer, with noise."""
        count, _, height, width = pictures.shape
        scale = torch.from_numpy(np.exp(self.random.normal(0, 0.07, (count, 1, 2)))).float()
        shift = torch.from_numpy(self.random.normal(0, 2.5, (count, 1, 2))).float()
        matrix = torch.zeros(count, 2, 3)
        matrix[:, 0, 0], matrix[:, 1, 1] = scale[:, 0, 0], scale[:, 0, 1]
        matrix[:, :, 2] = shift[:, 0] * 2 / torch.tensor([width, height])
        grid = nn.functional.affine_grid(matrix, pictures.shape, align_corners=False)
        pictures = nn.functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
        for k in range(count):
            if self.random.random() < 0.5:
                pictures[k] = torch.from_numpy(softened(pictures[k].numpy(), self.random.uniform(1.2, 4)))
            pictures[k] += torch.from_numpy(self.noise.take(height, width, 0.04, 0.02))
        return pictures.clamp(0, 1), (places - shift) / scale


def main():
    args = options(minutes=5, batch=24).parse_args()
    device = prepare(args)
    read = Read(args.data.split(","), args.seed)
    training = Training(readers(), args, device)
    print(f"{len(read.training)} faces to train on, {len(read.held_out)} held out", flush=True)

    def reading(network, batch):
        """Of eyes, of mouths: what is read, and what is so."""
        for reader, pictures, places, rig in zip(network, batch[0::3], batch[1::3], batch[2::3]):
            yield reader(pictures), (places, rig)

    def loss_of(network, batch):
        with training.half():
            return sum(apart_by(*both) for both in reading(network, batch))

    def look(loss):
        told = []
        with torch.no_grad():
            looked = []
            for first in range(0, len(read.held_out), 64):
                batch = [part.to(device) for part in read.batch(read.held_out[first : first + 64], False)]
                looked.append(list(reading(training.averaged, batch)))
            for units, parts in zip(RIG, zip(*looked)):
                (places, rig), (true_places, true_rig) = ([torch.cat(one) for one in zip(*side)] for side in zip(*parts))
                off = [(one - true_places).abs().mean().item() * UNIT for one in (places, true_places.mean(0))]
                followed = [f"{unit} {torch.corrcoef(torch.stack([a, b]))[0, 1].item():.2f}" for unit, a, b in zip(units, rig.T, true_rig.T)]
                told.append(f"{off[0]:.2f} of {off[1]:.2f} pixels off, correlation of {', '.join(followed)}")
        training.curve.append([training.samples, loss])
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}: eyes {told[0]}; mouths {told[1]}", flush=True)
        training.save()

    training.run(ahead(lambda: read.batch(read.order.next(args.batch), True), device), loss_of, look)


if __name__ == "__main__":
    main()
