"""
Trains the network of a learned double on recorded pairs:
  python3 scripts/training/train.py --data DIR --out DIR [--minutes 60] [--batch 16] [--resume]
It uses a CUDA GPU where one is at hand. Every few minutes it writes what it has (network.json, network.weights), its curves
(curves.png) and a sheet of held-out faces (sheet.png); --resume goes on from there.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch

from data import Recorded, degrade
from network import Network, draw, export, multiplications
from pictures import curves, sheet

EYES_AND_MOUTH = 3.5
"""They are few pixels and what people look at (Naruniec et al. 2020 weigh them likewise)."""


def losses(given, truth, wanted, colour, alpha, weight):
    """On the picture that is shown, on the colours under it, and on alpha. Absolute differences: squares blur."""
    crop = given[:, 3:6]
    shown = crop + (colour - crop) * alpha
    aim = crop + (truth - crop) * wanted
    inside = wanted * weight
    area = inside.sum().clamp(min=1) * 3
    seen = ((shown - aim).abs() * weight).mean() * 3
    own = ((colour - truth).abs() * inside).sum() / area
    edges = 0
    for step in (1, 2, 4):
        for axis in (2, 3):
            change = lambda x: x.narrow(axis, step, x.shape[axis] - step) - x.narrow(axis, 0, x.shape[axis] - step)
            part = inside.narrow(axis, step, inside.shape[axis] - step)
            edges = edges + ((change(colour) - change(truth)).abs() * part).sum() / area
    cover = ((alpha - wanted).abs() * weight).mean()
    return seen + own + 0.5 * edges + 2 * cover


def psnr(given, truth, wanted, colour, alpha):
    crop = given[:, 3:6]
    wrong = (crop + (colour - crop) * alpha - (crop + (truth - crop) * wanted)) ** 2
    inside = (wanted > 0.5).float()
    mse = (wrong * inside).sum((1, 2, 3)) / (inside.sum((1, 2, 3)) * 3).clamp(min=1)
    return -10 * torch.log10(mse.clamp(min=1e-8))


def evaluate(network, recorded, device, batch=16):
    network.eval()
    found, before = [], []
    with torch.no_grad():
        for first in range(0, len(recorded.held_out), batch):
            given, truth, wanted, _ = recorded.batch(recorded.held_out[first : first + batch], device)
            found.append(psnr(given, truth, wanted, *draw(network, given)))
            before.append(psnr(given, truth, wanted, given[:, 0:3], given[:, 7:8]))
    network.train()
    return torch.cat(found).median().item(), torch.cat(before).median().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--every", type=float, default=180, help="seconds between two looks")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recorded = Recorded(args.data, seed=args.seed)
    network = Network().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-4)
    state = {"samples": 0, "seconds": 0.0, "curve": []}
    kept = f"{args.out}/state.pt"
    if args.resume and os.path.exists(kept):
        loaded = torch.load(kept, map_location=device)
        network.load_state_dict(loaded["network"])
        optimizer.load_state_dict(loaded["optimizer"])
        state = loaded["state"]
    print(f"{len(recorded.training)} faces to train on, {len(recorded.held_out)} held out, {device}, {multiplications(network.plan) / 1e6:.0f} M multiplications", flush=True)
    began = looked = time.time()
    before_s = state["seconds"]
    steps, window = 0, []
    share = 0.0
    while share < 1:
        share = min(1.0, (time.time() - began) / (args.minutes * 60))
        # A short warm-up, then one cosine over the time that was given.
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, (steps + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        given, truth, wanted, weight = recorded.batch(recorded.next(args.batch), device, flip=True)
        given, truth = degrade(given, truth)
        colour, alpha = draw(network, given)
        loss = losses(given, truth, wanted, colour, alpha, 1 + (EYES_AND_MOUTH - 1) * weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
        window.append(loss.item())
        state["samples"] += len(given)
        state["seconds"] = before_s + time.time() - began
        if share < 1 and time.time() - looked < args.every:
            continue
        held, mesh = evaluate(network, recorded, device)
        state["curve"].append([state["samples"], float(np.mean(window)), held, mesh])
        print(f"{state['samples']} samples, {state['seconds'] / 60:.1f} min: held-out PSNR {held:.2f} dB (mesh {mesh:.2f})", flush=True)
        save(network, optimizer, recorded, state, args, device, held, mesh)
        window, looked = [], time.time()


def save(network, optimizer, recorded, state, args, device, held, mesh):
    network.eval()
    training = {
        "seed": args.seed,
        "data": recorded.about,
        "samples": state["samples"],
        "hours": round(state["seconds"] / 3600, 3),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "heldOutPsnrDb": round(held, 2),
        "meshPsnrDb": round(mesh, 2),
        "multiplications": multiplications(network.plan),
    }
    export(network, args.out, training)
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, f"{args.out}/state.pt")
    with open(f"{args.out}/curve.json", "w") as file:
        json.dump(state["curve"], file)
    curves(state["curve"], f"{args.out}/curves.png")
    with torch.no_grad():
        given, truth, wanted, _ = recorded.batch(recorded.shown, device)
        colour, alpha = draw(network, given)
        sheet(given, truth, wanted, colour, alpha, f"{args.out}/sheet.png")
    network.train()


main()
