"""
Trains the network that says whether a performer's eye is open, by its pixels (server/double/features.ts): landmarks leave a shut eye's lids apart,
the more the darker it is, and a painted iris would stand on them.
  python3 scripts/training/train_lids.py --data DIR[,DIR] --out DIR [--minutes 5] [--resume]
DIR as scripts/training/record-features.ts wrote it. scripts/double/build-eyes-open.ts takes what is trained.
"""

import numpy as np
import torch
from torch import nn

from batches import ahead
from cameras import jolted, seen
from features import AREA, CHANNELS, EYE, RECORDER, parts_of
from loop import Training, options, prepare
from network import Network, conv, export, multiplications
from noise import Noise
from shards import Order, apart, recordings, samples

HEIGHT, WIDTH = EYE
BLINKS = ("blinkRight", "blinkLeft")
"""Of the rig: of the eye that is left on screen, and of the other."""
OPEN, SHUT = 0.4, 0.8
"""Blinks up to which an eye counts as open, and from which as shut."""
SHUT_WEIGHT = 2
"""An iris on a lid is worse than an eye that is as it was without."""


def plan():
    return [
        conv("performer", "l0", 3, 12, 2, 2),
        conv("l0", "l1", 12, 24, 2, 2),
        conv("l1", "l2", 24, 32, 2, 2),
        conv("l2", "l3", 32, 32),
        conv("l3", "l4", 32, 32, 2, 2),
        conv("l4", "l5", 32, 32),
        conv("l5", "eyesOpen", 32, 1, 1, relu=False),
    ]


class Eyes:
    """Performers' eyes and how far each is open, 0–1."""

    def __init__(self, folders, seed):
        self.eyes = []
        for path, about in recordings(folders, RECORDER):
            for sample, face in zip(samples(path, (CHANNELS * AREA,)), about["faces"], strict=True):
                for part, blink in zip(parts_of(sample), BLINKS):
                    opened = np.clip((SHUT - face["rig"][blink]) / (SHUT - OPEN), 0, 1)
                    self.eyes.append((part[4:7].copy(), np.float32(opened), face["driver"]))
        strangers = apart({driver for *_, driver in self.eyes})
        self.training = [i for i, (*_, driver) in enumerate(self.eyes) if driver not in strangers]
        self.held_out = [i for i, (*_, driver) in enumerate(self.eyes) if driver in strangers]
        self.drivers = len({driver for *_, driver in self.eyes} - strangers)
        self.random = np.random.default_rng(seed)
        self.order = Order(self.training, self.random)
        self.noise = Noise(self.random, seed, 128)

    def batch(self, indices, vary):
        pictures, opened = [], []
        for i in indices:
            picture, is_open, _ = self.eyes[i]
            pictures.append(self.seen(picture) if vary else picture.astype(np.float32) / 255)
            opened.append(is_open)
        pictures = torch.from_numpy(np.stack(pictures))
        return [jolted(self.random, pictures, 0.06, 0.1, 0.06, "border") if vary else pictures, torch.from_numpy(np.stack(opened))]

    def seen(self, picture):
        if self.random.random() < 0.5:
            picture = picture[:, :, ::-1]
        return np.clip(seen(self.random, self.noise, picture, (1, 3)), 0, 1).astype(np.float32)


def main():
    args = options(minutes=5, batch=96).parse_args()
    device = prepare(args)
    eyes = Eyes(args.data.split(","), args.seed)
    training = Training(Network(plan()), args, device)
    cost = multiplications(plan(), {"performer": HEIGHT * WIDTH})
    print(f"{len(eyes.training)} eyes to train on, {len(eyes.held_out)} held out, {cost / 1e6:.1f} M multiplications each", flush=True)

    def read(network, pictures):
        with training.half():
            return network.run({"performer": pictures})["eyesOpen"].float().mean((1, 2, 3))

    def loss_of(network, batch):
        pictures, opened = batch
        return nn.functional.binary_cross_entropy_with_logits(read(network, pictures), opened, 1 + (SHUT_WEIGHT - 1) * (1 - opened))

    def look(loss):
        told, known = [], []
        with torch.no_grad():
            for first in range(0, len(eyes.held_out), 256):
                pictures, opened = eyes.batch(eyes.held_out[first : first + 256], False)
                told.append(read(training.averaged, pictures.to(device)).sigmoid().cpu())
                known.append(opened)
        told, known = torch.cat(told), torch.cat(known)
        measured = {
            "heldOutOpenTaken": round(float((told[known == 1] > 0.5).float().mean()), 3),
            "heldOutShutTaken": round(float((told[known == 0] < 0.5).float().mean()), 3),
        }
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}: {measured}, {int((known == 0).sum())} shut", flush=True)
        training.curve.append([training.samples, loss, *measured.values()])
        training.save()
        about = {**training.about(), "eyes": len(eyes.training), "drivers": eyes.drivers, **measured, "multiplications": 2 * cost}
        export(training.averaged, args.out, about, ["performer"], ["eyesOpen"])

    training.run(ahead(lambda: eyes.batch(eyes.order.next(args.batch), True), device), loss_of, look)


if __name__ == "__main__":
    main()
