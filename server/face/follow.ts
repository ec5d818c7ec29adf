import { boxOfDetection, boxOfLandmarks, cropOfLandmarks, grown } from './crop.ts';
import type { RigidFace } from './mesh.ts';
import { FACE_RESIDUAL, keypointsOf, middleOf, type Reading } from './reading.ts';
import { LandmarkSmoother } from './smooth.ts';
import type { Box, Crop, Detection, Landmarks, Track, TrackState } from './types.ts';

/** A detection of at least this much is a face to be covered. Labelled real faces score 0.64–0.96. */
export const STRONG = 0.6;
/** A detection of at least this much is one if the landmark model sees a face there, too (hands and prints often score 0.3–0.5). */
export const WEAK = 0.3;
/** At this score a face needs no further proof; a printed skull reached 0.55 in a few pictures. */
const CERTAIN = 0.75;
/** Pictures in which detector and landmarks must agree before a face counts as known: a false alarm rarely comes twice. */
const AGREEMENTS = 2;
/** A face that the detector has not seen for so long is covered, whatever the landmarks say (they follow drawings, too). */
const UNSEEN_SECONDS = 0.6;
/** When a known face asks for a closer look, and for how many pictures a new one does. */
const LOOK_SECONDS = 0.15;
const LOOK_FRAMES = 8;
/** Faster than this (widths a second) the next picture's crop is moved ahead; slower, the crop's margin is enough. */
const AHEAD_SPEED = 1;
/** Where a face was lost, that place stays covered for so long: known faces, and those that never became known. */
const LOST_SECONDS = 1;
const DOUBT_SECONDS = 0.25;
/** A lost face's last motion fades with this time constant. */
const COAST_SECONDS = 0.25;
/** Growth of a lost face's cover: it may have moved. */
const GROWTH_PER_SECOND = 0.6;
/** A pause longer than this (a stall, a skipped stretch) is no motion. */
const PAUSE_SECONDS = 0.5;

/** One face, from its first detection to its end. State follows only from what it is told, and from capture times. */
export class Follow {
  readonly id: number;
  readonly #smoother: LandmarkSmoother;
  box: Box;
  /** Middle of eyes, nose and mouth, frame pixels. */
  middle: { x: number; y: number };
  /** Where the landmark model looks next; null for a face that is only detected. */
  crop: Crop | null = null;
  landmarks: Landmarks | null = null;
  /** Too near another face to say which is which. */
  crossing = false;
  /** Lost while it crossed another face: it may be right behind it. */
  lostCrossing = false;
  #cutOff = false;
  #pose = { yawDeg: 0, pitchDeg: 0, rollDeg: 0 };
  #velocity = { x: 0, y: 0 };
  #lastUs: number;
  #stepSeconds = 0;
  #confirmed = false;
  #agreed = 0;
  /** Agreements still wanted before a face that was found again counts as known. */
  #doubt = 0;
  #unseenSeconds = 0;
  #lostSeconds = 0;
  #score: number;
  ageFrames = 0;
  lostFrames = 0;

  constructor(id: number, detection: Detection, face: RigidFace, captureUs: number) {
    this.id = id;
    this.#smoother = new LandmarkSmoother(face);
    this.box = boxOfDetection(detection);
    this.middle = middleOf(detection.keypoints);
    this.#score = detection.score;
    this.#lastUs = captureUs;
  }

  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** A new picture: everything is measured from here until the next one. */
  step(captureUs: number): void {
    this.#stepSeconds = Math.max(0, (captureUs - this.#lastUs) / 1e6);
    this.#lastUs = captureUs;
    if (this.#stepSeconds > PAUSE_SECONDS) {
      this.#smoother.reset();
      this.#velocity = { x: 0, y: 0 };
    }
    if (this.crop) this.crop = this.#ahead(this.crop);
    this.ageFrames++;
    this.crossing = false;
  }

  /** Landmarks that hold for this picture. `again`: this picture's first reading was wrong, or the face had been lost. */
  observe(reading: Reading, again: boolean): void {
    if (again) this.#smoother.reset();
    if (this.lostFrames > 0) this.#doubt = Math.max(this.#doubt, AGREEMENTS);
    const { presence, crop, points } = reading.landmarks;
    const smooth = this.#smoother.smooth(points, this.#stepSeconds);
    this.landmarks = { points: smooth, presence, crop };
    this.#pose = reading.pose;
    this.crop = cropOfLandmarks(smooth);
    this.#place(boxOfLandmarks(smooth), middleOf(keypointsOf(smooth)), this.lostFrames === 0);
    this.lostFrames = 0;
    this.#lostSeconds = 0;
    this.lostCrossing = false;
  }

