"""The loop that every training here runs in: options, going on where it stopped, one warm-up and one cosine, averaged weights, looks."""

import argparse
import json
import math
import os
import time

import numpy as np
import torch

from averaged import Averaged

WARM_UP = 200
"""Steps until the learning rate is the one that was asked for."""


def options(minutes, batch):
    """A parser with what every training can be told; these are the defaults that differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--plain", action="store_true", help="compile nothing")
    parser.add_argument("--every", type=float, default=180, help="seconds between two looks")
    return parser


def prepare(args):
    """Seed, threads, folder. The device."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def trained(folder, device):
    """The weights that another training kept."""
    return torch.load(f"{folder}/state.pt", map_location=device)["averaged"]


class Training:
    """A network on its way. `averaged` is the one to measure and to keep; `samples`, `seconds` and `curve` count from its first beginning."""

    def __init__(self, network, args, device):
        self.args, self.device = args, device
        self.network = network.to(device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-4)
        self.kept = Averaged(network)
        self.samples, self.seconds, self.curve = 0, 0.0, []
        self.steps, self.window = 0, []
        self.file = f"{args.out}/state.pt"
        if args.resume and os.path.exists(self.file):
            self.load()

    @property
    def averaged(self):
        return self.kept.network

    def load(self):
        loaded = torch.load(self.file, map_location=self.device)
        self.network.load_state_dict(loaded["network"])
        self.averaged.load_state_dict(loaded["averaged"])
        self.optimizer.load_state_dict(loaded["optimizer"])
        state = loaded["state"]
        self.samples, self.seconds, self.curve = state["samples"], state["seconds"], state["curve"]

    def save(self):
        """state.pt, which --resume goes on from, and curve.json; whole or not at all."""
        state = {"samples": self.samples, "seconds": self.seconds, "curve": self.curve}
        parts = {"network": self.network.state_dict(), "averaged": self.averaged.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save({**parts, "state": state}, f"{self.file}.part")
        os.replace(f"{self.file}.part", self.file)
        with open(f"{self.args.out}/curve.json", "w") as file:
            json.dump(self.curve, file)

    def about(self):
        """What a card says of any training."""
        return {
            "seed": self.args.seed,
            "samples": self.samples,
            "hours": round(self.seconds / 3600, 3),
            "threads": self.args.threads,
            "device": torch.cuda.get_device_name() if self.device.type == "cuda" else "CPU",
        }

    def run(self, batches, loss_of, look):
        """
        Learns for --minutes. loss_of(network, batch) answers a loss; what of it may be in half precision it says itself (`half`). look(loss)
        comes every --every seconds and at the end, with the mean loss since the last look: it measures, adds to the curve and saves.
        """
        began = looked = time.time()
        before = self.seconds
        share = 0.0
        while share < 1:
            share = min(1.0, (time.time() - began) / (self.args.minutes * 60))
            self.pace(share)
            batch = next(batches)
            loss = loss_of(self.network, batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.steps += 1
            self.kept.follow(self.network, self.steps)
            self.window.append(loss.item())
            self.samples += len(batch[0])
            self.seconds = before + time.time() - began
            if share < 1 and time.time() - looked < self.args.every:
                continue
            look(float(np.mean(self.window)))
            self.window, looked = [], time.time()

    def pace(self, share):
        """A short warm-up, then one cosine over the time that was given."""
        warm = min(1.0, (self.steps + 1) / WARM_UP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.args.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))

    def compiled(self, judge, **how):
        """Made one loop over the pixels, which takes a third of the time; it needs a C++ compiler. --plain leaves it as it is."""
        return judge if self.args.plain else torch.compile(judge, **how)

    def half(self):
        """The network runs in half precision (bfloat16), on a processor too."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16)
