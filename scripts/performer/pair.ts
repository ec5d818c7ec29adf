import type { FaceMesh } from '../models/face-mesh.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { createBackdrops } from './backdrops.ts';
import { placeOccluder } from './extras.ts';
import { faceWeights } from './face-mask.ts';
import { fittedTo } from './fitted.ts';
import { createHeadView, type Extra, type HeadView } from './head-view.ts';
import { type LandmarkSite, landmarkSites } from './landmark-sites.ts';
import type { LightPlan } from './lights.ts';
import { FACE_HEIGHT, type PairMoment } from './moments.ts';
import type { Occluder } from './occluders.ts';
import { boxOf, landmarksOf, type Points2d } from './pair-landmarks.ts';
import { maskFace, maskKept } from './pair-masks.ts';
import type { Performer } from './performer.ts';
import type { Pose } from './pose.ts';
import type { Face } from './rig.ts';
import type { Camera } from './scene.ts';
import { encodeSrgb } from './texture.ts';
import { tonedTo } from './toned.ts';

/** What a picture shows, in numbers. */
export interface PairNumbers {
  face: Face;
  pose: Pose;
  /** Radians; yaw > 0 to the performer's left, pitch > 0 up. */
  gaze: readonly [yaw: number, pitch: number];
  light: LightPlan;
  camera: Camera;
  /** Exact landmarks of either head (occluded ones too). */
  driver: Points2d;
  double: Points2d;
  /** x, y, width, height of the driver's landmarks. */
  box: readonly [x: number, y: number, width: number, height: number];
  /** Height from brow ridge to chin in pixels, were the face turned to the camera. */
  faceSize: number;
}

/** One rendered pair; every buffer is reused by the next call. */
export interface Pair {
  /** The driver as filmed: sRGB codes 0–255 (not rounded), 3 a pixel. */
  plate: Float32Array;
  /** The same performance, light and camera on the double's bald head, its skin toned to the driver's: as `plate`. Nothing stands before it, its shadow falls. */
  truth: Float32Array;
  /** The double's face proper in `truth`, 0–1 a pixel, fading over its rim. */
  face: Float32Array;
  /** What lies before that face in `plate` and must stay (hair, cloth, the occluder), 0–1 a pixel. */
  kept: Float32Array;
  /** All that stands before the background in `plate`, 0–1 a pixel. */
  cover: Float32Array;
  /** `plate` before the tone curve, linear RGB: what stands behind someone nearer. */
  linear: Float32Array;
  numbers: PairNumbers;
}

export interface PairRenderer {
  width: number;
  height: number;
  /** `behind` replaces the moment's backdrop (linear RGB of the picture's size). */
  render(moment: PairMoment, occluder: Occluder | null, behind?: Float32Array): Pair;
}

export interface PairOptions {
  /** Pores and weave: always or never; by the size of the face when not given. */
  detail: boolean;
  /** Other landmark places than the base head's. */
  sites: readonly LandmarkSite[];
}

/** Lowest skin kept of the driver and of the double, decimetres from the eyes. */
const DRIVER_FLOOR = -6;
const DOUBLE_FLOOR = -2.4;

/** Renders a driver and a double doing the same. */
export function createPair(
  driver: Performer,
  double: Performer,
  width: number,
  height: number,
  options: Partial<PairOptions> = {},
): PairRenderer {
  const { render } = createPairs(driver, [double], width, height, options);
  return { width, height, render: (moment, occluder, behind) => render(moment, occluder, behind)[0]! };
}

export interface PairsRenderer {
  width: number;
  height: number;
  /** As PairRenderer's, one pair for each double; they share the plate. */
  render(moment: PairMoment, occluder: Occluder | null, behind?: Float32Array): Pair[];
}

