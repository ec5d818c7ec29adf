"""Curves and sheets as PNG, with nothing but zlib."""

import struct
import zlib

import numpy as np


def write(path, rgb):
    """rgb: height × width × 3 bytes."""
    height, width, _ = rgb.shape
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


def sheet(given, truth, wanted, colour, alpha, path):
    """A row a face: plate, mesh double, learned double, truth, alpha wanted and drawn."""
    crop = given[:, 3:6]
    over = lambda top, a: crop + (top - crop) * a
    cells = [crop, over(given[:, 0:3], given[:, 7:8]), over(colour, alpha), over(truth, wanted), wanted.expand_as(crop), alpha.expand_as(crop)]
    write_rows(cells, path)


def write_rows(cells, path):
    """cells: of each face side by side, n × 3 × height × width, 0 to 1; a row a face."""
    rows = [np.concatenate([cell[i].permute(1, 2, 0).cpu().numpy() for cell in cells], 1) for i in range(len(cells[0]))]
    write(path, (np.concatenate(rows, 0).clip(0, 1) * 255).round().astype(np.uint8))


def curves(curve, path, width=640, height=320):
    """Held-out PSNR over samples, dark line; the mesh double's, light line. A dB is a grid line."""
    picture = np.full((height, width, 3), 255, np.uint8)
    if len(curve) < 2:
        return write(path, picture)
    samples, held, mesh = (np.array([row[i] for row in curve], float) for i in (0, 2, 3))
    low, high = np.floor(min(held.min(), mesh.min())), np.ceil(max(held.max(), mesh.max()))
    across = lambda x: ((x / samples[-1]) * (width - 1)).astype(int)
    down = lambda y: ((high - y) / max(1e-6, high - low) * (height - 1)).astype(int).clip(0, height - 1)
    for level in np.arange(low, high + 1):
        picture[down(np.array([level])), :] = 225
    xs = np.linspace(samples[0], samples[-1], 4 * width)
    for values, shade in ((mesh, 170), (held, 20)):
        picture[down(np.interp(xs, samples, values)), across(xs)] = shade
    return write(path, picture)
