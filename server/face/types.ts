/** A box in frame pixels. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What the detector saw. Keypoints: right eye, left eye (the performer's own right and left), nose tip, mouth, right ear, left ear. */
export interface Detection {
  box: Box;
  /** 0–1. */
  score: number;
  /** 6 × (x, y), frame pixels. */
  keypoints: Float32Array;
}

/** A rotated square of the frame: centre and side in frame pixels, rotation in radians (clockwise on screen). */
export interface Crop {
  cx: number;
  cy: number;
  size: number;
  rot: number;
}

export const LANDMARKS = 478;

export interface Landmarks {
  /** 478 × (x, y, z): frame pixels; z in the same unit, smaller is nearer the camera. Indices of the MediaPipe face mesh; 468–477 irises. */
  points: Float32Array;
  /** The model's own probability that the crop holds a face, 0–1. */
  presence: number;
  /** The crop they were read from. */
  crop: Crop;
}

/**
 * What is known of a face in the frame.
 * - `new`: seen, not yet confirmed by detector and landmarks together: must be covered.
 * - `known`: followed; its landmarks hold for this frame.
 * - `ambiguous`: crossing another face or just found again: whose face it is cannot be said.
 * - `lost`: not found in this frame, but it may still be there: cover where it was.
 */
export type TrackState = 'new' | 'known' | 'ambiguous' | 'lost';

export interface Track {
  /** Stable while the face is followed; never reused within a feed. */
  id: number;
  state: TrackState;
  /** Encloses the whole face (forehead to chin, ear to ear), frame pixels. */
  box: Box;
  /** Null while no landmarks hold for this frame (`new` without a mesh, `lost`). */
  landmarks: Landmarks | null;
  /** Head pose in degrees: yaw > 0 turns to the performer's left, pitch > 0 looks up, roll > 0 clockwise on screen. 0 without landmarks. */
  yawDeg: number;
  pitchDeg: number;
  rollDeg: number;
  /** 0–1, detector and landmark model together. */
  confidence: number;
  /** Frames since the track began. */
  ageFrames: number;
  /** Frames since landmarks last held; 0 when they hold now. */
  lostFrames: number;
}
