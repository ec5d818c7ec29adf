import { OnnxGraph } from '../models/onnx-graph.ts';
import { type Maths, maths } from './graph-maths.ts';
import { type DrawLines, gaussian, type RegionMaps, readMaps } from './graph-surface.ts';
import type { AgeWeights } from './weights.ts';

const SIZE = 256;
/** What is broad is worked out on every second pixel. */
const HALF = SIZE / 2;
/**
 * What young skin sends back more of than old skin, shares of R, G, B: with age skin grows darker and yellower (de Rigal et al., "The effect
 * of age on skin color and color heterogeneity", 2010).
 */
const FRESHER = [0.008, 0.04, 0.062];
/** Rec. 601 luma of encoded R, G, B. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * The network of the age treatment `retouch`: analytic, no weights were learned. Inputs: `crop` 1×3×256×256 (the plate's encoded
 * R, G, B, 0–1), `surface` 1×4×256×256 (u, v, coverage, facing, from the raster kernel), `dial` 1 (−1 younger … 0 … 1 older).
 * Output: `change` 1×4×256×256: what is added to R, G, B, and where (0–1). At dial 0 the change is exactly 0.
 *
 * Luma is counted in shares of the face's mean, so that dark skin and dim light are treated alike. A guided filter (He, Sun, Tang,
 * "Guided Image Filtering", 2013), blind to what is no skin (normalised convolution, Knutsson and Westin 1993), parts broad shading from
 * relief. Younger takes relief away and fills folds from the brighter skin beside them; older deepens both and adds drawn lines, lit by
 * the light that the face is seen in. What is too strong for a wrinkle (an edge, a highlight, a cast shadow) is left alone.
 */
export function retouchGraph(weights: AgeWeights): OnnxGraph {
  const g = new OnnxGraph('understudy-retouch');
  const crop = g.input('crop', [1, 3, SIZE, SIZE]);
  const surface = g.input('surface', [1, 4, SIZE, SIZE]);
  const dial = g.input('dial', [1]);
  const m = maths(g);
  const younger = m.clip(m.mul(dial, m.scalar(-1)), 0, 1);
  const older = m.clip(dial, 0, 1);
  const { region, lines } = readMaps(g, m, surface, weights);

  const luma = m.weigh(crop, LUMA, SIZE);
  const half = m.halved(crop);
  const face = measureFace(g, m, half, region);
  const { shade, colour } = broadChange(g, m, face, region, younger, older);
  // Brows and lips with no skin of this face around them lie behind hair or a prop.
  const beside = m.clip(m.sub(m.mul(gaussian(g, face.skin, 4.5, HALF), m.scalar(4)), m.scalar(0.7)), 0, 1);
  const [lips, brows] = [m.mul(region.lips, beside), m.mul(region.brows, beside)];
  const pale = m.add(paleLips(g, m, half, face, lips), greyBrows(g, m, half, face, brows));
  const red = m.mul(m.mul(face.chroma, lips), m.scalar(0.14));
  const features = m.add(m.mul(pale, older), m.mul(red, younger));
  const where = m.clip(m.sum(face.skin, lips, brows), 0, 1);
  // One resize for everything that goes back to full size.
  const together = [m.mul(shade, face.skin), m.add(m.mul(colour, face.skin), features), face.luma, face.skin, where];
  const full = m.doubled(g.add('Concat', together, { axis: 1 }));
  const part = (k: number, count = 1): string => m.channels(full, k, count);

  const relative = m.div(luma, face.level);
  const detail = m.softly(m.sub(relative, part(4)), 0.11);
  const calmer = m.mul(detail, m.mul(younger, m.scalar(-0.5)));
  const grain = m.add(calmer, drawnLines(m, lines, face, older));
  const gain = m.div(m.add(part(0), m.mul(grain, part(5))), m.atLeast(relative, 0.3));
  // A shadow in skin is redder than the skin around it: light goes through.
  const tinted = m.mul(m.mul(crop, g.floats([0.88, 1.03, 1.1], [1, 3, 1, 1])), gain);
  g.output('change', g.add('Concat', [m.add(tinted, part(1, 3)), part(6)], { axis: 1 }), [1, 4, SIZE, SIZE]);
  return g;
}

