"""
Trains the network that `npm run eval -- double` reads expressions with (scripts/eval/expression-ruler.ts), and says how well it and the landmarks'
distances follow the rig of people held out:
  python3 scripts/training/train_ruler.py --data DIR[,DIR] --out DIR [--minutes 20] [--resume]
DIR as scripts/training/record-expressions.ts wrote it, different people in each; each is measured by itself. scripts/eval/build-ruler.ts makes the evaluation's file of what is trained.
"""

import os

import numpy as np
import torch
from torch import nn

from batches import ahead
from cameras import jolted, seen
from loop import Training, options, prepare
from network import Network, conv, export, multiplications
from noise import Noise
from shards import apart, recordings, samples

SIDE = 128
RULED = ("mouthOpen", "blink", "smile", "brow")
"""As RULED there."""
SPREAD = (0.35, 0.42, 0.34, 0.45)
"""About what each varies by, so that none outweighs the others."""
PEOPLE, FACES = 6, 8
"""Of a batch."""


def plan():
    """Strides and convolutions by turns down to one place: it has to know where in the picture a brow is, so that nothing is averaged."""
    return [
        conv("face", "a", 3, 16, 2, 2),
        conv("a", "b0", 16, 32, 2, 2),
        conv("b0", "b", 32, 32),
        conv("b", "c0", 32, 48, 2, 2),
        conv("c0", "c", 48, 48),
        conv("c", "d0", 48, 64, 2, 2),
        conv("d0", "d", 64, 64),
        conv("d", "e", 64, 64, 2, 2),
        conv("e", "f", 64, 96, 2, 2),
        conv("f", "g", 96, 96, 2, 2),
        conv("g", "expression", 96, len(RULED), 1, relu=False),
    ]


class People:
    """Faces by whose they are."""

    def __init__(self, folders, seed):
        self.training, self.held_out = [], {}
        for folder in folders:
            people = self.read(folder)
            strangers = apart(set(people))
            name = os.path.basename(os.path.normpath(folder))
            if name in self.held_out:
                raise SystemExit(f"Two of the folders are named {name}: what is measured on each is told by that name. Rename one.")
            self.held_out[name] = [people[person] for person in sorted(strangers)]
            self.training += [faces for person, faces in people.items() if person not in strangers and len(faces) >= FACES]
        self.random = np.random.default_rng(seed)
        self.noise = Noise(self.random, seed, SIDE)

    @staticmethod
    def read(folder):
        people = {}
        for path, about in recordings([folder], "scripts/training/record-expressions.ts"):
            for face, told in zip(samples(path, (3, SIDE, SIDE)), about["faces"], strict=True):
                rig, landmarks = ([told[kind][signal] for signal in RULED] for kind in ("rig", "landmarks"))
                people.setdefault(told["driver"], []).append((face, np.array(rig, np.float32), np.array(landmarks, np.float32)))
        return people

    def batch(self):
        """PEOPLE × FACES faces, one person's after another's, and what each one's rig does in SPREADs."""
        pictures, wanted = [], []
        for person in self.random.choice(len(self.training), PEOPLE, replace=False):
            faces = self.training[person]
            mirrored = self.random.random() < 0.5
            for i in self.random.choice(len(faces), FACES, replace=False):
                face, rig, _ = faces[i]
                pictures.append(seen(self.random, self.noise, face[:, :, ::-1] if mirrored else face, (1.2, 4)))
                wanted.append(rig / SPREAD)
        pictures = jolted(self.random, torch.from_numpy(np.stack(pictures)), 0.04, 0.04, 0.03, "zeros").clamp(0, 1)
        return [pictures, torch.from_numpy(np.stack(wanted)).float()]


def of_each(values):
    """Less the mean over a person's faces: who somebody is does not count, only what they do."""
    grouped = values.view(PEOPLE, FACES, -1)
    return grouped - grouped.mean(1, keepdim=True)


def correlation(a, b):
    """Over the faces, of each signal."""
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / np.sqrt((a * a).sum(0) * (b * b).sum(0))


def median_correlations(people, network, device):
    """Over people, of each signal with the rig: as the network reads it, as the landmarks' distances say it."""
    read, plain = [], []
    with torch.no_grad():
        for faces in people:
            pictures = torch.from_numpy(np.stack([face for face, _, _ in faces])).float().to(device) / 255
            rig = np.stack([rig for _, rig, _ in faces])
            answer = network.run({"face": pictures})["expression"].flatten(1).float().cpu().numpy()
            read.append(correlation(answer, rig))
            plain.append(correlation(np.stack([landmarks for _, _, landmarks in faces]), rig))
    return np.nanmedian(read, 0), np.nanmedian(plain, 0)


def main():
    args = options(minutes=20, batch=PEOPLE * FACES).parse_args()
    device = prepare(args)
    people = People(args.data.split(","), args.seed)
    training = Training(Network(plan()), args, device)
    cost = multiplications(plan(), {"face": SIDE * SIDE})
    faces = sum(len(one) for one in people.training)
    print(f"{len(people.training)} people, {faces} faces to train on, {sum(map(len, people.held_out.values()))} people held out, {cost / 1e6:.0f} M multiplications", flush=True)

    def loss_of(network, batch):
        pictures, wanted = batch
        with training.half():
            read = network.run({"face": pictures.to(memory_format=torch.channels_last)})["expression"].float().flatten(1)
        return nn.functional.smooth_l1_loss(of_each(read), of_each(wanted), beta=0.3)

    def look(loss):
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}", flush=True)
        held_out = {}
        for name, strangers in people.held_out.items():
            read, plain = median_correlations(strangers, training.averaged, device)
            held_out |= {f"heldOut_{name}_{signal}": round(float(r), 3) for signal, r in zip(RULED, read)}
            told = ", ".join(f"{signal} {r:.3f} (landmarks {p:.3f})" for signal, r, p in zip(RULED, read, plain))
            print(f"  {name}: {told}", flush=True)
        training.curve.append([training.samples, loss, *held_out.values()])
        training.save()
        about = {**training.about(), "faces": faces, "drivers": len(people.training), **held_out, "multiplications": cost}
        export(training.averaged, args.out, about, ["face"], ["expression"])

    training.run(ahead(people.batch, device), loss_of, look)


if __name__ == "__main__":
    main()
