"""
What cameras and light do to a face, none of which stands before it, and what is held before it or worn: for train_occlusion.py.
Pictures are height × width × 3 floats, 0 to 1, masks height × width; every STEP-th crop pixel each way is one of theirs. Lengths are crop pixels.
"""

import io

import numpy as np
import torch
from PIL import Image

from data import HEIGHT, WIDTH

STEP = 2
ROWS, COLUMNS = HEIGHT // STEP, WIDTH // STEP
FIELDS = 24
EYES = (95.5, 73.0, 28.0)
"""Between the eyes of a head that looks straight ahead: x, y and how far before the middle that it turns about, crop pixels."""
JPEG = 0.35
"""Share of faces that came through a codec that leaves blocks."""

f32 = np.float32


class Scenes:
    def __init__(self, seed=1):
        self.random = np.random.default_rng(seed)
        y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
        self.x, self.y = STEP * x + (STEP - 1) / 2, STEP * y + (STEP - 1) / 2
        # Fields of noise with grains of so many pictures' pixels: a normal number for each sample of each picture takes longer.
        normal = np.random.default_rng(seed)
        self.fields = {}
        for grain in (1, 2, 6, 16, 40):
            size = (2 * ROWS // grain + 2, 2 * COLUMNS // grain + 2)
            small = torch.from_numpy(normal.standard_normal((FIELDS, 1, *size), np.float32))
            fine = torch.nn.functional.interpolate(small, size=(2 * ROWS, 2 * COLUMNS), mode="bicubic", align_corners=False)[:, 0]
            self.fields[grain] = (fine / fine.std()).numpy()

    def field(self, grain):
        which = self.fields[grain][self.random.integers(FIELDS)]
        y, x = self.random.integers(0, ROWS), self.random.integers(0, COLUMNS)
        return which[y : y + ROWS, x : x + COLUMNS]

    # What is no occluder.

    def lit(self, picture, turned):
        """turned: yaw and pitch, radians. Exposure, white balance, contrast, slopes of light, cast shadows and highlights with sharp edges, cameras of little colour."""
        r = self.random
        picture = picture ** f32(r.uniform(0.75, 1.3)) * f32(np.exp(r.uniform(-0.4, 0.35)) * np.exp(r.normal(0, 0.07, 3)))
        if r.random() < 0.5:
            picture = picture * np.exp(self.slope(0.5))
        if r.random() < 0.3:
            picture = self.sockets(picture, turned)
        if r.random() < 0.25:
            picture = picture * np.exp(f32(r.uniform(0.05, 0.25) * (1 + r.normal(0, 0.3, 3))) * self.field(40)[..., None])
        for _ in range(r.integers(1, 3) if r.random() < 0.3 else 0):
            picture = picture * (1 - self.region()[..., None] * f32(1 - r.uniform(0.35, 0.9) * np.exp(r.normal(0, 0.06, 3))))
        if r.random() < 0.15:
            picture = picture + self.region()[..., None] * f32(r.uniform(0.05, 0.35) * np.exp(r.normal(0, 0.1, 3)))
        if r.random() < 0.3:
            share = f32(r.uniform(0, 1.4))
            picture = picture.mean(2, keepdims=True) * (1 - share) + picture * share
        return np.clip(picture, 0, 1)

    def sockets(self, picture, turned):
        """What light and tiredness draw round eyes: soft rings, or only their upper or lower halves, darker than the skin or brighter. No frame is as soft."""
        r = self.random
        (x0, y0), narrow, low = self.worn(turned, r.uniform(0, 6), 4)
        half, radius, soft_ = r.uniform(28, 38), r.uniform(12, 30), r.uniform(4, 10)
        strength = f32(r.uniform(-0.5, 0.15) * np.exp(r.normal(0, 0.15, 3)))
        sides = r.uniform(0.3, 1, 2) if r.random() < 0.7 else r.permutation([0.1, 1.0])
        side = np.sign(r.normal()) if r.random() < 0.5 else 0
        shade = np.zeros_like(self.x)
        for middle, much in zip((-half, half), sides):
            p, q = (self.x - f32(x0)) / f32(narrow) - f32(middle), (self.y - f32(y0)) / f32(low)
            ring = np.exp(-(((np.hypot(p, q * f32(r.uniform(0.9, 1.6))) - f32(radius)) / f32(soft_)) ** 2))
            shade = np.maximum(shade, f32(much) * ring * (1 / (1 + np.exp(-side * q / 5)) if side else 1))
        return picture * (1 + shade[..., None] * strength)

    def worn(self, turned, before, off):
        """Where the plane before the eyes of a turned head has its middle, and how much narrower and lower it is seen. before: how far before the eyes; off: pixels."""
        yaw, pitch = turned
        before = EYES[2] + before
        x = EYES[0] + before * np.sin(yaw) + self.random.normal(0, off / 2)
        y = EYES[1] - before * np.sin(pitch) * np.cos(yaw) + self.random.normal(0, off)
        return (x, y), max(0.3, np.cos(yaw)), max(0.5, np.cos(pitch))

    def slope(self, most):
        r = self.random
        across = r.normal(0, most) * (self.x / WIDTH - 0.5) + r.normal(0, 0.8 * most) * (self.y / HEIGHT - 0.5)
        return f32(across)[..., None] * f32(1 + r.normal(0, 0.35, 3) * (r.random() < 0.5))

    def region(self):
        """Where a shadow or a light falls: a half plane, stripes, blobs or an ellipse, its edge sharp or soft."""
        r = self.random
        angle, kind = r.uniform(0, 2 * np.pi), r.integers(4)
        along, across = self.turned(angle, r.uniform(0.2, 0.8), r.uniform(0.2, 0.8))
        if kind == 0:
            signed = along + 6 * self.field(16) * r.random()
        elif kind == 1:
            period = r.uniform(15, 70)
            signed = np.cos(along / period * 2 * np.pi) * period / 6
        elif kind == 2:
            signed = 12 * (self.field(16) + r.uniform(-0.8, 0.3))
        else:
            a, b = r.uniform(10, 70, 2)
            signed = (1 - np.hypot(along / a, across / b)) * min(a, b)
        return f32(1 / (1 + np.exp(-np.clip(signed / r.choice([0.7, 1.5, 4, 10]), -30, 30))))

    def turned(self, angle, x, y):
        """Coordinates along and across a line through a point, which is given in shares of the picture."""
        dx, dy = self.x - f32(x * WIDTH), self.y - f32(y * HEIGHT)
        cos, sin = f32(np.cos(angle)), f32(np.sin(angle))
        return dx * cos + dy * sin, dy * cos - dx * sin

    def filmed(self, picture):
        """Focus, movement, a small face in a large picture, its codec, grain."""
        r = self.random
        if r.random() < 0.25:
            dx, dy = r.normal(0, 0.8, 2)
            picture = sum(np.roll(picture, (round(t * dy), round(t * dx)), (0, 1)) for t in (-2, -1, 0, 1, 2)) / f32(5)
        smaller = r.uniform(0.6, 3)
        coded = r.random() < JPEG
        if smaller > 1 or coded:
            size = (round(COLUMNS / max(1, smaller)), round(ROWS / max(1, smaller)))
            image = Image.fromarray((picture * 255).astype(np.uint8)).resize(size, Image.BOX)
            if coded:
                kept = io.BytesIO()
                image.save(kept, "jpeg", quality=int(r.uniform(25, 90)))
                image = Image.open(kept)
            picture = np.asarray(image.resize((COLUMNS, ROWS), Image.BILINEAR), np.float32) / 255
        noise = np.stack([self.field(1) for _ in range(3)], 2) * f32(r.uniform(0, 0.012)) + self.field(2)[..., None] * f32(r.uniform(0, 0.012))
        return np.clip(picture + noise, 0, 1)

    def missed(self, planes):
        """planes: channels × rows × columns. As under landmarks that lag behind a head or miss it a little."""
        r = self.random
        wide = 8 if r.random() < 0.2 else 2.5
        angle, scale = r.normal(0, 0.035), np.exp(r.normal(0, 0.03))
        cos, sin, aspect = np.cos(angle) / scale, np.sin(angle) / scale, HEIGHT / WIDTH
        x, y = r.normal(0, wide) * 2 / WIDTH, r.normal(0, wide) * 2 / HEIGHT
        theta = torch.tensor([[cos, -sin * aspect, x], [sin / aspect, cos, y]], dtype=torch.float32)
        grid = torch.nn.functional.affine_grid(theta[None], (1, len(planes), ROWS, COLUMNS), align_corners=False)
        return torch.nn.functional.grid_sample(torch.from_numpy(planes)[None], grid, padding_mode="border", align_corners=False)[0].numpy()

    # What is one. Each answers the picture, and where the thing is.

    def passing(self, picture, skin, rim, turned):
        """skin: where the face is, without eyes and mouth. rim: 0 on the outline and beyond, 1 inside. turned: yaw and pitch, radians."""
        kind = self.random.random()
        if kind < 0.27:
            picture, mask = self.spectacles(picture, turned)
            if self.random.random() < 0.9:
                return picture, mask
            picture, hand = self.hand(picture, skin)
            return picture, np.maximum(mask, hand)
        if kind < 0.74:
            return self.hand(picture, skin)
        if kind < 0.86:
            return self.thing(picture)
        return self.strands(picture) if kind < 0.91 else self.fringe(picture, rim)

    def complexion(self, picture, skin):
        """A colour of this face, so that colour tells no hand from it; now and then another hand's."""
        r = self.random
        ys, xs = np.nonzero(skin > 0.8)
        if len(ys) == 0 or r.random() < 0.15:
            return f32([0.75, 0.55, 0.45]) * f32(r.uniform(0.2, 1.2))
        at = r.integers(0, len(ys), 60)
        spread = 0.05 if r.random() < 0.5 else 0.14
        return np.median(picture[ys[at], xs[at]], 0) * f32(np.exp(r.normal(0.03, spread)) * np.exp(r.normal(0, 0.25 * spread, 3)))

    def capsule(self, a, b, ra, rb):
        """Height above the picture of a capsule from a to b with these radii; negative outside."""
        ax, ay, ra, rb = f32(a[0]), f32(a[1]), f32(ra), f32(rb)
        dx, dy = f32(b[0]) - ax, f32(b[1]) - ay
        t = np.clip(((self.x - ax) * dx + (self.y - ay) * dy) / max(dx * dx + dy * dy, f32(1e-3)), 0, 1)
        radius = ra + (rb - ra) * t
        away = np.hypot(self.x - ax - t * dx, self.y - ay - t * dy)
        return np.where(away < radius, np.sqrt(np.maximum(radius**2 - away**2, 0)), radius - away)

    def hand(self, picture, skin):
        r = self.random
        size = r.uniform(0.6, 1.4)
        turn = r.normal(0, 0.9) + (0 if r.random() < 0.8 else np.pi)
        up = np.array([np.sin(turn), -np.cos(turn)])
        side = np.array([up[1], -up[0]]) * r.choice([-1, 1])
        # From below, or from beside a face that it hardly covers, as when it comes or goes.
        centre = np.array([r.uniform(0.05, 0.95) * WIDTH, r.uniform(0.25, 1.1) * HEIGHT])
        if r.random() < 0.35:
            centre = np.array([r.choice([r.uniform(-0.2, 0.2), r.uniform(0.8, 1.2)]) * WIDTH, r.uniform(0.3, 1.25) * HEIGHT])
        place = lambda u, v: centre + size * (u * side + v * up)
        parts = []
        palm = r.uniform(20, 28) * size
        if r.random() < 0.85:
            parts.append(0.5 * self.capsule(place(-8, -6), place(8, 8), palm, palm * 0.95))
            parts.append(self.capsule(place(0, -20), place(0, -150), 22 * size, 27 * size))
        fan, curl, apart = r.uniform(0, 0.22), r.uniform(0.3, 1.0), r.uniform(11, 14.5)
        for i in range(4):
            if r.random() < 0.12:
                continue
            x = (i - 1.5) * apart
            aside, long, thick = (i - 1.4) * fan + r.normal(0, 0.05), curl * r.uniform(36, 56), r.uniform(5.5, 7.5) * size
            knuckle, middle = place(x, 22), place(x + long * 0.55 * np.sin(aside), 22 + long * 0.55 * np.cos(aside))
            bent = aside + r.normal(0, 0.25)
            tip = middle + size * long * 0.5 * (np.sin(bent) * side + np.cos(bent) * up)
            parts += [self.capsule(knuckle, middle, thick * 1.1, thick), self.capsule(middle, tip, thick, thick * 0.85)]
        if r.random() < 0.7:
            parts.append(self.capsule(place(-20, -10), place(-34 - 8 * r.random(), 16 + 8 * r.normal()), 9 * size, 6.5 * size))
        height = np.maximum.reduce(parts or [np.full(self.x.shape, -99, np.float32)])
        gy, gx = (slope / STEP for slope in np.gradient(np.maximum(height, 0)))
        light = f32(r.normal(0, 1, 2))
        normal = 1 / np.sqrt(1 + gx * gx + gy * gy)
        shade = np.clip(0.72 + 0.32 * normal - 0.16 * (gx * light[0] + gy * light[1]) * normal, 0.2, 1.5)
        shade = shade * (1 + 0.03 * self.field(2) + 0.05 * self.field(6))
        colour = self.complexion(picture, skin) * shade[..., None]
        if r.random() < 0.35:
            down = -((self.x - centre[0]) * up[0] + (self.y - centre[1]) * up[1])
            sleeve = (down > size * r.uniform(30, 60))[..., None]
            colour = np.where(sleeve, f32(r.uniform(0, 0.9, 3)) * shade[..., None], colour)
        return self.laid(picture, colour, self.moved(soft(height)))

    def moved(self, mask):
        """As what moves while the shutter is open is seen."""
        r = self.random
        if r.random() < 0.65:
            return mask
        dx, dy = r.normal(0, 2.5, 2)
        return sum(np.roll(mask, (round(t * dy), round(t * dx)), (0, 1)) for t in (-1, -0.5, 0, 0.5, 1)) / f32(5)

    def thing(self, picture):
        r = self.random
        along, across = self.turned(r.uniform(0, np.pi), r.uniform(0, 1), r.uniform(0.15, 1.05))
        a, b = np.exp(r.uniform(np.log(6), np.log(80), 2))
        if r.random() < 0.5:
            signed = np.minimum(a - np.abs(along), b - np.abs(across))
        else:
            signed = (1 - np.hypot(along / a, across / b)) * min(a, b)
        if r.random() < 0.4:
            # A stem: it does not float.
            signed = np.maximum(signed, np.minimum(r.uniform(3, 10) - np.abs(across), along))
        colour = f32(r.uniform(0, 1, 3) ** 1.5) * (1 + f32(r.uniform(0, 0.4)) * self.field(int(r.choice([1, 2, 6, 16])))[..., None])
        if r.random() < 0.3:
            colour = colour * (1 + 0.5 * np.sign(np.sin(along / r.uniform(2, 12)))[..., None])
        return self.laid(picture, colour * np.exp(0.01 * along * f32(r.normal()))[..., None], soft(signed))

    def strands(self, picture):
        """Hair before the face: many thin dark or fair curves that hang from above."""
        r = self.random
        mask = np.zeros(self.x.shape, np.float32)
        root, bend = r.uniform(0, 1) * WIDTH, f32(r.normal(0, 0.004))
        for _ in range(r.integers(3, 30)):
            lean, start = f32(r.normal(0, 0.25)), f32(root + r.normal(0, 14))
            middle = start + lean * self.y + bend * (self.y - 40) ** 2 * f32(0.5)
            mask = np.maximum(mask, soft(f32(r.uniform(0.6, 2.2)) - np.abs(self.x - middle)) * (self.y < r.uniform(0.25, 1.1) * HEIGHT))
        colour = f32([0.35, 0.25, 0.18]) * f32(r.uniform(0.1, 2.2)) * (1 + f32(0.2) * self.field(1)[..., None])
        return self.laid(picture, colour, mask, shadow=False)

    def fringe(self, picture, rim):
        """Hair that covers the top of a forehead, or only its outline: streaks with a ragged edge."""
        r = self.random
        rows = np.nonzero(rim.max(1) > 0.2)[0]
        top = STEP * (rows[0] if len(rows) else 0)
        lean = f32(r.normal(0, 0.3))
        line = lambda grain: self.field(grain)[ROWS // 2]
        across = np.clip(((self.x + lean * (self.y - top)) / STEP).astype(int) % COLUMNS, 0, COLUMNS - 1)
        edge = top + r.uniform(-4, 30 if r.random() < 0.7 else 60) + r.uniform(0, 10) * line(40)[across] + r.uniform(0, 4) * line(6)[across] + r.uniform(0, 3) * line(1)[across]
        if r.random() < 0.4:
            # Parted: it hangs down on one side or both.
            edge = edge + np.abs(self.x - f32(r.uniform(0.2, 0.8) * WIDTH)) * f32(r.uniform(0.1, 0.8)) - 8
        own = picture[: max(2, int(top / STEP)), COLUMNS // 4 : -COLUMNS // 4].mean((0, 1))
        colour = own if r.random() < 0.5 else f32([0.4, 0.3, 0.22]) * f32(r.uniform(0.1, 2.2))
        streaks = 1 + f32(r.uniform(0.05, 0.3)) * (line(1)[across] + line(2)[across]) + 0.1 * self.field(6)
        return self.laid(picture, colour * streaks[..., None], soft((edge - self.y) * f32(r.uniform(0.4, 1))))

    def spectacles(self, picture, turned):
        """Frames round both eyes, however the head is turned: glass that is clear, tinted or dark, and what it mirrors. turned: yaw and pitch."""
        r = self.random
        yaw, pitch = turned
        # A crop is upright, so that a turn only narrows what lies across.
        (x0, y0), narrow, low = self.worn(turned, r.uniform(4, 18), 4)
        lean = f32(r.normal(0, 0.03))
        p = (self.x - f32(x0) - lean * (self.y - f32(y0))) / f32(narrow)
        q = (self.y - f32(y0) + lean * (self.x - f32(x0))) / f32(low)
        half, wide, round_, thick = r.uniform(31, 38), r.uniform(21, 31), r.uniform(0.55, 1.05), r.uniform(0.5, 3.0)
        wide = min(wide, half - 3)
        power = r.choice([2, 2, 3, 5])
        glass, rims = [], []
        for middle in (-half, half):
            away = ((np.abs(p - f32(middle)) / wide) ** power + (np.abs(q) / (wide * round_)) ** power) ** (1 / power)
            gy, gx = np.gradient(away)
            signed = (1 - away) * STEP / np.maximum(np.hypot(gx, gy), f32(1e-4))
            glass.append(signed)
            rims.append(thick - np.abs(signed))
        if r.random() < 0.1:
            # Half a frame, above the glass or below it.
            rims = [np.minimum(rim, q * r.choice([-1, 1]) + 3) for rim in rims]
        bridge = np.minimum(thick - np.abs(q + r.uniform(0, 8)) * low, (half - wide + 1 - np.abs(p)) * narrow)
        # Its arms lead back to the ears, where the head does not hide them.
        hinge = half + wide
        temples = np.minimum(thick - np.abs(q + 3) * low, np.minimum(np.abs(p) - hinge + 2, hinge + 6 - np.abs(p)) * narrow)
        back = 110 * abs(np.sin(yaw))
        if back > 6:
            out = -np.sign(yaw) * (self.x - f32(x0 - np.sign(yaw) * hinge * narrow))
            fall = f32(r.normal(0.02, 0.05) + 0.6 * np.sin(pitch))
            arm = np.minimum(thick - np.abs(self.y - f32(y0) + 3 * low - fall * out), np.minimum(out + 1, back - out))
            temples = np.maximum(temples, arm)
        frame = soft(np.maximum.reduce([*rims, bridge, temples]))
        inside = soft(np.maximum(*glass))
        dark = r.random() < 0.2
        if dark:
            picture = picture * (1 - inside[..., None] * f32(1 - r.uniform(0.05, 0.4) * np.exp(r.normal(0, 0.1, 3))))
        if r.random() < 0.3:
            picture = picture + (inside * self.region())[..., None] * f32(r.uniform(0.1, 0.5))
        colour = f32(r.uniform(0, 1, 3) ** 2 * 0.35 if r.random() < 0.5 else r.uniform(0.2, 1) * np.exp(r.normal(0, 0.2, 3))) * np.ones_like(picture)
        picture, mask = self.laid(picture, colour, frame, shadow=False)
        return picture, np.maximum(mask, inside) if dark else mask

    def laid(self, picture, colour, mask, shadow=True):
        r = self.random
        if shadow and r.random() < 0.7:
            dx, dy = r.normal(0, 2.5, 2)
            cast = torch.from_numpy(f32(np.roll(mask, (round(dy), round(dx)), (0, 1))))
            blurred = torch.nn.functional.avg_pool2d(cast[None, None], 5, 1, 2)[0, 0].numpy()
            picture = picture * (1 - f32(r.uniform(0.1, 0.6)) * blurred[..., None])
        return picture + (np.clip(colour, 0, 1) - picture) * mask[..., None], mask


def soft(signed):
    """1 inside a shape, 0 outside, its edge over one picture's pixel. signed: distance from the edge, positive inside."""
    return np.clip(f32(1 / STEP) * signed + f32(0.5), 0, 1).astype(np.float32)
