"""The network of a learned double: a small U-Net whose steps are data, so that the same list trains here and becomes ONNX elsewhere."""

import json

import numpy as np
import torch
from torch import nn

from data import HEIGHT, LEFT, TOP, WIDTH
from warp import warp

INPUTS = {"drawn": 6, "coarse": 3}
"""drawn: base R, G, B, the mesh's alpha, its rim, facing (server/double/painter.ts). coarse: the crop's means over COARSE² pixels."""
OUTPUTS = {"change": 5}
"""On a grid of 1/STEP: from where each point of the drawing is taken, x and y in steps of STEP pixels, and what is added to R, G, B."""
COARSE = 8
STEP = 4
AREAS = {"drawn": HEIGHT * WIDTH, "coarse": HEIGHT * WIDTH // COARSE**2}
"""Pixels of each input."""


def conv(source, target, inputs, outputs, kernel=3, stride=1, relu=True, groups=1):
    """groups: so many bundles of channels that do not see each other."""
    return dict(op="conv", **{"from": source, "to": target}, inputs=inputs, outputs=outputs, kernel=kernel, stride=stride, relu=relu, groups=groups)


def full(source, target, inputs, outputs, relu=True):
    """A 3×3 convolution."""
    return [conv(source, target, inputs, outputs, relu=relu)]


def light(source, target, inputs, outputs, relu=True):
    """One in two: 3×3 of each channel by itself, then all channels of each pixel (Howard et al., MobileNets, 2017). Half the time of a full one at 56×48."""
    each = f"{target}Each"
    return [conv(source, each, inputs, inputs, relu=False, groups=inputs), conv(each, target, inputs, outputs, 1, relu=relu)]


def up(source, target):
    return {"op": "double", "from": source, "to": target}


def add(source, other, target):
    return {"op": "add", "from": source, "and": other, "to": target}


def steps(widths=(16, 32, 48, 64, 96)):
    """
    A U-Net from half the crop's size down to a 1/32 of it, and up again to a quarter. It moves the drawing and tints it; it cannot draw over
    it, for a network that may rather blurs what it cannot place. Of the performer it sees eyes and mouth, through the mesh's openings, and the rest
    so coarsely that no likeness can pass: light, shadows, where the brows are (server/docs/decisions/learned-double.md). Widths are multiples of
    16, which is what a processor's vectors reckon with anyway; most of the time goes into the finest levels, so that they are short and light.
    """
    a, b, c, d, e = widths
    return [
        conv("drawn", "a", INPUTS["drawn"], a, 2, 2),
        conv("a", "b0", a, b, 2, 2),
        *light("b0", "b", b, b),
        *below(b, c, d, e, light, beside=[conv("coarse", "k0", INPUTS["coarse"], b), *light("k0", "k1", b, c)]),
        *light("h0", "h1", b, b),
        *light("h1", "change", b, OUTPUTS["change"], relu=False),
    ]


def below(b, c, d, e, fine=full, beside=()):
    """
    From the value b, a quarter of the crop's size, down three levels and up again to h0, of b's size and width. fine: what convolves on the
    first level down (full or light). beside: steps that end in k1, which is added there.
    """
    return [
        conv("b", "c0", b, c, 2, 2),
        *beside,
        *([add("c0", "k1", "c1")] if beside else []),
        *fine("c1" if beside else "c0", "c", c, c),
        conv("c", "d0", c, d, 2, 2),
        conv("d0", "d1", d, d),
        conv("d1", "d", d, d),
        conv("d", "e0", d, e, 2, 2),
        conv("e0", "e1", e, e),
        conv("e1", "e2", e, e),
        conv("e2", "e3", e, d, 1),
        up("e3", "e4"),
        add("e4", "d", "f0"),
        conv("f0", "f1", d, d),
        conv("f1", "f2", d, c, 1),
        up("f2", "f3"),
        add("f3", "c", "g0"),
        *fine("g0", "g1", c, c),
        conv("g1", "g2", c, b, 1),
        up("g2", "g3"),
        add("g3", "b", "h0"),
    ]


def shallow(given, inputs, answer, outputs, widths=(16, 32, 48, 64)):
    """
    A U-Net whose finest levels are short: from `given`, so many planes, at half its size down to a 1/16 of it, and up again to half, where it answers
    so many. Widths in sixteens, as above.
    """
    a, b, c, d = widths
    return [
        conv(given, "a", inputs, a, 2, 2),
        conv("a", "b0", a, b, 2, 2),
        conv("b0", "b", b, b),
        conv("b", "c0", b, c, 2, 2),
        conv("c0", "c", c, c),
        conv("c", "d0", c, d, 2, 2),
        conv("d0", "d1", d, d),
        conv("d1", "d2", d, d),
        conv("d2", "d3", d, c, 1),
        up("d3", "d4"),
        add("d4", "c", "e0"),
        conv("e0", "e1", c, c),
        conv("e1", "e2", c, b, 1),
        up("e2", "e3"),
        add("e3", "b", "f0"),
        conv("f0", "f1", b, b),
        conv("f1", "f2", b, a, 1),
        up("f2", "f3"),
        add("f3", "a", "g0"),
        conv("g0", "g1", a, a),
        conv("g1", answer, a, outputs, 1, relu=False),
    ]


class Network(nn.Module):
    def __init__(self, plan=None):
        super().__init__()
        self.plan = plan or steps()
        self.convolutions = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        for step in self.plan:
            if step["op"] != "conv":
                continue
            pad = (step["kernel"] - 1) // 2
            groups = step.get("groups", 1)
            made = nn.Conv2d(step["inputs"], step["outputs"], step["kernel"], step["stride"], pad, groups=groups, bias=not step["relu"])
            self.convolutions[step["to"]] = made
            if step["relu"]:
                nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
                self.norms[step["to"]] = nn.BatchNorm2d(step["outputs"])
            elif groups == 1:
                # It begins by changing nothing.
                nn.init.zeros_(made.weight)
                nn.init.zeros_(made.bias)

    def forward(self, given):
        """given: n × 9 × height × width, multiples of 32, as recorded (data.py). Answers OUTPUTS' change."""
        drawn = torch.cat([given[:, 0:3], given[:, 6:9]], 1)
        return self.run({"drawn": drawn, "coarse": nn.functional.avg_pool2d(given[:, 3:6], COARSE)})["change"]

    def run(self, values):
        """All values by their names, those given with them."""
        for step in self.plan:
            x, to = values[step["from"]], step["to"]
            if step["op"] == "conv":
                y = self.convolutions[to](x)
                values[to] = torch.relu(self.norms[to](y)) if step["relu"] else y
            elif step["op"] == "add":
                values[to] = x + values[step["and"]]
            elif step["op"] == "double":
                values[to] = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            else:
                values[to] = nn.functional.pixel_shuffle(x, 2)
        return values


def draw(network, given):
    """Colour and alpha of what a face is replaced with, as the server computes them (server/frame/kernels/move.ts)."""
    change = network(given)
    return tinted(moved(given[:, 0:3], change[:, 0:2]), finer(change[:, 2:5])), given[:, 7:8]


def moved(base, flow):
    """The drawing, each point taken from where flow says: brows, lids and lips of the double where the performer's expression puts them."""
    return warp(base, finer(STEP * flow))


def finer(grid):
    return nn.functional.interpolate(grid, scale_factor=STEP, mode="bilinear")


def tinted(moved, change):
    return (moved + change).clamp(0, 1)


def export(network, folder, training, inputs=tuple(INPUTS), outputs=tuple(OUTPUTS)):
    """Writes network.json and network.weights; the normalisation is folded into the convolutions before it."""
    parts, at, nodes = [], 0, []

    def keep(values):
        nonlocal at
        flat = values.detach().cpu().numpy().astype("<f4").ravel()
        parts.append(flat)
        at += flat.size
        return [at - flat.size, int(flat.size)]

    for step in network.plan:
        if step["op"] != "conv":
            nodes.append(step)
            continue
        made = network.convolutions[step["to"]]
        weight, bias = made.weight, made.bias
        if step["to"] in network.norms:
            norm = network.norms[step["to"]]
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = weight * scale[:, None, None, None]
            bias = norm.bias - norm.running_mean * scale
        nodes.append({**step, "weights": keep(weight), "bias": keep(bias)})
    np.concatenate(parts).tofile(f"{folder}/network.weights")
    with open(f"{folder}/network.json", "w") as file:
        json.dump({"format": 2, "window": [TOP, LEFT, HEIGHT, WIDTH], "inputs": list(inputs), "outputs": list(outputs), "nodes": nodes, "training": training}, file, indent=1)


def multiplications(plan, areas):
    """Of one run, those of its convolutions: what most of its time goes into. areas: pixels of what is given, by its name."""
    areas, total = dict(areas), 0
    for step in plan:
        size = areas[step["from"]]
        if step["op"] == "conv":
            size //= step["stride"] ** 2
            total += size * step["inputs"] * step["outputs"] * step["kernel"] ** 2 // step.get("groups", 1)
        elif step["op"] in ("double", "shuffle"):
            size *= 4
        areas[step["to"]] = size
    return total
