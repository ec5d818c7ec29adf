/** The store's tables, as the newest migration leaves them. Times are milliseconds since 1970. */
export interface Tables {
  feeds: { name: string; createdMs: number; updatedMs: number };
  /** What operators set (`value`), and what the configuration said then (`over`). */
  settings: { feed: string; key: string; value: string; over: string; atMs: number };
  sessions: {
    id: string;
    /** Which run of the front it belongs to. */
    run: string;
    feed: string;
    kind: string;
    rendition: string | null;
    beganMs: number;
    endedMs: number | null;
    why: string | null;
    /** JSON. */
    counters: string | null;
  };
  castings: { feed: string; id: string; performer: string; look: string; age: number; createdMs: number };
  /** A performer's face at rest: 478 landmarks as 32-bit floats. Deleted with its casting. */
  neutralFaces: { feed: string; casting: string; points: Buffer; spread: number; atMs: number };
}
