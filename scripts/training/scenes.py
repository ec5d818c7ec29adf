"""
What cameras do to a face and what passes before it, for scripts/training/train_occlusion.py: light that changes, shadows with sharp
edges, blur, codecs, landmarks that lag behind, all of which are no occluders; and drawn hands, strands of hair and things, which are.
Pictures are height × width × 3 floats, 0 to 1; masks height × width.
"""

import io

import numpy as np
import torch
from PIL import Image


f32 = np.float32


class Scenes:
    def __init__(self, height, width, seed=1):
        self.random = np.random.default_rng(seed)
        self.height, self.width = height, width
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self.y, self.x = y, x
        # Fields of noise at several sizes, made once.
        normal = np.random.default_rng(seed)
        self.fields = {}
        for cell in (1, 2, 4, 12, 32, 80):
            small = torch.from_numpy(normal.standard_normal((24, 1, 2 * height // cell + 2, 2 * width // cell + 2), np.float32))
            fine = torch.nn.functional.interpolate(small, size=(2 * height, 2 * width), mode="bicubic", align_corners=False)[:, 0]
            self.fields[cell] = (fine / fine.std()).numpy()

    def field(self, cell):
        which = self.fields[cell][self.random.integers(24)]
        y, x = self.random.integers(0, self.height), self.random.integers(0, self.width)
        return which[y : y + self.height, x : x + self.width]

    # --- what is no occluder

    def lit(self, picture, drawn):
        """
        Exposure, white balance, contrast and slopes of light on both, for the double is drawn in the plate's light; what a light meter that
        lags behind gets wrong on what is drawn; cast shadows and highlights with sharp edges on the picture alone.
        """
        r = self.random
        gamma, gain = f32(r.uniform(0.7, 1.4)), f32(np.exp(r.uniform(-0.5, 0.4)) * np.exp(r.normal(0, 0.07, 3)))
        picture, drawn = picture**gamma * gain, drawn**gamma * gain
        if r.random() < 0.5:
            slope = np.exp(self.slope(0.5))
            picture = picture * slope
            drawn = drawn * slope ** f32(r.uniform(0.2, 1))
        if r.random() < 0.5:
            drawn = drawn * f32(np.exp(r.normal(0, 0.12) + r.normal(0, 0.05, 3))) * np.exp(self.slope(0.3))
        if r.random() < 0.25:
            picture = picture * np.exp(f32(r.uniform(0.05, 0.3) * (1 + r.normal(0, 0.3, 3))) * self.field(80)[..., None])
        for _ in range(r.integers(1, 3) if r.random() < 0.35 else 0):
            picture = picture * (1 - self.region()[..., None] * f32(1 - r.uniform(0.25, 0.9) * np.exp(r.normal(0, 0.06, 3))))
        if r.random() < 0.15:
            picture = picture + self.region()[..., None] * f32(r.uniform(0.05, 0.35) * np.exp(r.normal(0, 0.1, 3)))
        if r.random() < 0.2:
            share = f32(r.uniform(0.3, 1.4))
            picture, drawn = (part.mean(2, keepdims=True) * (1 - share) + part * share for part in (picture, drawn))
        return np.clip(picture, 0, 1), np.clip(drawn, 0, 1)

    def slope(self, most):
        r = self.random
        across = r.normal(0, most) * (self.x / self.width - 0.5) + r.normal(0, 0.8 * most) * (self.y / self.height - 0.5)
        return f32(across)[..., None] * f32(1 + r.normal(0, 0.35, 3) * (r.random() < 0.5))

    def region(self):
        """Where a shadow or a light falls: a half plane, stripes, a blob or an ellipse, its edge sharp or soft."""
        r, (h, w) = self.random, (self.height, self.width)
        angle, kind = r.uniform(0, 2 * np.pi), r.integers(4)
        along = (self.x - r.uniform(0.2, 0.8) * w) * np.cos(angle) + (self.y - r.uniform(0.2, 0.8) * h) * np.sin(angle)
        if kind == 0:
            signed = along + 6 * self.field(32) * r.random()
        elif kind == 1:
            period = r.uniform(15, 70)
            signed = np.cos(along / period * 2 * np.pi) * period / 6
        elif kind == 2:
            signed = 12 * (self.field(32) + r.uniform(-0.8, 0.3))
        else:
            across = -(self.x - r.uniform(0, 1) * w) * np.sin(angle) + (self.y - r.uniform(0, 1) * h) * np.cos(angle)
            a, b = r.uniform(10, 70), r.uniform(10, 70)
            signed = (1 - np.sqrt((along / a) ** 2 + (across / b) ** 2)) * min(a, b)
        return f32(1 / (1 + np.exp(-np.clip(signed / r.choice([0.7, 1.5, 4, 10]), -30, 30))))

    def filmed(self, picture, drawn):
        """Focus, movement, a small face in a large picture, its codec, grain; what is drawn is as soft, if the meter is right, but clean."""
        r = self.random
        if r.random() < 0.25:
            picture = self.moved_blur(picture)
        smaller = r.uniform(1.3, 4.5) if r.random() < 0.55 else 1
        if smaller > 1 or r.random() < 0.3:
            size = (max(8, round(self.width / smaller)), max(8, round(self.height / smaller)))
            image = Image.fromarray((picture * 255).astype(np.uint8)).resize(size, Image.BOX if r.random() < 0.5 else Image.BICUBIC)
            if r.random() < 0.6:
                kept = io.BytesIO()
                image.save(kept, "jpeg", quality=int(r.uniform(25, 90)))
                image = Image.open(kept)
            small = np.asarray(image.resize((self.width, self.height), Image.BILINEAR), np.float32) / 255
            picture = small
            if r.random() < 0.7:
                image = Image.fromarray((drawn * 255).astype(np.uint8)).resize(size, Image.BOX)
                drawn = np.asarray(image.resize((self.width, self.height), Image.BILINEAR), np.float32) / 255
        noise = np.stack([self.field(1) for _ in range(3)], 2) * f32(r.uniform(0, 0.03)) + self.field(4)[..., None] * f32(r.uniform(0, 0.02))
        return np.clip(picture + noise, 0, 1), drawn

    def moved_blur(self, picture):
        dx, dy = self.random.normal(0, 1.2, 2)
        total, count = np.zeros_like(picture), 5
        for k in range(count):
            t = k - (count - 1) / 2
            total += np.roll(picture, (round(t * dy), round(t * dx)), (0, 1))
        return total / count

    def shifted(self, planes):
        """planes: channels × height × width. As under landmarks that lag behind a head or miss it a little."""
        r = self.random
        wide = 8 if r.random() < 0.2 else 2.5
        angle, scale = r.normal(0, 0.035), np.exp(r.normal(0, 0.03))
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        aspect = self.height / self.width
        theta = torch.tensor([[cos, -sin * aspect, r.normal(0, wide) * 2 / self.width], [sin / aspect, cos, r.normal(0, wide) * 2 / self.height]], dtype=torch.float32)
        grid = torch.nn.functional.affine_grid(theta[None], (1, len(planes), self.height, self.width), align_corners=False)
        return torch.nn.functional.grid_sample(torch.from_numpy(planes)[None], grid, padding_mode="border", align_corners=False)[0].numpy()

    # --- what is one

    def passing(self, picture, inside):
        """Lays something before the picture; answers the picture and where the thing is, 0 to 1. inside: where the face is."""
        kind = self.random.random()
        if kind < 0.6:
            return self.hand(picture, inside)
        if kind < 0.8:
            return self.thing(picture)
        return self.strands(picture)

    def skin(self, picture, inside):
        """A colour of this face, so that colour tells no hand from it; now and then another hand's."""
        r = self.random
        ys, xs = np.nonzero(inside > 0.8)
        if len(ys) == 0 or r.random() < 0.15:
            return np.array([0.75, 0.55, 0.45]) * r.uniform(0.3, 1.2)
        at = r.integers(0, len(ys), 60)
        return np.median(picture[ys[at], xs[at]], 0) * np.exp(r.normal(0, 0.12)) * np.exp(r.normal(0, 0.03, 3))

    def capsule(self, a, b, ra, rb):
        """Height above the picture of a capsule from a to b with these radii, pixels; negative outside."""
        ax, ay, ra, rb = f32(a[0]), f32(a[1]), f32(ra), f32(rb)
        dx, dy = f32(b[0]) - ax, f32(b[1]) - ay
        t = np.clip(((self.x - ax) * dx + (self.y - ay) * dy) / max(dx * dx + dy * dy, 1e-3), 0, 1)
        radius = ra + (rb - ra) * t
        away = np.hypot(self.x - ax - t * dx, self.y - ay - t * dy)
        return f32(np.where(away < radius, np.sqrt(np.maximum(radius**2 - away**2, 0)), radius - away))

    def hand(self, picture, inside):
        r = self.random
        size = r.uniform(0.6, 1.4)
        turn = r.normal(0, 0.9) + (0 if r.random() < 0.8 else np.pi)
        up = np.array([np.sin(turn), -np.cos(turn)])
        side = np.array([up[1], -up[0]]) * r.choice([-1, 1])
        centre = np.array([r.uniform(0.05, 0.95) * self.width, r.uniform(0.25, 1.1) * self.height])
        place = lambda u, v: centre + size * (u * side + v * up)
        height = np.full(self.x.shape, -99, np.float32)
        rounds = lambda part: np.maximum(height, part)
        palm = r.uniform(20, 28) * size
        if r.random() < 0.85:
            height = rounds(self.capsule(place(-8, -6), place(8, 8), palm, palm * 0.95) * 0.5)
            height = rounds(self.capsule(place(0, -20), place(0, -150), 22 * size, 27 * size))
        fan, curl = r.uniform(0, 0.22), r.uniform(0.3, 1.0)
        for i in range(4):
            if r.random() < 0.12:
                continue
            x = (i - 1.5) * 12
            aside, long, thick = (i - 1.4) * fan + r.normal(0, 0.05), curl * r.uniform(36, 56), r.uniform(5.5, 7.5) * size
            knuckle, middle = place(x, 22), place(x + long * 0.55 * np.sin(aside), 22 + long * 0.55 * np.cos(aside))
            bent = aside + r.normal(0, 0.25)
            tip = middle + size * long * 0.5 * (np.sin(bent) * side + np.cos(bent) * up)
            height = rounds(self.capsule(knuckle, middle, thick * 1.1, thick))
            height = rounds(self.capsule(middle, tip, thick, thick * 0.85))
        if r.random() < 0.7:
            height = rounds(self.capsule(place(-20, -10), place(-34 - 8 * r.random(), 16 + 8 * r.normal()), 9 * size, 6.5 * size))
        mask = np.clip(height + 0.5, 0, 1)
        gy, gx = np.gradient(np.maximum(height, 0))
        light = r.normal(0, 1, 2)
        normal = 1 / np.sqrt(1 + gx * gx + gy * gy)
        shade = np.clip(0.72 + 0.32 * normal - 0.16 * (gx * light[0] + gy * light[1]) * normal, 0.2, 1.5)
        shade = shade * (1 + 0.03 * self.field(4) + 0.05 * self.field(12)) * (1 + 0.02 * self.field(1))
        colour = self.skin(picture, inside) * shade[..., None]
        if r.random() < 0.35:
            down = -((self.x - centre[0]) * up[0] + (self.y - centre[1]) * up[1])
            sleeve = (down > size * r.uniform(30, 60))[..., None]
            colour = np.where(sleeve, r.uniform(0, 0.9, 3) * shade[..., None], colour)
        return self.laid(picture, colour, mask)

    def thing(self, picture):
        r = self.random
        angle = r.uniform(0, np.pi)
        cx, cy = r.uniform(0, 1) * self.width, r.uniform(0.15, 1.05) * self.height
        along = (self.x - cx) * np.cos(angle) + (self.y - cy) * np.sin(angle)
        across = -(self.x - cx) * np.sin(angle) + (self.y - cy) * np.cos(angle)
        a, b = np.exp(r.uniform(np.log(6), np.log(80), 2))
        if r.random() < 0.5:
            signed = np.minimum(a - np.abs(along), b - np.abs(across))
        else:
            signed = (1 - np.sqrt((along / a) ** 2 + (across / b) ** 2)) * min(a, b)
        if r.random() < 0.4:
            # A stem: it does not float.
            signed = np.maximum(signed, np.minimum(r.uniform(3, 10) - np.abs(across), along))
        mask = np.clip(signed + 0.5, 0, 1)
        colour = r.uniform(0, 1, 3) ** 1.5 * (1 + r.uniform(0, 0.4) * self.field(int(r.choice([2, 4, 12, 32])))[..., None])
        if r.random() < 0.3:
            colour = colour * (1 + 0.5 * np.sign(np.sin(along / r.uniform(2, 12)))[..., None])
        return self.laid(picture, np.clip(colour * np.exp(0.01 * along * r.normal())[..., None], 0, 1), mask)

    def strands(self, picture):
        """Hair before the face: many thin dark or fair curves that hang from above."""
        r = self.random
        mask = np.zeros(self.x.shape, np.float32)
        root, bend = r.uniform(0, 1) * self.width, r.normal(0, 0.004)
        for _ in range(r.integers(3, 30)):
            lean, start = r.normal(0, 0.25), root + r.normal(0, 14)
            middle = start + lean * self.y + bend * (self.y - 40) ** 2 * 0.5
            end = r.uniform(0.25, 1.1) * self.height
            mask = np.maximum(mask, np.clip(r.uniform(0.6, 2.2) - np.abs(self.x - middle) + 0.5, 0, 1) * (self.y < end))
        colour = np.array([0.35, 0.25, 0.18]) * r.uniform(0.1, 2.2) * (1 + 0.2 * self.field(2)[..., None])
        return self.laid(picture, np.clip(colour, 0, 1), mask, shadow=False)

    def laid(self, picture, colour, mask, shadow=True):
        r = self.random
        if shadow and r.random() < 0.7:
            dx, dy = r.normal(0, 5, 2)
            cast = np.roll(mask, (round(dy), round(dx)), (0, 1))
            soft = torch.nn.functional.avg_pool2d(torch.from_numpy(cast)[None, None].float(), 9, 1, 4)[0, 0].numpy()
            picture = picture * (1 - r.uniform(0.1, 0.6) * soft[..., None])
        return picture + (np.clip(colour, 0, 1) - picture) * mask[..., None], mask
