import { readFileSync } from 'node:fs';

interface MeshFile {
  triangles: [number, number, number][];
  uv: [number, number][];
}

type Corners = [[number, number], [number, number], [number, number]];

/** The face rolled out flat: for every texel that lies on it, the three mesh points it is between and their shares. */
export class Unrolling {
  readonly texels: number[] = [];
  readonly #corners: number[] = [];
  readonly #shares: number[] = [];

  /** @param side texels along each side of the square. */
  constructor(side: number) {
    const file = new URL('../../models/perception/face-mesh.json', import.meta.url);
    const { triangles, uv } = JSON.parse(readFileSync(file, 'utf8')) as MeshFile;
    const taken = new Uint8Array(side * side);
    for (const triangle of triangles) {
      const corners = triangle.map((point) => uv[point]!.map((value) => value * side - 0.5)) as Corners;
      this.#fill(triangle, corners, side, taken);
    }
  }

  #fill(triangle: readonly number[], [[x0, y0], [x1, y1], [x2, y2]]: Corners, side: number, taken: Uint8Array): void {
    const area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
    for (let y = Math.max(0, Math.ceil(Math.min(y0, y1, y2))); y <= Math.min(side - 1, Math.max(y0, y1, y2)); y++) {
      for (let x = Math.max(0, Math.ceil(Math.min(x0, x1, x2))); x <= Math.min(side - 1, Math.max(x0, x1, x2)); x++) {
        const b = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area;
        const c = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area;
        if (b < 0 || c < 0 || b + c > 1 || taken[y * side + x]) continue;
        taken[y * side + x] = 1;
        this.texels.push(y * side + x);
        this.#corners.push(...triangle);
        this.#shares.push(1 - b - c, b, c);
      }
    }
  }

  /** Where the k-th of `texels` lies under landmarks (n × (x, y, z)), in their pixels. */
  place(k: number, points: Float32Array): [x: number, y: number] {
    let [x, y] = [0, 0];
    for (let j = 3 * k; j < 3 * k + 3; j++) {
      x += this.#shares[j]! * points[3 * this.#corners[j]!]!;
      y += this.#shares[j]! * points[3 * this.#corners[j]! + 1]!;
    }
    return [x, y];
  }
}
