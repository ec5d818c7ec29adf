import { join } from 'node:path';
import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { Runtime, Session } from '../inference/session.ts';
import { assign, isFar, meetings } from './assign.ts';
import { cropOfDetection, cropOfLandmarks, offCentre } from './crop.ts';
import { CUT_GRID, CutDetector } from './cut.ts';
import { Detector, merge, type Region, tilesOf, wholePicture } from './detector.ts';
import { Follow, STRONG, WEAK } from './follow.ts';
import { Landmarker } from './landmarker.ts';
import { type RigidFace, readRigidFace } from './mesh.ts';
import { Pyramid } from './pyramid.ts';
import { accept, disagreement, FACE_RESIDUAL, type Reading } from './reading.ts';
import type { Crop, Detection, Track } from './types.ts';

/** Landmarks further than this (share of the box) from the detector's keypoints are not of that face; real faces: 0.02–0.2. */
const AGREES = 0.28;
/** A face further than this from the middle of its crop (share of the crop's side) is read once more. */
const OFF_CENTRE = 0.1;
/** With this many faces in the picture, further ones are covered by their box alone: reading a crowd's landmarks would stall the feed. */
const READ_TRACKS = 24;
const MEANS_BYTES = CUT_GRID * CUT_GRID * Float32Array.BYTES_PER_ELEMENT;
/** Sizes are even numbers: the same shape, scaled, differs by less than this in its proportions. */
const SAME_SHAPE = 0.02;

export interface PerceiverOptions {
  runtime: Runtime;
  arena: Arena;
  kernels: Kernels;
  /** The folder that holds `perception/`: the two networks and the face mesh. */
  modelsDir: string;
  /** Faces that get landmarks, 1–16 (default 4); more are covered only. */
  maxFaces?: number;
  /** The detector looks at every n-th picture (default 1, so that a newcomer is found in the picture in which it appears). */
  detectEvery?: number;
  /**
   * In every n-th picture the detector also looks into one tile of a large picture, for small faces (default 4; 0 never): the whole
   * picture shows it faces of a 16th of the longer side and more. It does so in every picture while there is no face, or one it has not seen.
   */
  tileEvery?: number;
}

export interface Perception {
  /**
   * Faces already followed, as soon as they have their landmarks for this picture: replacing the `known` ones may begin.
   * Only a beginning: `complete` decides.
   */
  tracked: Promise<Track[]>;
  /**
   * Every face of this picture, once the detector has looked and newcomers have been read. A track's `landmarks` are the same object
   * as in `tracked` unless they had to be read again; its state may be better or worse.
   */
  complete: Promise<Track[]>;
}

/** Finds and follows every face of a feed. */
export interface Perceiver {
  /**
   * Pictures come in order, one at a time: call again only after `complete` has settled, and change the picture's samples only then.
   * State depends on pictures and their capture times alone. Rejects with a sentence when a network fails.
   */
  perceive(picture: Picture): Perception;
  /** Forgets every face (a cut, another camera); ids go on. */
  reset(): void;
  close(): void;
}

/** Loads the perception networks. The caller owns the perceiver and closes it before the runtime. */
export async function createPerceiver(options: PerceiverOptions): Promise<Perceiver> {
  const { runtime, arena, modelsDir } = options;
  const folder = join(modelsDir, 'perception');
  const rigid = readRigidFace(folder);
  const detector = await runtime.load(join(folder, 'face-detection-full-range.onnx'), arena);
  try {
    const landmarks = await runtime.load(join(folder, 'face-landmarks-478.onnx'), arena);
    return new FacePerceiver(options, { rigid, detector, landmarks });
  } catch (error) {
    detector.close();
    throw error;
  }
}

interface Networks {
  rigid: RigidFace;
  detector: Session;
  landmarks: Session;
}

/** A reading under way. */
interface Begun {
  face: Follow;
  reading: Promise<Reading | null>;
}

class FacePerceiver implements Perceiver {
  readonly #pyramid: Pyramid;
  readonly #detector: Detector;
  readonly #landmarker: Landmarker;
  readonly #rigid: RigidFace;
  readonly #maxFaces: number;
  readonly #detectEvery: number;
  readonly #tileEvery: number;
  readonly #close: () => void;
  readonly #cuts = new CutDetector();
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #means: number;
  #faces: Follow[] = [];
  #nextId = 1;
  #pictures = 0;
  #size = { width: 0, height: 0 };
  #tiles: Region[] = [];

  constructor(
    { arena, kernels, maxFaces = 4, detectEvery = 1, tileEvery = 4 }: PerceiverOptions,
    { rigid, detector, landmarks }: Networks,
  ) {
    this.#rigid = rigid;
    this.#arena = arena;
    this.#kernels = kernels;
    this.#means = arena.allocate(MEANS_BYTES);
    this.#pyramid = new Pyramid(arena, kernels);
    this.#detector = new Detector(detector);
    this.#landmarker = new Landmarker(landmarks);
    this.#maxFaces = maxFaces;
    this.#detectEvery = detectEvery;
    this.#tileEvery = tileEvery;
    let closed = false;
    this.#close = () => {
      detector.close();
      landmarks.close();
      this.#pyramid.close();
      if (!closed) arena.release(this.#means, MEANS_BYTES);
      closed = true;
    };
  }

