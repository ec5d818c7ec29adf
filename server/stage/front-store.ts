import type { Config } from '../config/config.ts';
import type { StoreApi } from '../http/store-api.ts';
import type { StoredCasting, StoredSetting } from '../keeper/messages.ts';
import { playableLooks } from '../library/looks.ts';
import type { Log } from '../observe/log.ts';
import type { Reports } from '../observe/reports.ts';
import { Castings } from './castings.ts';
import { configured } from './configured.ts';
import { KeeperLink } from './keeper-link.ts';
import { NO_RECORDS, type Records } from './records.ts';
import { Settings } from './settings.ts';

/** What the first camera waits for the store at most; without it, the configuration holds. */
const STORE_MS = 1000;
/** What the close waits for the last records. */
const FLUSH_MS = 2000;

/** The front's store: where it says what is to be kept, which settings hold and who is cast. Owned by the front. */
export interface FrontStore {
  records: Records & StoreApi;
  settings: Settings;
  castings: Castings;
  /** Whether what operators set is known; waits for it a little. True where nothing is kept. */
  known(): Promise<boolean>;
  /** Hands over what still waits, and closes. */
  close(): Promise<void>;
}

/**
 * @param keeper where the keeper connects; null where nothing is kept
 * @param changed what operators set has come from the store, perhaps late
 */
export async function openFrontStore(
  keeper: { socket: string; key: string } | null,
  config: Config,
  { log, reports }: { log: Log; reports: Reports },
  changed: () => void,
): Promise<FrontStore> {
  const settings = new Settings({
    configured: configured(config),
    looks: playableLooks(),
    keep: (record) => records.keep(record),
  });
  const castings = new Castings({ looks: playableLooks(), keep: (record) => records.keep(record) });
  let told = '';
  const learn = (stored: { settings: readonly StoredSetting[]; castings: readonly StoredCasting[] }): void => {
    settings.learn(stored.settings);
    castings.learn(stored.castings);
    changed();
    const held = [...settings.held, ...castings.held].join(', ');
    // A face that is shown for what somebody set last week should surprise nobody.
    if (held !== '' && held !== told) log.info(`What operators set holds over the configuration: ${held}.`);
    told = held;
  };
  const link = keeper && (await KeeperLink.listen({ ...keeper, reports, learn }));
  const records: Records & StoreApi = link ?? NO_RECORDS;
  return {
    records,
    settings,
    castings,
    known: async () => (link ? link.opened(STORE_MS) : true),
    close: async () => {
      await link?.flush(FLUSH_MS);
      link?.close();
    },
  };
}
