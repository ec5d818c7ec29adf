import { OVAL } from '../face/mesh.ts';
import type { Affine } from './surface.ts';

/** Smallest value within `radius` to every side (a square), in place: takes the mask in from what it ends at. The border counts as 0. */
export function erode(mask: Float32Array, size: number, radius: number): void {
  if (radius < 1) return;
  const row = new Float32Array(size);
  const pass = (start: (line: number) => number, step: number): void => {
    for (let line = 0; line < size; line++) {
      const from = start(line);
      for (let i = 0; i < size; i++) row[i] = mask[from + i * step]!;
      for (let i = 0; i < size; i++) {
        let least = i < radius || i >= size - radius ? 0 : 1;
        for (let k = Math.max(0, i - radius); k <= Math.min(size - 1, i + radius); k++)
          least = Math.min(least, row[k]!);
        mask[from + i * step] = least;
      }
    }
  };
  pass((y) => y * size, 1);
  pass((x) => x, size);
}

/** Two box blurs, together of standard deviation σ, in place; beyond the border is 0. */
export function blur(mask: Float32Array, size: number, sigma: number): void {
  // Two boxes of width w have variance 2 · (w² − 1) / 12.
  const radius = Math.round((Math.sqrt(6 * sigma * sigma + 1) - 1) / 2);
  if (radius < 1) return;
  const row = new Float32Array(size);
  const pass = (start: (line: number) => number, step: number): void => {
    const width = 2 * radius + 1;
    for (let line = 0; line < size; line++) {
      const from = start(line);
      for (let i = 0; i < size; i++) row[i] = mask[from + i * step]!;
      let sum = 0;
      for (let i = 0; i < Math.min(size, radius); i++) sum += row[i]!;
      for (let i = 0; i < size; i++) {
        if (i + radius < size) sum += row[i + radius]!;
        if (i > radius) sum -= row[i - radius - 1]!;
        mask[from + i * step] = sum / width;
      }
    }
  };
  for (let turn = 0; turn < 2; turn++) {
    pass((y) => y * size, 1);
    pass((x) => x, size);
  }
}

/** Fills the oval of a face's landmarks, seen in a crop, with 1; 0 elsewhere. Even-odd rule, pixel centres at integers. */
export function fillOval(points: Float32Array, [a, b, c, d, e, f]: Affine, mask: Float32Array, size: number): void {
  const corners = OVAL.map((index) => {
    const [x, y] = [points[3 * index]!, points[3 * index + 1]!];
    return [a * x + b * y + c, d * x + e * y + f] as const;
  });
  mask.fill(0);
  for (let y = 0; y < size; y++) {
    const crossings: number[] = [];
    corners.forEach(([x0, y0], k) => {
      const [x1, y1] = corners[(k + 1) % corners.length]!;
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    });
    crossings.sort((left, right) => left - right);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k]!));
      const to = Math.min(size - 1, Math.floor(crossings[k + 1]!));
      if (to >= from) mask.fill(1, y * size + from, y * size + to + 1);
    }
  }
}
