import type { EngineStats } from '../channel/messages.ts';
import type { FeedMeasures } from '../http/stage-api.ts';
import type { IngestStats } from '../media/port.ts';
import { Totals } from './totals.ts';

/** What counts at this moment: its numbers are added to those of everything that has ended. */
interface Counting {
  ingest: IngestStats | null;
  stats: EngineStats | null;
}

/** A feed's totals over all its cameras and engines, for /metrics. */
export class FeedCounts {
  readonly #camera = new Totals(['packets', 'lost', 'nacks', 'keyRequests']);
  readonly #pictures = new Totals(['decoded', 'encoded', 'skipped', 'undecodable']);
  #engineLosses = 0;
  #engineHangs = 0;

  cameraEnded(last: IngestStats): void {
    this.#camera.end(last);
  }

  engineLost(last: EngineStats | null, hung: boolean): void {
    this.#engineLosses++;
    if (hung) this.#engineHangs++;
    if (last) this.#pictures.end(last);
  }

  now({ ingest, stats }: Counting): Pick<FeedMeasures, 'camera' | 'pictures' | 'engineLosses' | 'engineHangs'> {
    return {
      camera: this.#camera.sum(ingest ? [ingest] : []),
      pictures: this.#pictures.sum(stats ? [stats] : []),
      engineLosses: this.#engineLosses,
      engineHangs: this.#engineHangs,
    };
  }
}
