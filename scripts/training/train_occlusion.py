"""
Trains the network that finds what stands before a face (server/face/occlusion.ts), whatever look is worn:
  python3 scripts/training/train_occlusion.py --data DIR[,DIR] --out DIR [--minutes 60] [--batch 16] [--resume]
on the faces that scripts/training/record.ts recorded, seen by cameras and in lights of scripts/training/scenes.py. Writes network.json,
network.weights, state.pt and a sheet of held-out faces every few minutes. PyTorch 2.2 or later.
"""

import argparse
import glob
import json
import math
import os
import queue
import threading
import time

import numpy as np
import torch
from torch import nn

from averaged import Averaged
from data import HEIGHT, PLANES, SIDE, WIDTH, Recorded
from network import Network, cover_steps, export, multiplications
from scenes import Scenes

BASE, CROP, ALPHA, RIM, FACING, WANTED = slice(0, 3), slice(3, 6), 6, 7, 8, 12
HAIR = 70
"""Rows of the window below which no hair hangs before the faces that were recorded."""
WIDER = 2
"""Crop pixels that are left out around a thing: its soft edge is neither it nor the face."""
FALSE = 3.0
"""The performer's own skin left bare is so many times worse than a finger that is painted over."""


def occlusion_steps():
    """given: the drawn face R, G, B; the crop R, G, B, 0 to 1; where the face lies, 0 on its outline to 1; how squarely it faces the camera. hole: a logit."""
    plan = cover_steps(inputs=8)
    return [{**step, "to": "hole"} if step["to"] == "cover" else step for step in plan]


def begun(network, path):
    """From the part of a learned double that was trained to leave things out: it has seen more than this training will."""
    theirs, mine = torch.load(path, map_location="cpu")["averaged"], network.state_dict()
    taken = {name: value for name, value in theirs.items() if name in mine and mine[name].shape == value.shape}
    taken["convolutions.o.weight"] = theirs["convolutions.o.weight"][:, [0, 1, 2, 3, 4, 5, 7, 8]]
    for name in ("convolutions.w1.weight", "convolutions.w1.bias"):
        taken[name] = -8 * theirs[name]
    # A change of alpha by less than a half is no hole.
    taken["convolutions.w1.bias"] -= 4
    network.load_state_dict(taken, strict=False)


def paths(folders):
    return [path for folder in folders for path in sorted(glob.glob(f"{folder}/*.bin"))]


