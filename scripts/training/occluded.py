"""Recorded faces with what stands before them, at half the crop's size, for train_occlusion.py."""

import numpy as np
import torch
from torch import nn

from batches import Order
from data import PLANES, SIDE, window
from scenes import COLUMNS, ROWS, STEP, Scenes
from shards import apart, recordings, samples, spread

PLATE, SKIN, RIM, FACING, WANTED = slice(3, 6), 6, 7, 8, 12
"""Planes that are taken of what record.ts records: what the camera saw, the face without eyes and mouth, its rim, facing, where a double is wanted."""
COVERED = 7
"""Planes of what record-covered.ts records: what the camera saw (3), openings, coverage and facing of the mesh, what stands before the face."""
SEEN = 0.3
"""Share of faces with something that was rendered before them, of those that are shown."""
DRAWN = 0.38
"""Share of faces that something is drawn before."""
FRESH, SHELF = 3, 1536
"""Every so many faces of a batch one is new; the others lie on a shelf of so many and are shown again, mirrored or not, brighter or darker."""
GIVEN = 6
"""Planes that the network is given: plate R, G, B, skin, rim, facing."""


def half(planes):
    """Means over STEP² pixels of the part of a recording that the network sees, n × k × ROWS × COLUMNS bytes."""
    part = torch.from_numpy(np.ascontiguousarray(window(planes))).float()
    return nn.functional.avg_pool2d(part, STEP)


def holes(rim, wanted, occluded):
    """What stands before faces that record.ts recorded, and how sure that is, n × 1 × ROWS × COLUMNS each, 0 to 1. occluded: of which it was more than hair."""
    hole = (1 - wanted / rim.clamp(min=0.05)).clamp(0, 1)
    # Near the outline the drawn face fades as another than the one that was rendered does: what is left out there is not known.
    inner = 1 - nn.functional.max_pool2d((rim < 0.97).float(), 13, 1, 6)
    # What was held before the others goes on where it reaches the outline.
    onwards = (hole > 0.9) * (nn.functional.max_pool2d(hole * inner, 17, 1, 8) > 0.5)
    some = torch.tensor(occluded).view(-1, 1, 1, 1)
    return torch.where(some, hole, hole * inner) * (rim > 0.3), torch.where(some, torch.maximum(inner, onwards.float()), inner)


def rims(coverage):
    """Where a mesh's rim lies, as occlusion-graph.ts has it: n × 1 × ROWS × COLUMNS, 0 on the outline and beyond, 1 inside."""
    smooth = lambda cells: nn.functional.avg_pool2d(cells, 3, 1, 1, count_include_pad=False)
    cells = (2 * smooth(smooth(nn.functional.avg_pool2d(coverage, 2))) - 1).clamp(min=0)
    return nn.functional.interpolate(cells, scale_factor=2, mode="bilinear", align_corners=False)


def wide(hole):
    """
    Where a drawn face must be left out wholly so that, bilinear between these pixels, none of it is left on what stands before it. hole: shares of pixels, n × 1 ×
    ROWS × COLUMNS.
    """
    return torch.maximum((3 * hole).clamp(max=1), nn.functional.max_pool2d((3 * hole - 1).clamp(0, 1), 3, 1, 1))


def recorded(path, faces):
    """Planes of a driver's recording, of either kind: n × (GIVEN + 2) × ROWS × COLUMNS bytes, the last two what stands before the face and how sure that is."""
    if faces["planes"] == COVERED:
        planes = torch.from_numpy(np.fromfile(path, np.uint8).reshape(-1, COVERED, ROWS, COLUMNS)).float()
        rim = 255 * rims(planes[:, 4:5] / 255)
        skin = rim * (1 - planes[:, 3:4] / 255)
        every = torch.full_like(rim, 255)
        return torch.cat([planes[:, :3], skin, rim, planes[:, 5:6], planes[:, 6:7], every], 1).round().byte().numpy()
    whole = samples(path, (PLANES, SIDE, SIDE))[: len(faces["faces"])]
    planes = half(whole[:, [3, 4, 5, SKIN, RIM, FACING, WANTED]])
    hole, sure = holes(planes[:, 4:5] / 255, planes[:, 6:7] / 255, [face["occluder"] is not None for face in faces["faces"]])
    return torch.cat([planes[:, :GIVEN], 255 * hole, 255 * sure], 1).round().byte().numpy()


