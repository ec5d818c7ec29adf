import type { EngineStats } from '../channel/messages.ts';
import type { FeedMeasures } from '../http/stage-api.ts';
import type { IngestStats, ViewerStats } from '../media/port.ts';
import type { RenditionName } from '../wire/messages.ts';
import { Totals } from './totals.ts';

/** What counts at this moment: its numbers are added to those of everything that has ended. */
interface Counting {
  ingest: IngestStats | null;
  stats: EngineStats | null;
  viewers: Record<RenditionName, ViewerStats[]>;
}

const VIEWER_KEYS = ['packets', 'nacks', 'keyRequests', 'skipped'] as const;

/** A feed's totals over all its cameras, engines and viewers, for /metrics. */
export class FeedCounts {
  readonly #camera = new Totals(['packets', 'lost', 'nacks', 'keyRequests']);
  readonly #pictures = new Totals(['decoded', 'encoded', 'skipped', 'undecodable']);
  readonly #renditions = { program: new Totals(VIEWER_KEYS), plate: new Totals(VIEWER_KEYS) };
  #engineLosses = 0;
  #engineHangs = 0;

  cameraEnded(last: IngestStats): void {
    this.#camera.end(last);
  }

  viewerEnded(rendition: RenditionName, last: ViewerStats): void {
    this.#renditions[rendition].end(last);
  }

  engineLost(last: EngineStats | null, hung: boolean): void {
    this.#engineLosses++;
    if (hung) this.#engineHangs++;
    if (last) this.#pictures.end(last);
  }

  now({
    ingest,
    stats,
    viewers,
  }: Counting): Pick<FeedMeasures, 'camera' | 'pictures' | 'renditions' | 'engineLosses' | 'engineHangs'> {
    return {
      camera: this.#camera.sum(ingest ? [ingest] : []),
      pictures: this.#pictures.sum(stats ? [stats] : []),
      renditions: {
        program: this.#renditions.program.sum(viewers.program),
        plate: this.#renditions.plate.sum(viewers.plate),
      },
      engineLosses: this.#engineLosses,
      engineHangs: this.#engineHangs,
    };
  }
}
