/**
 * Which settings hold for a feed: what was said last. The configuration speaks first; what an operator sets holds over it, also after
 * restarts, until the configuration says something else for that key, or the operator sets what it says. Pure but for `keep`.
 */
import type { FeedSettings } from '../channel/messages.ts';
import type { KeptRecord, SettingKey, StoredSetting } from '../keeper/messages.ts';
import { ageYears } from '../wire/age.ts';
import { uncastPolicy } from '../wire/messages.ts';

const KEYS: readonly SettingKey[] = ['look', 'uncast', 'age'];

export interface Configured {
  /** For feeds that are not listed. */
  defaults: FeedSettings;
  feeds: readonly ({ name: string } & FeedSettings)[];
}

export interface SettingsOptions {
  configured: Configured;
  looks: readonly string[];
  keep(record: KeptRecord): void;
  nowMs?: () => number;
}

export class Settings {
  readonly #options: SettingsOptions;
  /** What operators set, by feed and key. */
  readonly #said = new Map<string, StoredSetting>();
  /** Keys about which this run knows more than the store. */
  readonly #touched = new Set<string>();
  #configured: Configured;

  constructor(options: SettingsOptions) {
    this.#options = options;
    this.#configured = options.configured;
  }

  /** What the configuration says for feeds that it does not list. */
  get defaults(): FeedSettings {
    return this.#configured.defaults;
  }

  of(feed: string): FeedSettings {
    const { look, uncast, age } = this.#configuredFor(feed);
    return {
      look: this.#said.get(at(feed, 'look'))?.value ?? look,
      uncast: uncastPolicy.safeParse(this.#said.get(at(feed, 'uncast'))?.value).data ?? uncast,
      age: readAge(this.#said.get(at(feed, 'age'))?.value) ?? age,
    };
  }

  /** What operators have set over the configuration, a few words each. */
  get held(): string[] {
    return [...this.#said.values()].map(
      ({ feed, key, value, over }) => `${feed}: ${key} ${value} (configuration: ${over})`,
    );
  }

  /** An operator sets something. Answers what holds now. */
  set(feed: string, change: Partial<FeedSettings>): FeedSettings {
    const configured = this.#configuredFor(feed);
    for (const key of KEYS) {
      const value = change[key];
      if (value === undefined) continue;
      this.#touched.add(at(feed, key));
      if (value === configured[key]) this.#drop(feed, key);
      else this.#say({ feed, key, value: String(value), over: String(configured[key]), atMs: this.#now() });
    }
    return this.of(feed);
  }

  /** What lay in the store. What this run has been told since is newer. */
  learn(stored: readonly StoredSetting[]): void {
    for (const setting of stored) {
      const { feed, key, value, over } = setting;
      if (this.#touched.has(at(feed, key))) continue;
      if (!this.#means(key, value)) continue;
      if (over === String(this.#configuredFor(feed)[key])) this.#said.set(at(feed, key), setting);
      else this.#drop(feed, key);
    }
  }

  /** The configuration was read again: where it says something else than before, that holds. */
  reload(configured: Configured): void {
    this.#configured = configured;
    for (const { feed, key, over } of [...this.#said.values()]) {
      if (over !== String(this.#configuredFor(feed)[key])) this.#drop(feed, key);
    }
  }

  /** Whether a stored value still means something: looks come and go. */
  #means(key: SettingKey, value: string): boolean {
    if (key === 'look') return this.#options.looks.includes(value);
    return key === 'age' ? readAge(value) !== undefined : uncastPolicy.safeParse(value).success;
  }

  #configuredFor(feed: string): FeedSettings {
    const { feeds, defaults } = this.#configured;
    const { look, uncast, age } = feeds.find(({ name }) => name === feed) ?? defaults;
    return { look, uncast, age };
  }

  #say(setting: StoredSetting): void {
    this.#said.set(at(setting.feed, setting.key), setting);
    this.#options.keep({ type: 'setting', ...setting });
  }

  #drop(feed: string, key: SettingKey): void {
    this.#said.delete(at(feed, key));
    this.#touched.add(at(feed, key));
    this.#options.keep({ type: 'settingDropped', feed, key, atMs: this.#now() });
  }

  #now(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

const at = (feed: string, key: SettingKey): string => `${feed} ${key}`;

const readAge = (text: string | undefined): number | undefined =>
  text === undefined || text === '' ? undefined : ageYears.safeParse(Number(text)).data;
