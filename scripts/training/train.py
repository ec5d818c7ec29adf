"""
Trains the network of a learned double on recorded pairs:
  python3 scripts/training/train.py --data DIR[,DIR] --out DIR [--minutes 60] [--batch 16] [--resume] [--start DIR] [--teacher DIR]
Several folders are several doubles that share one network; --start then makes of it the network of one of them. --teacher: the picture of a larger
network, trained before, is the truth of half the batches, which few recordings are less easily learned by heart with. It uses a CUDA GPU where one is at hand, else the processor in half precision (bfloat16). Every few minutes it writes what it has (network.json, network.weights),
its curves (curves.png) and a sheet of held-out faces (sheet.png); --resume goes on from there. PyTorch 2.2 or later.
"""

import json

import torch

from batches import ahead
from data import Recorded
from judging import losses
from loop import Training, options, prepare, trained
from network import AREAS, Network, draw, export, finer, moved, multiplications, tinted
from pictures import curves, sheet
from strangers import Strangers

LOOKED_AT = 3.5
"""They are few pixels and what people look at (Naruniec et al. 2020 weigh them likewise)."""

TAUGHT = 0.5
"""Of the batches, where there is a teacher."""


def judge(truth, wanted, weight, moved, change):
    return losses(truth, wanted, tinted(moved, change), 1 + (LOOKED_AT - 1) * weight)


def psnr(given, truth, wanted, colour, alpha):
    crop = given[:, 3:6]
    wrong = (crop + (colour - crop) * alpha - (crop + (truth - crop) * wanted)) ** 2
    inside = (wanted > 0.5).float()
    mse = (wrong * inside).sum((1, 2, 3)) / (inside.sum((1, 2, 3)) * 3).clamp(min=1)
    return -10 * torch.log10(mse.clamp(min=1e-8))


def evaluate(network, recorded, device, batch=16):
    """Median PSNR in dB over held-out faces: the network's, the mesh double's."""
    found, before = [], []
    with torch.no_grad():
        for first in range(0, len(recorded.held_out), batch):
            given, truth, wanted, _ = (part.to(device) for part in recorded.batch(recorded.held_out[first : first + batch]))
            found.append(psnr(given, truth, wanted, *draw(network, given)))
            before.append(psnr(given, truth, wanted, given[:, 0:3], given[:, 7:8]))
    return torch.cat(found).median().item(), torch.cat(before).median().item()


def begin_from(folder, network, device):
    """Takes another training's weights, as many channels of each layer as both have; what is new beside them begins faintly."""
    theirs = trained(folder, device)
    mine = network.state_dict()
    for name, value in mine.items():
        other = theirs.get(name)
        if other is None or other.dim() != value.dim():
            continue
        part = tuple(slice(0, min(a, b)) for a, b in zip(value.shape, other.shape))
        if value.dim() == 4:
            value.mul_(0.3)
        value[part] = other[part]
    network.load_state_dict(mine)


def teacher_of(folder, device):
    """Another training's network, whatever its steps: for faces as given its colour."""
    with open(f"{folder}/network.json") as file:
        teacher = Network(json.load(file)["nodes"])
    teacher.load_state_dict(trained(folder, device))
    return teacher.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def main():
    parser = options(minutes=60, batch=16)
    parser.add_argument("--teacher", help="a folder that was trained before, whose network's picture is what half the batches are judged by")
    parser.add_argument("--start", help="a folder that was trained before, whose network is gone on with")
    parser.add_argument("--anybody", action="store_true", help="a network that knows no face by heart, for faces it never sees")
    args = parser.parse_args()
    device = prepare(args)
    recorded = (Strangers if args.anybody else Recorded)(args.data.split(","), seed=args.seed)
    network = Network()
    if args.start:
        begin_from(args.start, network, device)
    training = Training(network, args, device)
    print(f"{len(recorded.training)} faces to train on, {len(recorded.held_out)} held out, {device}, {multiplications(network.plan, AREAS) / 1e6:.0f} M multiplications", flush=True)
    judged = training.compiled(judge)
    teacher = teacher_of(args.teacher, device) if args.teacher else None

    def loss_of(network, batch):
        given, truth, wanted, weight = batch
        with training.half():
            change = network(given.to(memory_format=torch.channels_last)).float().contiguous()
        if teacher and torch.rand(()) < TAUGHT:
            with torch.no_grad(), training.half():
                truth = draw(teacher, given)[0].float()
        return judged(truth, wanted, weight, moved(given[:, 0:3], change[:, 0:2]), finer(change[:, 2:5]))

    def look(loss):
        held, mesh = evaluate(training.averaged, recorded, device)
        training.curve.append([training.samples, loss, held, mesh])
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min: held-out PSNR {held:.2f} dB (mesh {mesh:.2f})", flush=True)
        training.save()
        show(training, recorded, {"heldOutPsnrDb": round(held, 2), "meshPsnrDb": round(mesh, 2)})

    training.run(ahead(lambda: recorded.varied(args.batch), device), loss_of, look)


def show(training, recorded, measured):
    """The network as it is built from, its curves, and a sheet of held-out faces."""
    args, network = training.args, training.averaged
    about = {**training.about(), "data": recorded.about, **measured, "multiplications": multiplications(network.plan, AREAS)}
    if args.start:
        with open(f"{args.start}/network.json") as file:
            about["before"] = json.load(file)["training"]
    export(network, args.out, about)
    curves(training.curve, f"{args.out}/curves.png")
    with torch.no_grad():
        given, truth, wanted, _ = (part.to(training.device) for part in recorded.batch(recorded.shown))
        colour, alpha = draw(network, given)
        sheet(given, truth, wanted, colour, alpha, f"{args.out}/sheet.png")


main()
