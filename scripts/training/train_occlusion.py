"""
Trains the network that proposes what stands before a face (server/double/occlusion), whatever look is worn:
  python3 scripts/training/train_occlusion.py --data DIR[,DIR] --out DIR [--minutes 20] [--batch 24] [--resume]
on the faces that scripts/training/record.ts recorded, in lights and before cameras of scenes.py, with what was rendered before them and what
scenes.py draws. Writes network.json, network.weights and a sheet of held-out faces every few minutes. PyTorch 2.2 or later, Pillow.
"""

import numpy as np
import torch
from torch import nn

from batches import ahead
from loop import Training, options, prepare
from network import Network, export, multiplications, shallow
from occluded import GIVEN, Occluded
from pictures import write
from scenes import COLUMNS, ROWS

FALSE = 1.5
"""A pixel of the performer's own that is proposed is so many times worse than a finger's that is not: what is proposed wrongly may hide what is right."""


def steps():
    """given: GIVEN planes at half the crop's size. hole: a logit, of that size."""
    return [*shallow("given", GIVEN, "g2", 4), {"op": "shuffle", "from": "g2", "to": "hole"}]


class Finder(Network):
    def __init__(self):
        super().__init__(steps())

    def forward(self, given):
        return self.run({"given": given})["hole"]


def judge(logit, hole, weight):
    each = nn.functional.binary_cross_entropy_with_logits(logit, hole, reduction="none")
    plain = (each * weight * (1 + (FALSE - 1) * (1 - hole))).mean() / 0.3
    # Each face counts alike, however small its hole is.
    found = torch.sigmoid(logit)
    overlap = (found * hole * weight).sum((1, 2, 3)) + 5
    union = ((found + hole - found * hole) * weight).sum((1, 2, 3)) + 5
    return plain + 0.5 * (1 - overlap / union).mean()


def evaluate(network, faces, device, batch=32):
    """Of held-out faces in %: pixels of holes that are found; faces where more than a hundredth of the face is taken for one."""
    found = there = wrong = 0
    with torch.no_grad():
        for first in range(0, len(faces.held_out), batch):
            given, hole, weight = (part.to(device) for part in faces.fixed(faces.held_out[first : first + batch]))
            open_ = (network(given) > 0).float()
            inside = (weight > 0.5).float()
            found += (open_ * hole * inside).sum().item()
            there += (hole * inside).sum().item()
            false = (open_ * (hole < 0.1) * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp(min=1)
            wrong += (false > 0.01).sum().item()
    return 100 * found / max(there, 1), 100 * wrong / len(faces.held_out)


def sheet(network, faces, path):
    """Faces as they are trained on: the plate, what stands before the face, what is proposed."""
    given, hole, weight = faces.varied(24)
    with torch.no_grad():
        found = torch.sigmoid(network(given))
    red = torch.tensor([0.0, 1, 1]).view(1, 3, 1, 1)
    plate = given[:, :3]
    cells = torch.cat([plate, plate * (1 - 0.7 * hole * red), plate * (0.3 + 0.7 * found)], 3).permute(0, 2, 3, 1).numpy()
    rows = [np.concatenate(list(cells[k : k + 4]), 1) for k in range(0, 24, 4)]
    write(path, (np.concatenate(rows, 0).clip(0, 1) * 255).round().astype(np.uint8))


def main():
    args = options(minutes=20, batch=24).parse_args()
    device = prepare(args)
    faces = Occluded(args.data.split(","), seed=args.seed)
    training = Training(Finder(), args, device)
    cost = multiplications(steps(), {"given": ROWS * COLUMNS})
    print(f"{len(faces.faces)} faces, {len(faces.held_out)} held out to look at, {device}, {cost / 1e6:.1f} M multiplications", flush=True)
    judged = training.compiled(judge)

    def loss_of(network, batch):
        given, hole, weight = batch
        with training.half():
            logit = network(given.to(memory_format=torch.channels_last))
        return judged(logit.float().contiguous(), hole, weight)

    def look(loss):
        found, wrong = evaluate(training.averaged, faces, device)
        training.curve.append([training.samples, loss, found, wrong])
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}: {found:.1f} % of holes found, {wrong:.1f} % of faces with a false one", flush=True)
        about = {**training.about(), "data": faces.about, "heldOutFoundPct": round(found, 1), "heldOutFalsePct": round(wrong, 1), "multiplications": cost}
        export(training.averaged, args.out, about, ["given"], ["hole"])
        training.save()
        sheet(training.averaged, faces, f"{args.out}/sheet.png")

    training.run(ahead(lambda: faces.varied(args.batch), device), loss_of, look)


if __name__ == "__main__":
    main()
