"""
Trains the network of the age treatment `reage` on people recorded in their skins at several ages:
  python3 scripts/training/train_ages.py --data DIR --out DIR [--minutes 30] [--batch 8] [--resume] [--without ANCESTRY-SEX]
It uses a CUDA GPU where one is at hand, else the processor in half precision (bfloat16). Every few minutes it writes what it has
(network.json, network.weights), its curves (curves.png) and a sheet of held-out people (sheet.png: old skin, a half and the whole way younger,
the young truth; young skin, a half and the whole way older, the old truth); --resume goes on from there. --without leaves one kind of skin out of the training
and measures on that one: how much of the gain is knowledge of these very skins. PyTorch 2.2 or later.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

from ages import Pairs
from averaged import Averaged
from data import HEIGHT, WIDTH
from network import Network, add, conv, export, multiplications, up
from pictures import curves, write

INPUTS = 8
"""Crop R, G, B, the mesh's u and v, where skin may be changed, the dial's younger and older half: scripts/age/reage-graph.ts."""
OUTPUTS = 3


def steps(widths=(12, 24, 40, 64, 96)):
    """A U-Net from half the crop's size down to a 1/32 of it, as the doubles' but told the dial and shown the whole of the plate."""
    a, b, c, d, e = widths
    return [
        conv("given", "a", INPUTS, a, 2, 2),
        conv("a", "b0", a, b, 2, 2),
        conv("b0", "b", b, b),
        conv("b", "c0", b, c, 2, 2),
        conv("c0", "c", c, c),
        conv("c", "d0", c, d, 2, 2),
        conv("d0", "d1", d, d),
        conv("d1", "d", d, d),
        conv("d", "e0", d, e, 2, 2),
        conv("e0", "e1", e, e),
        conv("e1", "e2", e, d, 1),
        up("e2", "e3"),
        add("e3", "d", "f0"),
        conv("f0", "f1", d, d),
        conv("f1", "f2", d, c, 1),
        up("f2", "f3"),
        add("f3", "c", "g0"),
        conv("g0", "g1", c, c),
        conv("g1", "g2", c, b, 1),
        up("g2", "g3"),
        add("g3", "b", "h0"),
        conv("h0", "h1", b, b),
        conv("h1", "h2", b, a, 1),
        up("h2", "h3"),
        add("h3", "a", "i0"),
        conv("i0", "i", a, a),
        conv("i", "i1", a, 4 * OUTPUTS, relu=False),
        {"op": "shuffle", "from": "i1", "to": "change"},
    ]


class AgeNetwork(Network):
    def __init__(self):
        super().__init__(steps())

    def forward(self, given):
        """given: n × 8 × height × width, multiples of 32. Change of R, G, B for a full turn of the dial, of that size."""
        return self.run({"given": given})["change"]


def changed(given, rate):
    """What is added to the plate, as scripts/age/reage-graph.ts computes it."""
    return rate.clamp(-0.5, 0.5) * (given[:, 6:7] + given[:, 7:8]) * given[:, 5:6]


def losses(change, wanted, where):
    """Absolute differences, and those of slopes at three scales: the first is what an eye calls sharp, the others are where folds stand."""
    wrong = (change - wanted) * where
    area = where.sum().clamp(min=1) * 3
    loss = wrong.abs().sum() / area
    for scale in (1, 2, 4):
        if scale > 1:
            wrong = nn.functional.avg_pool2d(wrong, 2)
        for axis in (2, 3):
            slope = wrong.narrow(axis, 1, wrong.shape[axis] - 1) - wrong.narrow(axis, 0, wrong.shape[axis] - 1)
            loss = loss + 0.5 * scale**2 * slope.abs().sum() / area
    return loss


def judge(given, change, where, rate):
    return losses(changed(given, rate), change * where, where)


SETTINGS = {"younger": (2, 0, -1.0), "middle younger": (1, 0, -1.0), "older": (0, 2, 1.0)}


def evaluate(network, pairs, device, batch=16):
    """By how much the distance to the truth falls over held-out moments, median in %, for each setting; and what a young face loses to a dial turned younger, of what an old one should, in %."""
    found = {name: [] for name in SETTINGS}
    undue = []
    with torch.no_grad():
        for first in range(0, len(pairs.held_out), batch):
            indices = pairs.held_out[first : first + batch]
            due = None
            for name, (seen, wanted, dial) in SETTINGS.items():
                given, change, where = (part.to(device) for part in pairs.fixed(indices, seen, wanted, dial))
                before = (change.abs() * where).sum((1, 2, 3))
                after = ((changed(given, network(given)) - change * where).abs()).sum((1, 2, 3))
                found[name].append(100 * (1 - after / before.clamp(min=1e-6)))
                due = before if due is None else due
            given, _, _ = (part.to(device) for part in pairs.fixed(indices, 0, 0, -1.0))
            undue.append(100 * changed(given, network(given)).abs().sum((1, 2, 3)) / due.clamp(min=1e-6))
    return {name: torch.cat(values).median().item() for name, values in {**found, "undue": undue}.items()}


def sheet(network, pairs, device, path):
    """A row a person, as the head of this file says."""
    with torch.no_grad():
        parts = []
        for seen, wanted, sign in ((2, 0, -1), (0, 2, 1)):
            for dial in (sign * 0.5, sign * 1.0):
                given, change, where = (part.to(device) for part in pairs.fixed(pairs.shown, seen, wanted, dial))
                parts += [given[:, 0:3]] if dial == sign * 0.5 else []
                parts.append(given[:, 0:3] + changed(given, network(given)))
            parts.append(given[:, 0:3] + change * where)
    rows = [np.concatenate([part[i].permute(1, 2, 0).cpu().numpy() for part in parts], 1) for i in range(len(pairs.shown))]
    write(path, (np.concatenate(rows, 0).clip(0, 1) * 255).round().astype(np.uint8))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--plain", action="store_true", help="compile nothing")
    parser.add_argument("--without", help="a kind of skin, for example asian-male")
    parser.add_argument("--every", type=float, default=180, help="seconds between two looks")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pairs = Pairs(args.data, seed=args.seed, without=args.without)
    network = AgeNetwork().to(device, memory_format=torch.channels_last)
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
    print(f"{len(pairs.training)} moments to train on, {len(pairs.held_out)} held out, {device}, {multiplications(network.plan, HEIGHT, WIDTH) / 1e6:.0f} M multiplications", flush=True)
    began = looked = time.time()
    before_s = state["seconds"]
    # Made one loop over the pixels, which takes a third of the time; it needs a C++ compiler.
    judged = judge if args.plain else torch.compile(judge)
    done, window = 0, []
    batches = pairs.ahead(args.batch, device)
    share = 0.0
    while share < 1:
        share = min(1.0, (time.time() - began) / (args.minutes * 60))
        # A short warm-up, then one cosine over the time that was given.
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, (done + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        given, change, where = next(batches)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            rate = network(given.to(memory_format=torch.channels_last))
        loss = judged(given, change, where, rate.float().contiguous())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        done += 1
        averaged.follow(network, done)
        window.append(loss.item())
        state["samples"] += len(given)
        state["seconds"] = before_s + time.time() - began
        if share < 1 and time.time() - looked < args.every:
            continue
        measured = evaluate(averaged.network, pairs, device)
        state["curve"].append([state["samples"], float(np.mean(window)), measured["younger"], measured["older"]])
        told = ", ".join(f"{name} {value:.1f} %" for name, value in measured.items())
        print(f"{state['samples']} samples, {state['seconds'] / 60:.1f} min, loss {np.mean(window):.4f}: held-out {told}", flush=True)
        save(network, averaged.network, optimizer, pairs, state, args, device, measured)
        window, looked = [], time.time()


def save(network, averaged, optimizer, pairs, state, args, device, measured):
    training = {
        "seed": args.seed,
        "data": pairs.about,
        "without": args.without,
        "samples": state["samples"],
        "hours": round(state["seconds"] / 3600, 3),
        "threads": args.threads,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "heldOutGainPct": {name: round(value, 1) for name, value in measured.items()},
        "multiplications": multiplications(network.plan, HEIGHT, WIDTH),
    }
    export(averaged, args.out, training, ["given"], ["change"])
    torch.save({"network": network.state_dict(), "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, f"{args.out}/state.pt")
    with open(f"{args.out}/curve.json", "w") as file:
        json.dump(state["curve"], file)
    curves(state["curve"], f"{args.out}/curves.png")
    sheet(averaged, pairs, device, f"{args.out}/sheet.png")


main()
