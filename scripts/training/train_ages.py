"""
Trains the network of the age treatment `reage` on people recorded in their skins at several ages:
  python3 scripts/training/train_ages.py --data DIR --out DIR [--minutes 30] [--batch 8] [--resume] [--without ANCESTRY-SEX]
It uses a CUDA GPU where one is at hand, else the processor in half precision (bfloat16). Every few minutes it writes what it has
(network.json, network.weights), its curves (curves.png) and a sheet of held-out people (sheet.png: old skin, a half and the whole way younger,
the young truth; young skin, a half and the whole way older, the old truth); --resume goes on from there. --without leaves one kind of skin out of the training
and measures on that one: how much of the gain is knowledge of these very skins. PyTorch 2.2 or later.
"""

import math

import torch

from ages import Pairs
from batches import ahead
from data import HEIGHT, WIDTH
from loop import Training, options, prepare
from network import Network, add, below, conv, export, multiplications, up
from pictures import curves, write_rows
from slopes import slopes

GIVEN = 8
"""Crop R, G, B, the mesh's u and v, where skin may be changed, the dial's younger and older half: scripts/age/reage-graph.ts."""
OUTPUTS = 3
WAVES = (1, 2, 4, 8)
"""
Waves along u and along v, sine and cosine, every STEP pixels: from them a network draws a map of where on a face which sign of age stands more
finely than from u and v themselves (Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
Domains", 2020), and not so finely that it could learn a painted skin by heart.
"""
STEP = 4


def steps(widths=(16, 32, 48, 64, 96)):
    """
    A U-Net from half the crop's size down to a 1/32 of it, as the doubles' but told the dial and shown the whole of the plate. Widths are
    multiples of 16, which the runtime's convolutions count in.
    """
    a, b, c, d, e = widths
    return [
        conv("given", "a", GIVEN, a, 2, 2),
        conv("waves", "w0", 4 * len(WAVES), b, 1),
        conv("w0", "w", b, b, 1),
        conv("a", "b0", a, b, 2, 2),
        add("b0", "w", "b1"),
        conv("b1", "b", b, b),
        *below(b, c, d, e),
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
        return self.run({"given": given, "waves": waves(given[:, 3:5])})["change"]


def waves(place):
    """place: n × 2 × height × width, u and v."""
    turns = place[:, :, ::STEP, ::STEP] * (2 * math.pi)
    return torch.cat([wave(k * turns) for k in WAVES for wave in (torch.sin, torch.cos)], 1)


def changed(given, rate):
    """What is added to the plate, as scripts/age/reage-graph.ts computes it."""
    return rate.clamp(-0.5, 0.5) * (given[:, 6:7] + given[:, 7:8]) * given[:, 5:6]


def judge(given, change, where, rate):
    """Absolute differences, and those of slopes."""
    wrong = (changed(given, rate) - change * where) * where
    return (2 * wrong.abs().sum() + 0.8 * slopes(wrong)) / (where.sum().clamp(min=1) * OUTPUTS)


SETTINGS = {"younger": (2, 0, -1.0), "middle younger": (1, 0, -0.55), "older": (0, 2, 1.0)}


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
    write_rows(parts, path)


def main():
    parser = options(minutes=30, batch=8)
    parser.add_argument("--without", help="a kind of skin, for example asian-male")
    args = parser.parse_args()
    device = prepare(args)
    pairs = Pairs(args.data, seed=args.seed, without=args.without)
    training = Training(AgeNetwork(), args, device)
    cost = multiplications(steps(), {"given": HEIGHT * WIDTH, "waves": HEIGHT * WIDTH // STEP**2})
    print(f"{len(pairs.training)} moments to train on, {len(pairs.held_out)} held out, {device}, {cost / 1e6:.0f} M multiplications", flush=True)
    judged = training.compiled(judge)

    def loss_of(network, batch):
        given, change, where = batch
        with training.half():
            rate = network(given.to(memory_format=torch.channels_last))
        return judged(given, change, where, rate.float().contiguous())

    def look(loss):
        measured = evaluate(training.averaged, pairs, device)
        training.curve.append([training.samples, loss, measured["younger"], measured["older"]])
        told = ", ".join(f"{name} {value:.1f} %" for name, value in measured.items())
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}: held-out {told}", flush=True)
        gains = {name: round(value, 1) for name, value in measured.items()}
        card = {**training.about(), "data": pairs.about, "without": args.without, "heldOutGainPct": gains, "multiplications": cost}
        export(training.averaged, args.out, card, ["given", "waves"], ["change"])
        training.save()
        curves(training.curve, f"{args.out}/curves.png")
        sheet(training.averaged, pairs, device, f"{args.out}/sheet.png")

    training.run(ahead(lambda: pairs.varied(args.batch), device), loss_of, look)


main()