  perceive(picture: Picture): Perception {
    if (picture.format !== 'i420')
      throw new Error(`Faces are found in 8-bit pictures only, not ${picture.format}: convert it first.`);
    if (picture.width !== this.#size.width || picture.height !== this.#size.height) this.#resize(picture);
    const index = this.#pictures++;
    this.#pyramid.use(picture);
    for (const face of this.#faces) face.step(picture.id.captureUs);
    // The frame waits for landmarks, not for the detector: they are begun first, and left out where the picture turns out to be another shot.
    const begun = this.#begin();
    const due = index % this.#detectEvery === 0;
    const seen = due ? this.#look(index) : null;
    // Looking has filled the detector's input at once, though its answer comes later.
    if (due && this.#cuts.see(this.#seenMeans())) {
      for (const face of this.#faces) face.cut();
    }
    const followed = this.#follow(begun);
    const tracked = followed.then((read) => [...read.keys()].map((face) => face.snapshot()));
    const complete = this.#complete(picture, index, followed, seen);
    // Whoever awaits only one of the two must not meet the other's rejection unhandled.
    tracked.catch(() => undefined);
    complete.catch(() => undefined);
    return { tracked, complete };
  }

  /** What the detector was shown, on the grid that cuts are told by. */
  #seenMeans(): Float32Array {
    const { at, side } = this.#detector.lastSeen;
    this.#kernels.means(at, side, 1, 0, 0, side, side, side / CUT_GRID, this.#means);
    return this.#arena.floats(this.#means, CUT_GRID * CUT_GRID);
  }

  reset(): void {
    this.#faces = [];
    this.#pictures = 0;
    this.#cuts.reset();
  }

  close(): void {
    this.#faces = [];
    this.#close();
  }

  /**
   * The scene has not changed with the picture's size (overload, a sender that saves bits): faces stay where they are, or one that only
   * its landmarks still held would be bare until the detector saw it again. Of another shape it is framed anew: as after a cut.
   */
  #resize({ width, height }: Picture): void {
    const before = this.#size;
    this.#size = { width, height };
    const [scaleX, scaleY] = [width / before.width, height / before.height];
    const sameShape = Math.abs(scaleX / scaleY - 1) < SAME_SHAPE;
    if (!sameShape) this.#cuts.reset();
    for (const face of this.#faces) {
      face.resize(scaleX, scaleY);
      if (!sameShape) face.cut();
    }
    this.#tiles = this.#tileEvery > 0 ? tilesOf(width, height) : [];
  }

  /** The detector's view of this picture: the whole, and of a large picture one tile. */
  async #look(index: number): Promise<Detection[]> {
    const { width, height } = this.#size;
    const found = await this.#detector.look(this.#pyramid, wholePicture(width, height), WEAK);
    const urgent = this.#faces.length === 0 || this.#faces.some((face) => face.wantsLook);
    const every = urgent ? 1 : this.#tileEvery;
    const turn = index % every === 0 ? Math.floor(index / every) % this.#tiles.length : -1;
    const tile = this.#tiles[turn];
    if (tile) found.push(...(await this.#detector.look(this.#pyramid, tile, WEAK)));
    return merge(found);
  }

  /** Begins to read the first followed face where it was a picture ago. */
  #begin(): Begun | null {
    const face = this.#faces.find(({ crop }) => crop);
    if (!face?.crop) return null;
    const reading = this.#read(face.crop, face.box.w);
    // #follow() awaits it and hears what went wrong.
    reading.catch(() => undefined);
    return { face, reading };
  }

  /** Reads every followed face where it was a picture ago; a face that fails is not among the results. */
  async #follow(begun: Begun | null): Promise<Map<Follow, Reading>> {
    const read = new Map<Follow, Reading>();
    // Also where it is not wanted any more, the network must be free before the next picture.
    const begunFirst = await begun?.reading;
    for (const face of this.#faces) {
      if (!face.crop) continue;
      const first = face === begun?.face ? begunFirst : await this.#read(face.crop, face.box.w);
      // A fast face has left the middle of its crop, where the model is at its best: look again, centred.
      const off = first ? offCentre(first.landmarks) > OFF_CENTRE : false;
      const reading = first && off ? await this.#read(cropOfLandmarks(first.landmarks.points), face.box.w) : first;
      if (!reading) continue;
      face.observe(reading, false);
      read.set(face, reading);
    }
    for (const { a, b } of meetings([...read.keys()])) this.#cross(a, b);
    return read;
  }

