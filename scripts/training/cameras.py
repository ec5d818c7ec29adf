"""What other cameras would have made of recorded faces."""

import numpy as np
from torch import from_numpy, zeros
from torch.nn.functional import affine_grid, grid_sample, interpolate

GRAIN, BLOCKS = 0.03, 0.02
"""Standard deviation, at most, of the noise on what the camera saw, where 1 is white."""
SOFT = 0.4
"""Share of faces that are seen by a soft camera: a face of 75 pixels in a webcam's picture is no sharper."""
FADED = 0.5
"""Share of faces that are seen by a camera of little colour, as webcams in office light are: lips and lids are paler there, not only skin."""
GREY, UNSHARP = 0.2, 0.5
"""Shares of what is read (an eye, an expression) that is seen without colour, and unsharp: no signal shall hang on either."""
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)[:, None, None]


def exposures(random, light=(0.75, 1.25), balance=(0.92, 1.08)):
    """What another exposure, white balance and contrast make of a byte: a table for each of R, G, B, 0 to 1."""
    gain = random.uniform(*light) * random.uniform(*balance, 3)
    curve = (np.arange(256, dtype=np.float32) / 255) ** random.uniform(0.8, 1.25)
    return [np.clip(curve * gain[c], 0, 1).astype(np.float32) for c in range(3)]


def faded(parts, colour):
    """
    As a camera shows them that keeps this share of all colour. The drawing is lit so that its skin is like the plate's, whose colour has faded; its lips
    and lids keep what sets them apart from it, and that the network is to take away. parts: of one face, each drawn R, G, B, the mesh's alpha, the
    plate's R, G, B, truth R, G, B and alpha wanted; in place.
    """
    fade = lambda planes: (planes * LUMA).sum(0, keepdims=True) * (1 - colour) + planes * colour
    inside = lambda: np.concatenate([truth[:, wanted > 0.9] for *_, truth, wanted in parts], 1)
    before = inside()
    for _, _, plate, truth, _ in parts:
        plate[:], truth[:] = fade(plate), fade(truth)
    gain = (inside().mean(1) / np.maximum(before.mean(1), 1e-3))[:, None, None] if before.shape[1] else 1
    for drawn, alpha, *_ in parts:
        drawn[:] = alpha * np.clip(drawn * gain, 0, 1) + (1 - alpha) * fade(drawn)


def softened(planes, smaller):
    """As a picture so many times smaller would show them."""
    height, width = planes.shape[1:]
    small = interpolate(from_numpy(planes)[None], size=(round(height / smaller), round(width / smaller)), mode="area")
    return interpolate(small, size=(height, width), mode="bilinear")[0].numpy()


def seen(random, noise, picture, smaller):
    """A picture of bytes, R, G, B planes, by another camera: exposure, colour, sharpness (smaller: by how much at least and at most), noise. 0 to 1, and what noise adds."""
    out = np.stack([table.take(plane) for table, plane in zip(exposures(random), picture)]).astype(np.float32)
    if random.random() < GREY:
        out[:] = out.mean(0)
    if random.random() < UNSHARP:
        out = softened(out, random.uniform(*smaller))
    return out + noise.take(*out.shape[1:], 0.04, 0.02)


def jolted(random, pictures, turn, scale, shift, padding):
    """Landmarks do not place a picture exactly: turned (radians), larger or smaller (of 1), aside (of half its side), each by this standard deviation."""
    count = len(pictures)
    turns, scales = from_numpy(random.normal(0, turn, count)), from_numpy(np.exp(random.normal(0, scale, count)))
    matrix = zeros(count, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = scales * turns.cos()
    matrix[:, 1, 0] = scales * turns.sin()
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, :, 2] = from_numpy(random.normal(0, shift, (count, 2)))
    grid = affine_grid(matrix, pictures.shape, align_corners=False)
    return grid_sample(pictures, grid, padding_mode=padding, align_corners=False)