/** What is measured of a face at half size. */
interface Face {
  /** Mean luma of its skin, 0–1. */
  level: string;
  /** Luma as shares of the mean. */
  luma: string;
  /** Colour: R, G, B less luma. */
  chroma: string;
  /** Skin that is this face's: regions, less what is dark or of another colour (hair, a prop). */
  skin: string;
  /** Direction of the light across the face, shares of the mean luma for a slope of 1. */
  lightX: string;
  lightY: string;
}

function measureFace(g: OnnxGraph, m: Maths, half: string, region: RegionMaps): Face {
  const plain = m.weigh(half, LUMA, HALF);
  const area = m.atLeast(m.total(region.skin), 1);
  const mean = (value: string): string => m.div(m.total(m.mul(value, region.skin)), area);
  const level = m.atLeast(mean(plain), 0.03);
  const luma = m.div(plain, level);
  const chroma = m.sub(half, plain);
  // How far a pixel's hue is from the face's own, in the face's own spread.
  const hue = m.div(chroma, m.atLeast(plain, 0.03));
  const off = m.sub(hue, mean(hue));
  const square = m.weigh(m.mul(off, off), [1, 1, 1], HALF);
  const strange = m.div(square, m.add(mean(square), m.scalar(0.004)));
  const likely = m.clip(m.sub(m.scalar(1.7), m.mul(strange, m.scalar(0.24))), 0, 1);
  const lit = m.clip(m.mul(m.sub(luma, m.scalar(0.28)), m.scalar(4.5)), 0, 1);
  const gate = m.mul(likely, lit);
  const skin = m.mul(region.skin, gaussian(g, gate, 1.2, HALF));
  const light = (normal: string, prior: number): string => {
    const seen = m.div(
      m.total(m.mul(m.mul(m.sub(luma, m.scalar(1)), normal), skin)),
      m.atLeast(m.total(m.mul(m.mul(normal, normal), skin)), 1),
    );
    return m.clip(m.add(seen, m.scalar(prior)), -0.9, 0.9);
  };
  return { level, luma, chroma, skin, lightX: light(region.normalX, 0), lightY: light(region.normalY, -0.3) };
}

/** Changes at half size: luma (shares of the mean), and R, G, B. */
function broadChange(
  g: OnnxGraph,
  m: Maths,
  face: Face,
  region: RegionMaps,
  younger: string,
  older: string,
): { shade: string; colour: string } {
  const { luma, skin } = face;
  const perChannel = (values: readonly number[]): string => g.floats([...values], [1, 3, 1, 1]);
  const near = normalised(g, m, skin, 2.6);
  const wide = normalised(g, m, skin, 7.5);
  const mean = near(luma);
  const variance = m.atLeast(m.sub(near(m.mul(luma, luma)), m.mul(mean, mean)), 0);
  const slope = m.div(variance, m.add(variance, m.scalar(0.09 ** 2)));
  const base = m.add(m.mul(near(slope), luma), near(m.mul(mean, m.sub(m.scalar(1), slope))));
  const relief = m.softly(m.sub(luma, base), 0.16);
  const dark = g.add('Min', [relief, m.scalar(0)]);
  // What shines is no relief: highlights stay.
  const matt = m.clip(m.mul(m.sub(m.scalar(1.35), luma), m.scalar(3)), 0, 1);
  const bright = m.mul(m.softly(m.sub(relief, dark), 0.07), matt);
  // What the skin beside a fold is like: the darker a pixel is than its surroundings, the less it says.
  const around = wide(luma);
  const says = m.clip(m.add(m.scalar(1), m.mul(m.sub(luma, around), m.scalar(16))), 0.03, 1);
  const beside = m.div(
    gaussian(g, m.mul(m.mul(says, skin), luma), 5, HALF),
    m.atLeast(gaussian(g, m.mul(says, skin), 5, HALF), 0.01),
  );
  const hollow = m.softly(m.clip(m.sub(beside, luma), 0, 1), 0.3);
  const stubble = beardGuard(m, g, face, region.beard);

  const smoothed = m.mul(
    m.add(m.mul(dark, m.scalar(-0.6)), m.mul(bright, m.scalar(-0.5))),
    m.sub(m.scalar(1), m.mul(stubble, m.scalar(0.75))),
  );
  const filled = m.add(m.mul(m.mul(hollow, region.folds), m.scalar(0.85)), m.mul(region.sag, m.scalar(-0.03)));
  const youth = m.add(smoothed, filled);
  const grown = m.mul(m.cored(m.add(dark, m.mul(bright, m.scalar(0.2))), 0.022), m.scalar(0.8));
  const sagging = m.mul(region.sag, m.scalar(0.13));
  const age = m.sum(
    m.mul(grown, m.sub(m.scalar(1), m.mul(stubble, m.scalar(0.7)))),
    m.mul(m.mul(hollow, region.folds), m.scalar(-0.7)),
    sagging,
  );

  const even = normalised(g, m, skin, 6)(face.chroma);
  const blotches = m.sub(even, face.chroma);
  const evened = m.mul(blotches, m.sub(m.mul(younger, m.scalar(0.5)), m.mul(older, m.scalar(0.3))));
  const complexion = m.mul(
    m.add(face.chroma, m.mul(luma, face.level)),
    m.mul(perChannel(FRESHER), m.mul(older, m.scalar(-0.7))),
  );
  return { shade: m.add(m.mul(youth, younger), m.mul(age, older)), colour: m.add(evened, complexion) };
}