  /** Two faces too near to each other. A newcomer is covered anyway, and takes nothing from a face that is known. */
  #cross(a: Follow, b: Follow): void {
    if (a.confirmed || !b.confirmed) b.doubt();
    if (b.confirmed || !a.confirmed) a.doubt();
  }

  async #read(crop: Crop, previousWidth: number | null): Promise<Reading | null> {
    const landmarks = await this.#landmarker.read(this.#pyramid, crop);
    return accept(landmarks, this.#rigid, this.#size, previousWidth);
  }

  async #complete(
    picture: Picture,
    index: number,
    followed: Promise<Map<Follow, Reading>>,
    looked: Promise<Detection[]> | null,
  ): Promise<Track[]> {
    // Also when one of them fails, the other must have left networks and picture before the next picture comes.
    await Promise.allSettled([followed, looked]);
    const [read, early] = await Promise.all([followed, looked]);
    const troubled = this.#faces.some((face) => !read.has(face));
    const detections = early ?? (troubled ? await this.#look(index) : null);
    if (detections) {
      const { matched, unmatched } = assign(
        this.#faces.filter((face) => !face.cutOff),
        detections,
        (face) => read.has(face),
      );
      for (const face of this.#faces) await this.#settle(face, read, matched.get(face) ?? null);
      // The same face found twice, in the whole picture and in a tile, is no newcomer.
      const strangers = unmatched.filter((one) => ![...read.values()].some((reading) => agree(one, reading)));
      for (const detection of strangers) await this.#welcome(detection, picture.id.captureUs);
    }
    this.#resolveMeetings();
    this.#faces = this.#faces.filter((face) => !face.ended(picture.width, picture.height));
    return this.#faces.map((face) => face.snapshot());
  }

  /** Brings one face's landmarks and the detector's word together. */
  async #settle(face: Follow, read: ReadonlyMap<Follow, Reading>, detection: Detection | null): Promise<void> {
    let reading = read.get(face) ?? null;
    let agrees = reading !== null && detection !== null && agree(detection, reading);
    if (detection && !agrees && this.#mayRead(face)) {
      const again = await this.#read(cropOfDetection(detection), null);
      if (again && agree(detection, again)) {
        // Found far from where it was, with another face about: whose it is cannot be said.
        if (isFar(face, detection) && this.#faces.length > 1) face.doubt();
        face.observe(again, true);
        reading = again;
        agrees = true;
      }
    }
    const residual = agrees && reading ? reading.pose.residual : null;
    // What was never known and now is neither strong nor face-shaped (a hand, a print) is let go.
    const convinces = face.confirmed || (detection !== null && worthCovering(detection, residual));
    if (!reading || !(convinces || detection === null)) face.miss(convinces ? detection : null);
    face.credit(detection, residual);
  }

  #mayRead(face: Follow): boolean {
    return face.crop !== null || this.#faces.filter((one) => one.crop).length < this.#maxFaces;
  }

  /** A detection that belongs to no followed face. */
  async #welcome(detection: Detection, captureUs: number): Promise<void> {
    if (this.#faces.length >= READ_TRACKS) {
      this.#faces.push(new Follow(this.#nextId++, detection, this.#rigid, captureUs));
      return;
    }
    const crop = cropOfDetection(detection);
    const landmarks = await this.#landmarker.read(this.#pyramid, crop);
    const reading = accept(landmarks, this.#rigid, this.#size, null);
    if (!worthCovering(detection, reading?.pose.residual ?? null)) return;
    const face = new Follow(this.#nextId++, detection, this.#rigid, captureUs);
    const follows = reading !== null && agree(detection, reading) && this.#mayRead(face);
    this.#faces.push(face);
    if (!follows) return;
    face.observe(reading, false);
    face.credit(detection, reading.pose.residual);
  }

  #resolveMeetings(): void {
    for (const { a, b, same } of meetings(this.#faces)) {
      this.#cross(a, b);
      if (!same) continue;
      // Two meshes on one face: the one that is longer known keeps it; the other was there a moment ago and may be behind it.
      const [keep, drop] =
        a.confirmed === b.confirmed ? (a.id < b.id ? [a, b] : [b, a]) : a.confirmed ? [a, b] : [b, a];
      if (!drop.confirmed) {
        this.#faces = this.#faces.filter((face) => face !== drop);
      } else if (keep.landmarks && drop.landmarks) {
        drop.miss(null);
        drop.lostCrossing = true;
      }
    }
    for (const face of this.#faces) if (!face.landmarks && face.crossing) face.lostCrossing = true;
  }
}

/** Whether a detection must be covered: a strong one always, a weak one where the landmarks there have the shape of a face. */
const worthCovering = (detection: Detection, residual: number | null): boolean =>
  detection.score >= STRONG || (residual !== null && residual <= FACE_RESIDUAL);

/** Whether the landmarks lie where the detector saw eyes, nose and mouth. */
const agree = (detection: Detection, reading: Reading): boolean =>
  disagreement(detection, reading.landmarks.points) <= AGREES;