def about(path):
    with open(path[:-4] + ".json") as file:
        return json.load(file)["faces"][: os.path.getsize(path) // (PLANES * SIDE * SIDE)]


class Faces:
    def __init__(self, folders, seed):
        self.recorded = Recorded(folders, seed=seed)
        self.scenes = Scenes(HEIGHT, WIDTH, seed)
        self.random = np.random.default_rng(seed)
        self.things = [face["occluder"] for path in paths(folders) for face in about(path)]
        self.occluded = [i for i in self.recorded.training if self.things[i]]

    def planes(self, i):
        """crop and drawn face height × width × 3; the drawn face’s alpha, rim, facing, hole, how sure the hole is: height × width each."""
        shard, place, _ = self.recorded.index[i]
        face = np.asarray(self.recorded.shards[shard][place], np.float32) / 255
        rim = face[RIM]
        hole = np.clip(1 - face[WANTED] / np.maximum(rim, 0.05), 0, 1)
        # Near the outline the drawn face fades as another than the one that was rendered does: what is left out there is not known.
        near = nn.functional.max_pool2d((1 - torch.from_numpy(rim[None, ::4, ::4].copy()) > 0.03).float(), 7, 1, 3)[0].numpy()
        inner = 1 - np.repeat(np.repeat(near, 4, 0), 4, 1)
        sure = inner.copy()
        if not self.things[i]:
            # Nothing was held before this face: only hair may be, and where it does not reach further in, the outline is skin.
            first = inner.argmax(0)
            below = np.minimum(first[None] + np.arange(6)[:, None], HEIGHT - 1)
            hair = np.take_along_axis(hole * inner, below, 0).max(0) > 0.3
            hair = nn.functional.max_pool1d(torch.from_numpy(hair[None].astype(np.float32)), 17, 1, 8)[0].numpy()
            sure[HAIR:] = np.maximum(sure[HAIR:], 0.5)
            sure[:HAIR] = np.maximum(sure[:HAIR], 0.5 * (1 - hair))
            hole = hole * inner
        return np.moveaxis(face[CROP], 0, 2), np.moveaxis(face[BASE], 0, 2), face[ALPHA], rim, face[FACING], hole * (rim > 0.3), sure

    def sample(self, varied=True, index=None):
        r = self.random
        if index is None:
            index = self.occluded[r.integers(len(self.occluded))] if r.random() < 0.3 else self.recorded.next(1)[0]
        parts = self.planes(index)
        if varied and r.random() < 0.5:
            parts = [part[:, ::-1] for part in parts]
        crop, base, alpha, rim, facing, hole, sure = parts
        if varied:
            drawn = np.zeros_like(hole)
            early = r.random() < 0.6
            if early:
                crop, base = self.scenes.lit(crop, base)
            if r.random() < 0.35:
                crop, drawn = self.scenes.passing(crop, rim * (1 - hole))
            if not early:
                crop, base = self.scenes.lit(crop, base)
            crop, base = self.scenes.filmed(crop, base)
            if r.random() < 0.7:
                moved = self.scenes.shifted(np.concatenate([np.moveaxis(crop, 2, 0), hole[None], drawn[None]]).astype(np.float32))
                crop, hole, drawn = np.moveaxis(moved[:3], 0, 2), moved[3], moved[4]
            hole, sure = np.maximum(hole, drawn), np.maximum(sure, drawn > 0.3)
        # Through its openings the drawn face shows the plate.
        base = crop + (base - crop) * alpha[..., None]
        # Beyond the outline nothing is drawn; what is there counts a little, for an edge is best seen from both sides.
        weight = sure * (0.1 + 0.9 * np.minimum(1, 3 * rim))
        pictures = np.concatenate([np.moveaxis(base, 2, 0), np.moveaxis(crop, 2, 0)])
        return pictures, np.stack([rim, facing]), hole[None], weight[None]

    def batch(self, count, **how):
        parts = zip(*(self.sample(**how) for _ in range(count)))
        crop, place, hole, weight = (torch.from_numpy(np.ascontiguousarray(np.stack(part), np.float32)) for part in parts)
        return self.ready(crop, place, hole, weight)

    def ready(self, crop, place, hole, weight):
        side = 2 * WIDER + 1
        coarse = nn.functional.interpolate(nn.functional.avg_pool2d(place, 2), scale_factor=2)
        return torch.cat([crop, coarse], 1), nn.functional.max_pool2d(hole, side, 1, WIDER), weight

    def held(self, indices):
        parts = zip(*(self.sample(varied=False, index=i) for i in indices))
        return self.ready(*(torch.from_numpy(np.ascontiguousarray(np.stack(part), np.float32)) for part in parts))

    def ahead(self, count, fresh=4, kept=1024):
        """Batches of which so many faces are new and the others were shown before, seen again brighter or darker, mirrored or not."""
        ready, shelf = queue.Queue(3), []

        def fill():
            while True:
                for _ in range(count if len(shelf) < 64 else fresh):
                    given, hole, weight = self.batch(1)
                    one = (given.half(), hole.half(), weight.half())
                    if len(shelf) < kept:
                        shelf.append(one)
                    else:
                        shelf[self.random.integers(kept)] = one
                again = [shelf[-1 - i] for i in range(min(fresh, len(shelf)))] if len(shelf) < kept else []
                again += [shelf[i] for i in self.random.integers(0, len(shelf), count - len(again))]
                given, hole, weight = (torch.cat(part).float() for part in zip(*again))
                if self.random.random() < 0.5:
                    given, hole, weight = (part.flip(3) for part in (given, hole, weight))
                gain = torch.from_numpy(np.exp(self.random.normal(0, 0.15, (count, 3, 1, 1))).astype(np.float32))
                given[:, :6] = (given[:, :6] * gain.repeat(1, 2, 1, 1)).clamp(0, 1)
                ready.put((given, hole, weight))

        threading.Thread(target=fill, daemon=True).start()
        while True:
            yield ready.get()


def loss_of(logit, hole, weight):
    each = nn.functional.binary_cross_entropy_with_logits(logit, hole, reduction="none")
    worse = weight * (1 + (FALSE - 1) * (1 - hole))
    plain = (each * worse).mean() / 0.3
    # Each face counts alike, however small its hole is.
    p = torch.sigmoid(logit)
    overlap = (p * hole * weight).sum((1, 2, 3)) + 20
    union = ((p + hole - p * hole) * weight).sum((1, 2, 3)) + 20
    return plain + 0.5 * (1 - overlap / union).mean()


def look(network, faces, count=160):
    """Over held-out faces: share of holes found, and share of faces without any where more than a hundredth is left out wrongly."""
    found = total = 0
    wrong, bare = 0, 0
    held = faces.recorded.held_out[:count]
    with torch.no_grad():
        for first in range(0, len(held), 16):
            given, hole, weight = faces.held(held[first : first + 16])
            open_ = (network.run({"given": given})["hole"] > 0).float()
            inside = (weight > 0.5).float()
            found += (open_ * hole * inside).sum().item()
            total += (hole * inside).sum().item()
            false = (open_ * (hole < 0.1) * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))
            wrong += (false > 0.01).sum().item()
            bare += len(false)
    return found / max(total, 1), wrong / bare