/** How sure it is that what is rough here is stubble: in a beard's place and greyer than the face, 0–1. */
function beardGuard(m: Maths, g: OnnxGraph, { chroma, luma, skin }: Face, beard: string): string {
  const colourful = m.div(m.weigh(chroma, [1, 0, -1], HALF), m.atLeast(luma, 0.2));
  const usual = m.div(m.total(m.mul(colourful, skin)), m.atLeast(m.total(skin), 1));
  const grey = m.clip(
    m.mul(m.sub(m.scalar(0.95), m.div(gaussian(g, colourful, 2.5, HALF), m.atLeast(usual, 0.01))), m.scalar(3)),
    0,
    1,
  );
  return m.mul(beard, grey);
}

/** Drawn lines and leather under the light of the face, shares of the mean luma. */
function drawnLines(m: Maths, lines: DrawLines, { lightX, lightY }: Face, older: string): string {
  const strength = (value: string): string => m.reshaped(m.mul(value, older), [1, 1]);
  return lines({
    slopeX: strength(m.mul(lightX, m.scalar(-0.42))),
    slopeY: strength(m.mul(lightY, m.scalar(-0.42))),
    depth: strength(m.scalar(-0.22)),
    texture: strength(m.scalar(0.036)),
  });
}

/** Lips lose colour and depth with age: the contrast of a face falls (Porcheron, Mauger, Russell, 2013). */
function paleLips(g: OnnxGraph, m: Maths, half: string, { chroma }: Face, lips: string): string {
  const pale = m.add(m.mul(chroma, m.scalar(-0.27)), m.mul(half, g.floats([0.03, 0.045, 0.035], [1, 3, 1, 1])));
  return m.mul(pale, lips);
}

/** Brows grey: their dark hairs only. */
function greyBrows(g: OnnxGraph, m: Maths, half: string, { luma, level }: Face, brows: string): string {
  const hairs = m.clip(m.mul(m.sub(m.scalar(0.85), luma), m.scalar(2.5)), 0, 0.4);
  const grey = m.mul(level, g.floats([0.86, 0.87, 0.9], [1, 3, 1, 1]));
  return m.mul(m.mul(m.sub(grey, half), hairs), brows);
}

/** Gaussian mean over skin alone. */
function normalised(g: OnnxGraph, m: Maths, skin: string, sigma: number): (value: string) => string {
  const total = m.atLeast(gaussian(g, skin, sigma, HALF), 0.02);
  return (value) => m.div(gaussian(g, m.mul(value, skin), sigma, HALF), total);
}