class Occluded:
    def __init__(self, folders, seed=1):
        """folders: of one double each (record.ts; which one is all the same, for the network sees no double), or of none (record-covered.ts)."""
        self.random, self.scenes = np.random.default_rng(seed), Scenes(seed)
        parts, self.faces, doubles = [], [], set()
        for path, about in recordings(folders, "scripts/training/record-covered.ts"):
            parts.append(recorded(path, about))
            doubles |= {about["double"]} if "double" in about else set()
            self.faces += about["faces"]
        self.planes = np.concatenate(parts)
        drivers = {face["driver"] for face in self.faces}
        strangers = apart(drivers)
        held = [i for i, face in enumerate(self.faces) if face["driver"] in strangers]
        rest = [i for i, face in enumerate(self.faces) if face["driver"] not in strangers]
        kinds = [[i for i in held if (self.faces[i]["occluder"] is None) == plain] for plain in (True, False)]
        self.held_out = [i for kind in kinds for i in spread(kind, 128)]
        # Hands are what is seen most before faces.
        shown = [i for i in rest if self.faces[i]["occluder"]]
        self.occluded = Order(shown + 2 * [i for i in shown if self.faces[i]["occluder"] == "hand"], self.random)
        self.order = Order(rest, self.random)
        self.about = {"faces": len(self.faces), "drivers": len(drivers), "doubles": len(doubles)}
        self.shelf = []

    def parts(self, i):
        planes = self.planes[i].astype(np.float32) / 255
        return np.moveaxis(planes[:3], 0, 2), planes[3:6], planes[6], planes[7]

    def fixed(self, indices):
        """given n × GIVEN, hole and weight n × 1: float32 tensors, 0 to 1; as recorded."""
        return stacked([sample(*self.parts(i)) for i in indices])

    def one(self):
        """A face to train on, in another light, by another camera, with something drawn before it or not."""
        r, scenes = self.random, self.scenes
        i = (self.occluded if r.random() < SEEN else self.order).next(1)[0]
        picture, place, hole, sure = self.parts(i)
        early = r.random() < 0.6
        turned = (self.faces[i]["yaw"], self.faces[i]["pitch"])
        if early:
            picture = scenes.lit(picture, turned)
        if r.random() < DRAWN:
            picture, drawn = scenes.passing(picture, place[0] * (1 - hole), place[1], turned)
            # What lies beside it is known too.
            beside = nn.functional.max_pool2d(torch.from_numpy(np.ascontiguousarray(drawn, np.float32))[None], 9, 1, 4)[0].numpy()
            hole, sure = np.maximum(hole, drawn), np.maximum(sure, np.maximum(drawn > 0.3, 0.7 * (beside > 0.3)))
        if not early:
            picture = scenes.lit(picture, turned)
        picture = scenes.filmed(picture)
        if r.random() < 0.7:
            moved = scenes.missed(np.concatenate([np.moveaxis(picture, 2, 0), hole[None], sure[None]]).astype(np.float32))
            picture, hole, sure = np.moveaxis(moved[:3], 0, 2), moved[3], moved[4]
        return sample(picture, place, hole, sure)

    def varied(self, count):
        """As `fixed`, of faces to train on."""
        fresh = [self.one() for _ in range(count if len(self.shelf) < count else count // FRESH)]
        for face in fresh:
            if len(self.shelf) < SHELF:
                self.shelf.append(face)
            else:
                self.shelf[self.random.integers(SHELF)] = face
        again = [self.shelf[k] for k in self.random.integers(0, len(self.shelf), count - len(fresh))]
        given, hole, weight = stacked(fresh + again)
        mirrored = torch.from_numpy(self.random.random(count) < 0.5)
        for part in (given, hole, weight):
            part[mirrored] = part[mirrored].flip(3)
        gain = np.exp(self.random.normal(0, 0.12, (count, 1, 1, 1)) + self.random.normal(0, 0.05, (count, 3, 1, 1))).astype(np.float32)
        given[:, :3] = (given[:, :3] * torch.from_numpy(gain)).clamp(0, 1)
        return [given, hole, weight]


def sample(picture, place, hole, sure):
    # Beyond the outline nothing is drawn; what is there counts a little, for an edge is best seen from both sides.
    weight = sure * (0.1 + 0.9 * np.minimum(1, 3 * place[1]))
    given = np.concatenate([np.moveaxis(picture, 2, 0), place])
    return given.astype(np.float16), hole[None].astype(np.float16), weight[None].astype(np.float16)


def stacked(samples):
    given, hole, weight = (torch.from_numpy(np.stack(part)).float() for part in zip(*samples))
    return given, wide(hole), weight

