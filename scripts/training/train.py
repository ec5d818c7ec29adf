"""
Trains the network of a learned double on recorded pairs:
  python3 scripts/training/train.py --data DIR[,DIR] --out DIR [--minutes 60] [--batch 16] [--resume] [--start DIR]
Several folders are several doubles that share one network; --start then makes of it the network of one of them. It uses a CUDA GPU where
one is at hand, else the processor in half precision (bfloat16). Every few minutes it writes what it has (network.json, network.weights),
its curves (curves.png) and a sheet of held-out faces (sheet.png); --resume goes on from there. PyTorch 2.2 or later.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

from averaged import Averaged
from data import HEIGHT, WIDTH, Recorded
from network import Network, draw, export, finer, moved, multiplications, tinted
from pictures import curves, sheet
from strangers import Strangers

EYES_AND_MOUTH = 3.5
"""They are few pixels and what people look at (Naruniec et al. 2020 weigh them likewise)."""


def losses(truth, wanted, colour, weight):
    """Of the colours, wherever the face is to be seen. Absolute differences: squares blur."""
    area = (wanted * weight).sum().clamp(min=1) * 3
    wrong = (colour - truth) * wanted
    own = (wrong.abs() * weight).sum() / area
    edges = 0
    # Slopes at three scales: the first is what an eye calls sharp, the others are where features stand.
    for scale in (1, 2, 4):
        if scale > 1:
            wrong, weight = nn.functional.avg_pool2d(wrong, 2), nn.functional.avg_pool2d(weight, 2)
        for axis in (2, 3):
            slope = wrong.narrow(axis, 1, wrong.shape[axis] - 1) - wrong.narrow(axis, 0, wrong.shape[axis] - 1)
            edges = edges + scale**2 * (slope.abs() * weight.narrow(axis, 1, wrong.shape[axis] - 1)).sum() / area
    return 2 * own + 0.5 * edges + 0.4 * unlike(colour, truth, wanted)


def unlike(colour, truth, wanted):
    """1 − structural similarity (Wang et al. 2004) of luma, over windows of 8×8 pixels that overlap by half; what differences alone leave flat."""
    luma = torch.tensor([0.2126, 0.7152, 0.0722], device=colour.device).view(1, 3, 1, 1)
    x, y = ((part * luma).sum(1, keepdim=True) for part in (colour, truth))
    mean = lambda part: nn.functional.avg_pool2d(part, 8, 4)
    mx, my, inside = mean(x), mean(y), mean(wanted)
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    alike = (2 * mx * my + 0.01**2) * (2 * both + 0.03**2) / ((mx * mx + my * my + 0.01**2) * (vx + vy + 0.03**2))
    return ((1 - alike) * inside).sum() / inside.sum().clamp(min=1)


def judge(truth, wanted, weight, moved, change):
    return losses(truth, wanted, tinted(moved, change), 1 + (EYES_AND_MOUTH - 1) * weight)


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


def begin_from(path, network, device):
    """Takes another training's weights, as many channels of each layer as both have; what is new beside them begins faintly."""
    theirs = torch.load(path, map_location=device)["averaged"]
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", help="a folder that was trained before, whose network is gone on with")
    parser.add_argument("--anybody", action="store_true", help="a network that knows no face by heart, for faces it never sees")
    parser.add_argument("--plain", action="store_true", help="compile nothing")
    parser.add_argument("--every", type=float, default=180, help="seconds between two looks")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recorded = (Strangers if args.anybody else Recorded)(args.data.split(","), seed=args.seed)
    network = Network().to(device, memory_format=torch.channels_last)
    if args.start:
        begin_from(f"{args.start}/state.pt", network, device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-4)
    averaged = Averaged(network)
    state = {"samples": 0, "seconds": 0.0, "curve": []}
    kept = f"{args.out}/state.pt"
    if args.resume and os.path.exists(kept):
        loaded = torch.load(kept, map_location=device)
        network.load_state_dict(loaded["network"])
        averaged.network.load_state_dict(loaded["averaged"])
        optimizer.load_state_dict(loaded["optimizer"])
        state = loaded["state"]
    print(f"{len(recorded.training)} faces to train on, {len(recorded.held_out)} held out, {device}, {multiplications(network.plan, HEIGHT, WIDTH) / 1e6:.0f} M multiplications", flush=True)
    began = looked = time.time()
    before_s = state["seconds"]
    # Made one loop over the pixels, which takes a third of the time; it needs a C++ compiler.
    judged = judge if args.plain else torch.compile(judge)
    steps, window = 0, []
    batches = recorded.ahead(args.batch, device)
    share = 0.0
    while share < 1:
        share = min(1.0, (time.time() - began) / (args.minutes * 60))
        # A short warm-up, then one cosine over the time that was given.
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, (steps + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        given, truth, wanted, weight = next(batches)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            change = network(given.to(memory_format=torch.channels_last)).float().contiguous()
        loss = judged(truth, wanted, weight, moved(given[:, 0:3], change[:, 0:2]), finer(change[:, 2:5]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
        averaged.follow(network, steps)
        window.append(loss.item())
        state["samples"] += len(given)
        state["seconds"] = before_s + time.time() - began
        if share < 1 and time.time() - looked < args.every:
            continue
        held, mesh = evaluate(averaged.network, recorded, device)
        state["curve"].append([state["samples"], float(np.mean(window)), held, mesh])
        print(f"{state['samples']} samples, {state['seconds'] / 60:.1f} min: held-out PSNR {held:.2f} dB (mesh {mesh:.2f})", flush=True)
        save(network, averaged.network, optimizer, recorded, state, args, device, held, mesh)
        window, looked = [], time.time()


def save(network, averaged, optimizer, recorded, state, args, device, held, mesh):
    training = {
        "seed": args.seed,
        "data": recorded.about,
        "samples": state["samples"],
        "hours": round(state["seconds"] / 3600, 3),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "heldOutPsnrDb": round(held, 2),
        "meshPsnrDb": round(mesh, 2),
        "multiplications": multiplications(network.plan, HEIGHT, WIDTH),
        "threads": args.threads,
    }
    if args.start:
        with open(f"{args.start}/network.json") as file:
            training["before"] = json.load(file)["training"]
    export(averaged, args.out, training)
    torch.save({"network": network.state_dict(), "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, f"{args.out}/state.pt")
    with open(f"{args.out}/curve.json", "w") as file:
        json.dump(state["curve"], file)
    curves(state["curve"], f"{args.out}/curves.png")
    with torch.no_grad():
        given, truth, wanted, _ = (part.to(device) for part in recorded.batch(recorded.shown))
        colour, alpha = draw(averaged, given)
        sheet(given, truth, wanted, colour, alpha, f"{args.out}/sheet.png")


main()