  /** No landmarks hold in this picture; the detector may still see the face. */
  miss(detection: Detection | null): void {
    this.landmarks = null;
    this.crop = null;
    this.#agreed = 0;
    this.lostFrames++;
    if (detection) {
      this.#place(boxOfDetection(detection), middleOf(detection.keypoints), this.lostFrames > 1);
      this.#lostSeconds = 0;
      return;
    }
    // A stall tells nothing about the face: its place does not become free because time went by unseen.
    const seconds = Math.min(this.#stepSeconds, PAUSE_SECONDS);
    this.#lostSeconds += seconds;
    const fade = Math.exp(-seconds / COAST_SECONDS);
    const dx = this.#velocity.x * seconds;
    const dy = this.#velocity.y * seconds;
    this.#velocity = { x: this.#velocity.x * fade, y: this.#velocity.y * fade };
    this.middle = { x: this.middle.x + dx, y: this.middle.y + dy };
    const moved = { ...this.box, x: this.box.x + dx, y: this.box.y + dy };
    this.box = grown(moved, 1 + GROWTH_PER_SECOND * seconds);
  }

  /** What the detector said about this face in a picture in which it looked; `residual`: the shape's, where landmarks agree with it. */
  credit(detection: Detection | null, residual: number | null): void {
    if (!detection) {
      this.#unseenSeconds += this.#stepSeconds;
      // A face that is not yet known must be seen again soon, or counts from the start.
      if (this.#unseenSeconds > UNSEEN_SECONDS) this.#agreed = 0;
      return;
    }
    this.#score = detection.score;
    if (residual === null) return;
    this.#unseenSeconds = 0;
    if (this.#doubt > 0) this.#doubt--;
    if (detection.score < STRONG || (detection.score < CERTAIN && residual > FACE_RESIDUAL)) return;
    this.#agreed++;
    if (this.#agreed >= AGREEMENTS) this.#confirmed = true;
  }

  /** After a crossing, as long as nobody can say which face is which. */
  doubt(): void {
    this.crossing = true;
    this.#doubt = AGREEMENTS;
  }

  /** The picture cut to another shot: nobody in it is this face, but its place stays covered for a moment in case that was a flash. */
  cut(): void {
    this.#cutOff = true;
    this.crop = null;
    this.#velocity = { x: 0, y: 0 };
  }

  /** The same scene in a picture of another size: places and speeds in its pixels from now on. */
  resize(scaleX: number, scaleY: number): void {
    const { box, middle, crop } = this;
    this.box = { x: box.x * scaleX, y: box.y * scaleY, w: box.w * scaleX, h: box.h * scaleY };
    this.middle = { x: middle.x * scaleX, y: middle.y * scaleY };
    if (crop) {
      this.crop = { ...crop, cx: crop.cx * scaleX, cy: crop.cy * scaleY, size: crop.size * Math.sqrt(scaleX * scaleY) };
    }
    this.#velocity = { x: this.#velocity.x * scaleX, y: this.#velocity.y * scaleY };
    this.#smoother.reset();
  }

  /** Too small for the detector's view of the whole picture, perhaps: it should look closer. False alarms do not ask for ever. */
  get wantsLook(): boolean {
    return this.#confirmed
      ? this.landmarks !== null && this.#unseenSeconds > LOOK_SECONDS
      : this.ageFrames < LOOK_FRAMES;
  }

  get cutOff(): boolean {
    return this.#cutOff;
  }

  /** Nothing left to cover: gone for too long, or out of the picture. */
  ended(width: number, height: number): boolean {
    if (this.landmarks || this.#lostSeconds === 0) return false;
    const outside = this.middle.x < 0 || this.middle.y < 0 || this.middle.x >= width || this.middle.y >= height;
    return outside || this.#lostSeconds > (this.#confirmed && !this.#cutOff ? LOST_SECONDS : DOUBT_SECONDS);
  }

  get state(): TrackState {
    if (!this.landmarks) return this.#confirmed ? 'lost' : 'new';
    if (!this.#confirmed) return 'new';
    if (this.crossing || this.#doubt > 0 || this.#unseenSeconds > UNSEEN_SECONDS) return 'ambiguous';
    return 'known';
  }

  snapshot(): Track {
    const { landmarks } = this;
    const pose = landmarks ? this.#pose : { yawDeg: 0, pitchDeg: 0, rollDeg: 0 };
    return {
      id: this.id,
      state: this.state,
      box: { ...this.box },
      landmarks,
      yawDeg: pose.yawDeg,
      pitchDeg: pose.pitchDeg,
      rollDeg: pose.rollDeg,
      confidence: landmarks ? Math.min(landmarks.presence, this.#unseenSeconds > 0 ? this.#score / 2 : this.#score) : 0,
      ageFrames: this.ageFrames,
      lostFrames: this.lostFrames,
    };
  }

  /** The crop where a fast face is going to be. */
  #ahead(crop: Crop): Crop {
    const { x, y } = this.#velocity;
    const speed = Math.hypot(x, y);
    if (speed < AHEAD_SPEED * this.box.w) return crop;
    // Never more than half a width: a guess must not lose a face that stopped.
    const seconds = Math.min(this.#stepSeconds, (0.5 * this.box.w) / speed);
    return { ...crop, cx: crop.cx + x * seconds, cy: crop.cy + y * seconds };
  }

  #place(box: Box, middle: { x: number; y: number }, moving: boolean): void {
    if (moving && this.#stepSeconds > 0 && this.#stepSeconds <= PAUSE_SECONDS) {
      const share = 0.5;
      const vx = (middle.x - this.middle.x) / this.#stepSeconds;
      const vy = (middle.y - this.middle.y) / this.#stepSeconds;
      this.#velocity = {
        x: this.#velocity.x + share * (vx - this.#velocity.x),
        y: this.#velocity.y + share * (vy - this.#velocity.y),
      };
    }
    this.box = box;
    this.middle = middle;
  }
}
