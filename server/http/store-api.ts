import type { SessionRecord } from '../wire/sessions.ts';

/** How the store does. off: it is switched off. absent: no keeper. failing: its disk refuses. waiting: it is behind. */
export type StoreState = 'ok' | 'off' | 'absent' | 'failing' | 'waiting';

/** What HTTP needs of what is kept; server/stage implements it. */
export interface StoreApi {
  state(): StoreState;
  /** Records since the start of the front: on the disk, waiting for it, and lost for good. */
  counts(): { stored: number; waiting: number; lost: number };
  /** The sessions that began last, newest first. Throws `Problem` where the store cannot be asked. */
  sessions(feed: string | null, limit: number): Promise<SessionRecord[]>;
}