/** Renders a driver once and each of several doubles doing the same. */
export function createPairs(
  driver: Performer,
  doubles: readonly Performer[],
  width: number,
  height: number,
  options: Partial<PairOptions> = {},
): PairsRenderer {
  const { detail = null, sites = landmarkSites() } = options;
  const mesh = readFaceMesh();
  const size = { width, height, detail };
  const view = createHeadView(driver, { ...size, hidden: [], floor: DRIVER_FLOOR });
  const backdrops = createBackdrops(width, height);
  const plate = new Float32Array(3 * width * height);
  const truths = doubles.map((double) =>
    createTruth(tonedTo(fittedTo(double, driver, sites), driver), view, size, sites, mesh),
  );
  const render: PairsRenderer['render'] = (moment, occluder, behind) => {
    const extra = occluder ? placeOccluder(occluder, moment, driver.poser, width, height) : null;
    const background = behind ?? backdrops.at(moment.backdrop, moment.light);
    view.render(moment, background, extra, true);
    developFast(view.colour, plate);
    const points = landmarksOf(driver, view, moment, sites, mesh);
    const numbers = {
      face: moment.face,
      pose: moment.pose,
      gaze: moment.pose.gaze,
      light: moment.light,
      camera: moment.camera,
      driver: points,
      box: boxOf(points),
      faceSize: (FACE_HEIGHT * height) / (moment.camera.opening * moment.camera.position[2]),
    };
    return truths.map((film) => {
      const { double, ...own } = film(moment, background, extra);
      return { ...own, plate, cover: view.alpha, linear: view.colour, numbers: { ...numbers, double } };
    });
  };
  return { width, height, render };
}

type Truth = Pick<Pair, 'truth' | 'face' | 'kept'> & { double: Points2d };

/** Films one double, laid over the driver's head, at the moment that `plate` has just shown. */
function createTruth(
  double: Performer,
  plate: HeadView,
  size: { width: number; height: number; detail: boolean | null },
  sites: readonly LandmarkSite[],
  mesh: FaceMesh,
): (moment: PairMoment, background: Float32Array, extra: Extra | null) => Truth {
  const { width, height } = size;
  const view = createHeadView(double, { ...size, hidden: ['hair', 'garment'], floor: DOUBLE_FLOOR });
  const weights = faceWeights(double, sites, mesh.oval);
  const truth = new Float32Array(3 * width * height);
  const face = new Float32Array(width * height);
  const kept = new Float32Array(width * height);
  return (moment, background, extra) => {
    view.render(moment, background, extra, false);
    developFast(view.colour, truth);
    maskFace(view, weights, face, width, height);
    maskKept(plate, view, extra, face, kept, width, height);
    return { truth, face, kept, double: landmarksOf(double, view, moment, sites, mesh) };
  };
}

/** The picture a perfect replacement would give: the plate wearing the double's face behind what is kept. */
export function wearFace(pair: Pair, out: Float32Array): void {
  const { plate, truth, face, kept } = pair;
  for (let i = 0; i < face.length; i++) {
    const a = face[i]! * (1 - kept[i]!);
    for (let c = 3 * i; c < 3 * i + 3; c++) out[c] = plate[c]! + (truth[c]! - plate[c]!) * a;
  }
}

const CURVE_STEPS = 16384;
const CURVE_TOP = 4;
/** The tone curve of frame.ts's develop, tabulated: `**` for every channel takes longer than the shading. */
const CURVE = Float32Array.from({ length: CURVE_STEPS + 2 }, (_, i) => toned((i * CURVE_TOP) / CURVE_STEPS));

function toned(x: number): number {
  return encodeSrgb((x * (1 + 0.14 * x)) / (1 + 0.52 * x));
}

/** Linear RGB → sRGB codes 0–255, within a tenth of a code of `develop`. */
export function developFast(linear: Float32Array, out: Float32Array): void {
  for (let i = 0; i < linear.length; i++) {
    const x = linear[i]!;
    if (x <= 0) out[i] = 0;
    else if (x >= CURVE_TOP) out[i] = toned(x);
    else {
      const f = (x * CURVE_STEPS) / CURVE_TOP;
      const k = f | 0;
      out[i] = CURVE[k]! + (CURVE[k + 1]! - CURVE[k]!) * (f - k);
    }
  }
}