def sheet(network, faces, path):
    from PIL import Image

    given, hole, weight = faces.batch(24)
    crop = given[:, 3:6]
    with torch.no_grad():
        p = torch.sigmoid(network.run({"given": given})["hole"])
    rows = []
    for k in range(0, 24, 4):
        row = []
        for j in range(k, k + 4):
            grey = lambda x: x[j].expand(3, -1, -1)
            row += [crop[j], crop[j] * (1 - 0.7 * grey(hole) * torch.tensor([0.0, 1, 1]).view(3, 1, 1)), grey(p)]
        rows.append(torch.cat(row, 2))
    out = (torch.cat(rows, 1).permute(1, 2, 0).numpy() * 255).clip(0, 255).astype(np.uint8)
    Image.fromarray(out).save(path)


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
    parser.add_argument("--start", help="state.pt of a learned double's training with a part that leaves things out")
    parser.add_argument("--every", type=float, default=120, help="seconds between two looks")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    faces = Faces(args.data.split(","), args.seed)
    network = Network(occlusion_steps()).to(memory_format=torch.channels_last)
    areas = multiplications(network.plan, HEIGHT, WIDTH)
    if args.start:
        begun(network, args.start)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-4)
    averaged = Averaged(network)
    state = {"samples": 0, "seconds": 0.0, "curve": []}
    if args.resume and os.path.exists(f"{args.out}/state.pt"):
        loaded = torch.load(f"{args.out}/state.pt")
        network.load_state_dict(loaded["network"])
        averaged.network.load_state_dict(loaded["averaged"])
        optimizer.load_state_dict(loaded["optimizer"])
        state = loaded["state"]
    print(f"{len(faces.recorded.training)} faces, {len(faces.occluded)} with something before them, {areas / 1e6:.0f} M multiplications", flush=True)
    began = looked = time.time()
    before_s, steps, window, share = state["seconds"], 0, [], 0.0
    batches = faces.ahead(args.batch)
    while share < 1:
        share = min(1.0, (time.time() - began) / (args.minutes * 60))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, (steps + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        given, hole, weight = next(batches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            values = network.run({"given": given.to(memory_format=torch.channels_last)})
        loss = loss_of(values["hole"].float(), hole, weight)
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
        found, wrong = look(averaged.network, faces)
        state["curve"].append([state["samples"], float(np.mean(window)), found, wrong])
        print(f"{state['samples']} samples, {state['seconds'] / 60:.1f} min: loss {np.mean(window):.4f}, {100 * found:.1f} % of holes found, {100 * wrong:.1f} % of faces with a false one", flush=True)
        training = {
            "seed": args.seed,
            "data": faces.recorded.about,
            "samples": state["samples"],
            "hours": round(state["seconds"] / 3600, 3),
            "device": "CPU",
            "heldOutFoundPct": round(100 * found, 1),
            "heldOutFalsePct": round(100 * wrong, 1),
            "multiplications": areas,
        }
        export(averaged.network, args.out, training, ("given",), ("hole",))
        torch.save({"network": network.state_dict(), "averaged": averaged.network.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, f"{args.out}/state.pt")
        sheet(averaged.network, faces, f"{args.out}/sheet.png")
        window, looked = [], time.time()


if __name__ == "__main__":
    main()
