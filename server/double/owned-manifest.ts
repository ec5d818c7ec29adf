import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from './manifest.ts';
import { TEMPLATE_NAMES } from './templates.ts';

const FORMAT = 1;

const heldFile = z.strictObject({
  file: z.string().regex(/^[\w.-]+$/, 'a plain file name'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
});

const common = {
  format: z.literal(FORMAT),
  /** What people call the double. */
  name: z.string().min(1).max(80),
  model: heldFile,
  /** Side of the square that the network is given and makes, pixels. */
  size: z.number().int().min(64).max(1024).multipleOf(4, 'kernels work on four pixels at a time'),
  /** Where in the square the face's anchors lie. */
  template: z.enum(TEMPLATE_NAMES),
  maxYawDeg: z.number().min(10).max(90),
  licence: z.string().min(1),
  card: z.string().min(1),
  fictional: z.boolean(),
};

/** A DeepFaceLab export (.dfm). */
const dfm = z.strictObject({
  ...common,
  kind: z.literal('dfm'),
  /** Beyond the template: how much more of the face's surroundings the square shows, and how its middle is moved. */
  coverage: z.number().min(1).max(4),
  x: z.number().min(-0.5).max(0.5),
  y: z.number().min(-0.5).max(0.5),
  /** 0 the performer's shape, 1 the double's; only where the network asks for it. */
  morph: z.number().min(0).max(1),
  /** How much the square is sharpened before the network sees it. */
  preSharpen: z.number().min(0).max(5),
  /** Of red, green and blue of what it is given: above 1 brightens. */
  gamma: z.tuple([gammaOf(), gammaOf(), gammaOf()]),
  /** The network is run on its own result once more: nearer to the double, further from the performance. */
  twoPass: z.boolean(),
  /** The mask is taken in by so much and then softened, shares of the square's side. */
  erode: z.number().min(0).max(0.25),
  soften: z.number().min(0).max(0.25),
  /** Whether the made face is brought to the plate's colour. */
  matchColour: z.boolean(),
});

function gammaOf() {
  return z.number().min(0.2).max(5);
}

const triple = z.tuple([z.number(), z.number(), z.number()]);

/** A network that is told by an embedding whose face to make (inswapper and its kin). */
const embedding = z.strictObject({
  ...common,
  kind: z.literal('embedding'),
  /** What the network is given as `source`, after the converter, float32. */
  source: heldFile.extend({ length: z.union([z.literal(128), z.literal(256), z.literal(512)]) }),
  /** What is taken from, and then divides, each of R, G, B (0–1) before the network sees them. */
  mean: triple,
  std: triple.refine((values) => values.every((value) => value > 0), 'each must be above 0'),
  /** What the network makes: 0 to 1, or −1 to 1. */
  range: z.enum(['unit', 'signed']),
  matchColour: z.boolean(),
});

const ownedManifest = z.discriminatedUnion('kind', [dfm, embedding]);
export type OwnedManifest = z.infer<typeof ownedManifest>;
export type DfmManifest = z.infer<typeof dfm>;
export type EmbeddingManifest = z.infer<typeof embedding>;
export type OwnedKind = OwnedManifest['kind'];
const OWNED: readonly string[] = ['dfm', 'embedding'] satisfies OwnedKind[];

/** The kind of a model that a production brought, by its `double.json`; null for any other, and where there is none that can be read. */
export function ownedKind(dir: string): OwnedKind | null {
  try {
    const { kind } = JSON.parse(readFileSync(join(dir, 'double.json'), 'utf8')) as { kind?: unknown };
    return typeof kind === 'string' && OWNED.includes(kind) ? (kind as OwnedKind) : null;
  } catch {
    return null;
  }
}

/** Checks what is to stand in a `double.json`. @throws Error with a sentence that names `where`. */
export function parseOwned(value: unknown, where: string): OwnedManifest {
  const parsed = ownedManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `The double in ${where} cannot be used: "${issue?.path.join('.')}" in double.json: ${issue?.message ?? 'not understood'}. This version understands format ${FORMAT}; add the double again.`,
  );
}

/** Reads `double.json` of a model that a production brought. @throws Error with a sentence. */
export function readOwned(dir: string): OwnedManifest {
  const file = join(dir, 'double.json');
  return parseOwned(parseJson(readFileSync(file, 'utf8'), file), dir);
}
