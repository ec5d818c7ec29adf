import type { FeedInfo, RenditionName, UncastPolicy } from '../wire/messages.ts';

/** What HTTP and the control socket need of a stage; server/stage implements it. Methods throw `Problem`. */
export interface StageApi {
  /** A camera's WHIP offer for a feed (created on demand, under the cap). */
  publish(feed: string, offer: string): Promise<{ session: string; answer: string }>;
  /** A viewer's WHEP offer for a rendition of a feed. */
  watch(feed: string, rendition: RenditionName, offer: string): Promise<{ session: string; answer: string }>;
  /** Ends a session; false when there is none of that id on that feed. */
  end(feed: string, session: string): boolean;
  feeds(): FeedInfo[];
  /** Names of the looks that can be set. */
  looks(): string[];
  set(feed: string, change: { uncast?: UncastPolicy; look?: string }): void;
  /** Calls back whenever feeds() would answer differently (at most ten times a second). Returns the unsubscriber. */
  onChange(listener: () => void): () => void;
  /** Server's monotonic clock, microseconds. */
  nowUs(): number;
}
