"""
Trains the network that puts a learned double's eyes and mouth together, on recorded parts:
  python3 scripts/training/train_features.py --data DIR[,DIR] --out DIR [--minutes 30] [--batch 16] [--resume] [--start DIR] [--own]
DIRs as scripts/training/record-features.ts wrote them; several are several doubles that share it; --own then makes of it the network of one. Every few minutes it writes what it has
(network.json, network.weights), its curve (curve.json) and a sheet of held-out faces (sheet.png); --resume goes on from there.
"""

import json

import numpy as np
import torch

from batches import ahead
from features import EYE, GIVEN, MOUTH, Features, composed, faded_edge, tower
from judging import losses
from loop import Training, options, prepare, trained
from network import Network, export, multiplications
from pictures import write
from reader import apart_by, readers

PARTS = (("eyes", EYE), ("mouth", MOUTH))
READ = 1.5
"""Weight of a misreading (reader.py), beside the colours' losses."""
SHOWN = 160
"""Pixels of a part on the sheet."""


def put_together(network, parts, training):
    """What stands in eyes and mouths then; parts as Features.batch."""
    given = {f"{name}Given": part[:, :GIVEN].contiguous(memory_format=torch.channels_last) for (name, _), part in zip(PARTS, parts)}
    with training.half():
        answers = network.run(given)
    edges = (faded_edge(*size).to(training.device) for _, size in PARTS)
    return [composed(part, answers[f"{name}Change"].float().contiguous(), edge) for (name, _), part, edge in zip(PARTS, parts, edges)]


def judge(part, colour, edge):
    return losses(part[:, 7:10], part[:, 10:11], colour, edge.expand(len(part), 1, *edge.shape))


def evaluate(training, recorded, batch=32):
    """PSNR in dB over all held-out eyes, and mouths: as put together, as drawn before."""
    wrong, count = np.zeros((2, len(PARTS))), np.zeros(len(PARTS))
    with torch.no_grad():
        for first in range(0, len(recorded.held_out), batch):
            parts = [part.to(training.device) for part in recorded.batch(recorded.held_out[first : first + batch])]
            for k, (part, colour) in enumerate(zip(parts, put_together(training.averaged, parts, training))):
                truth, inside = part[:, 7:10], (part[:, 10:11] > 0.5).float()
                for which, picture in enumerate((colour.clamp(0, 1), part[:, 0:3])):
                    wrong[which, k] += ((picture - truth) ** 2 * inside).sum().item()
                count[k] += inside.sum().item() * 3
    return (-10 * np.log10(wrong / count)).tolist()


def sheet(training, recorded, path):
    """A row a face; of each eye and the mouth the performer, the double as drawn, as put together, and the truth."""
    parts = [part.to(training.device) for part in recorded.batch(recorded.shown)]
    with torch.no_grad():
        eyes, mouths = put_together(training.averaged, parts, training)

    def tile(picture):
        size = (SHOWN * picture.shape[1] // picture.shape[2], SHOWN)
        larger = torch.nn.functional.interpolate(picture[None], size=size, mode="bicubic")[0]
        return (larger.clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()

    rows = []
    for n in range(len(mouths)):
        faces = [(parts[0][2 * n], eyes[2 * n]), (parts[0][2 * n + 1], eyes[2 * n + 1]), (parts[1][n], mouths[n])]
        tiles = [tile(picture) for part, made in faces for picture in (part[4:7], part[0:3], made, part[7:10])]
        height = max(len(one) for one in tiles)
        rows.append(np.concatenate([np.pad(one, ((0, height - len(one)), (0, 0), (0, 0))) for one in tiles], 1))
    write(path, np.concatenate(rows, 0))


def open_readers(folder, device):
    reading = readers().to(device)
    reading.load_state_dict(trained(folder, device))
    return reading.eval().requires_grad_(False)


def misread(reading, parts, colours, training):
    """How far a reader reads what was put together and the truth apart. What stands before a face is the same in both."""
    total = 0
    for reader, part, colour in zip(reading, parts, colours):
        truth, wanted = part[:, 7:10], part[:, 10:11]
        with training.half():
            both = reader(torch.cat([truth + (colour - truth) * wanted, truth]))
        made, meant = zip(*(one.chunk(2) for one in both))
        total = total + apart_by(made, meant)
    return total


def begin_from(folder, network, device):
    """Takes another training's weights, where a layer is of the same size."""
    theirs, mine = trained(folder, device), network.state_dict()
    network.load_state_dict({name: theirs[name] if name in theirs and theirs[name].shape == value.shape else value for name, value in mine.items()})


def main():
    parser = options(minutes=30, batch=16)
    parser.add_argument("--start", help="a folder that was trained before, whose network is gone on with")
    parser.add_argument("--own", action="store_true", help="a network for one double, whose face it may know by heart")
    parser.add_argument("--reader", help="a folder that reader.py made: lips, lids and brows shall be read as the truth's are")
    args = parser.parse_args()
    device = prepare(args)
    recorded = Features(args.data.split(","), seed=args.seed, others=not args.own)
    network = Network([step for name, _ in PARTS for step in tower(name)])
    before = {}
    if args.start:
        begin_from(args.start, network, device)
        with open(f"{args.start}/network.json") as file:
            before["before"] = json.load(file)["training"]
    training = Training(network, args, device)
    cost = sum(count * multiplications(tower(""), {"Given": height * width}) for count, (_, (height, width)) in zip((2, 1), PARTS))
    print(f"{len(recorded.training)} faces to train on, {len(recorded.held_out)} held out, {device}, {cost / 1e6:.0f} M multiplications", flush=True)
    judged = training.compiled(judge, dynamic=False)
    edges = [faded_edge(*size).to(device) for _, size in PARTS]

    reading = open_readers(args.reader, device) if args.reader else None

    def loss_of(network, parts):
        colours = put_together(network, parts, training)
        own = sum(judged(part, colour, edge) for part, colour, edge in zip(parts, colours, edges))
        return own + READ * misread(reading, parts, colours, training) if reading else own

    def look(loss):
        (eyes, mouth), (eyes_before, mouth_before) = evaluate(training, recorded)
        training.curve.append([training.samples, loss, eyes, mouth, eyes_before, mouth_before])
        print(f"{training.samples} samples, {training.seconds / 60:.1f} min, loss {loss:.4f}: eyes {eyes:.2f} dB ({eyes_before:.2f} before), mouth {mouth:.2f} dB ({mouth_before:.2f})", flush=True)
        training.save()
        measured = {"heldOutEyesDb": round(eyes, 2), "eyesBeforeDb": round(eyes_before, 2), "heldOutMouthDb": round(mouth, 2), "mouthBeforeDb": round(mouth_before, 2)}
        about = {**training.about(), "data": recorded.about, **measured, "multiplications": cost, **before}
        export(training.averaged, args.out, about, [f"{name}Given" for name, _ in PARTS], [f"{name}Change" for name, _ in PARTS])
        sheet(training, recorded, f"{args.out}/sheet.png")

    training.run(ahead(lambda: recorded.varied(args.batch), device), loss_of, look)


main()
