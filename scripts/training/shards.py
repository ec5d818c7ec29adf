"""Recordings: NAME.bin, one sample of bytes after another, and NAME.json beside it, which says whose faces they are."""

import glob
import json
import math
import os

import numpy as np

from batches import Order


def recordings(folders, recorder):
    """Path of each recording that holds anything, and what its JSON says. recorder: the script that makes such recordings."""
    found = [path for folder in folders for path in sorted(glob.glob(f"{folder}/*.bin")) if os.path.getsize(path)]
    if not found:
        raise SystemExit(f"There are no recorded faces in {', '.join(folders)}: run {recorder} first.")
    for path in found:
        with open(path[:-4] + ".json") as file:
            yield path, json.load(file)


def samples(path, shape):
    """A recording's bytes, samples × shape, read when they are looked at."""
    return np.memmap(path, np.uint8, "r", shape=(os.path.getsize(path) // math.prod(shape), *shape))


def apart(drivers):
    """Whole people are held out, every twelfth: a face that was seen from another side is no stranger."""
    return {driver for driver in drivers if driver % 12 == 0} or {max(drivers)}


def spread(indices, most):
    """At most so many of them, from first to last."""
    return indices[:: max(1, len(indices) // most)][:most]


class Faces:
    """Recorded faces of drivers. Who is held out is so in all folders."""

    def __init__(self, folders, recorder, shape, seed, measured, shown):
        """shape: of a sample. measured, shown: how many of those held out are measured on and shown at most."""
        self.shards, self.index = [], []
        for path, about in recordings(folders, recorder):
            shard = samples(path, shape)
            self.index += [(len(self.shards), i, about["faces"][i]["driver"]) for i in range(len(shard))]
            self.shards.append(shard)
        drivers = {driver for _, _, driver in self.index}
        strangers = apart(drivers)
        self.held_out = spread([i for i, (_, _, driver) in enumerate(self.index) if driver in strangers], measured)
        self.training = [i for i, (_, _, driver) in enumerate(self.index) if driver not in strangers]
        self.shown = spread(self.held_out, shown)
        self.about = {"faces": len(self.index), "drivers": len(drivers)}
        self.random = np.random.default_rng(seed)
        self.order = Order(self.training, self.random)
