import { describe, expect, test } from 'vitest';
import type { KeptRecord, StoredSetting } from '../../server/keeper/messages.ts';
import { type Configured, Settings } from '../../server/stage/settings.ts';
import type { UncastPolicy } from '../../server/wire/messages.ts';

/** Which settings hold: what was said last. */

const configured = (uncast: UncastPolicy, feeds: Configured['feeds'] = []): Configured => ({
  defaults: { look: 'mara', uncast, age: 0 },
  feeds,
});

/** A store as the keeper would have it, and a front on it. */
function house(first: Configured) {
  const store = new Map<string, StoredSetting>();
  const keep = (record: KeptRecord): void => {
    if (record.type === 'setting') {
      const { type: _, ...setting } = record;
      store.set(`${record.feed} ${record.key}`, setting);
    } else if (record.type === 'settingDropped') store.delete(`${record.feed} ${record.key}`);
  };
  const front = (now: Configured): Settings => new Settings({ configured: now, looks: ['mara', 'ivo'], keep });
  const started = (now: Configured): Settings => {
    const settings = front(now);
    settings.learn([...store.values()]);
    return settings;
  };
  return { store, front, started, settings: started(first) };
}

describe('what an operator sets', () => {
  test('holds over the configuration and over new starts with the same one', () => {
    const { settings, started } = house(configured('look'));
    expect(settings.set('a', { uncast: 'blur', age: 0 })).toEqual({ look: 'mara', uncast: 'blur', age: 0 });
    expect(settings.of('b')).toEqual({ look: 'mara', uncast: 'look', age: 0 });
    const again = started(configured('look'));
    expect([again.of('a').uncast, again.held]).toEqual(['blur', ['a: uncast blur (configuration: look)']]);
    expect(started(configured('look', [{ name: 'a', look: 'mara', uncast: 'look', age: 0 }])).of('a').uncast).toBe(
      'blur',
    );
  });

  test('gives way to a configuration that says something else than it did then, for that key alone', () => {
    const { settings, started, store } = house(configured('look'));
    settings.set('a', { uncast: 'pass', look: 'ivo' });
    const again = started(configured('blur'));
    expect(again.of('a')).toEqual({ look: 'ivo', uncast: 'blur', age: 0 });
    expect([...store.keys()]).toEqual(['a look']);
    // Also when the configuration goes back later: what was dropped does not rise again.
    expect(started(configured('look')).of('a').uncast).toBe('look');
  });

  test('gives way when the configuration is read again while it runs', () => {
    const { settings, store } = house(configured('look'));
    settings.set('a', { uncast: 'pass' });
    settings.reload(configured('look'));
    expect(settings.of('a').uncast).toBe('pass');
    settings.reload(configured('blur'));
    expect(settings.of('a').uncast).toBe('blur');
    settings.reload(configured('look'));
    expect(settings.of('a').uncast).toBe('look');
    expect(store.size).toBe(0);
  });

  test('is forgotten when it is what the configuration says anyway: that then holds', () => {
    const { settings, store } = house(configured('look'));
    settings.set('a', { uncast: 'pass' });
    settings.set('a', { uncast: 'look', age: 0 });
    expect(store.size).toBe(0);
    settings.reload(configured('blur'));
    expect(settings.of('a').uncast).toBe('blur');
  });
});

describe('a store that comes late', () => {
  test('does not undo what was set meanwhile, and brings the rest', () => {
    const { settings, front, store } = house(configured('look'));
    settings.set('a', { uncast: 'blur', look: 'ivo' });
    const stored = [...store.values()];
    const late = front(configured('look'));
    expect(late.of('a')).toEqual({ look: 'mara', uncast: 'look', age: 0 });
    late.set('a', { uncast: 'pass' });
    late.learn(stored);
    expect(late.of('a')).toEqual({ look: 'ivo', uncast: 'pass', age: 0 });
    late.learn(stored);
    expect(late.of('a').uncast).toBe('pass');
  });

  test('brings nothing that this program does not know', () => {
    const { front } = house(configured('look'));
    const settings = front(configured('look'));
    const strange = { feed: 'a', over: 'mara', atMs: 0 };
    settings.learn([
      { ...strange, key: 'look', value: 'gone' },
      { ...strange, key: 'uncast', value: 'invisible', over: 'look' },
    ]);
    expect(settings.of('a')).toEqual({ look: 'mara', uncast: 'look', age: 0 });
  });
});

describe('the age dial', () => {
  test('is kept as text and read back as a number; what is no age is passed over', () => {
    const { settings, started, store } = house(configured('look'));
    expect(settings.set('a', { age: -12 }).age).toBe(-12);
    expect(store.get('a age')?.value).toBe('-12');
    expect(started(configured('look')).of('a').age).toBe(-12);
    for (const value of ['', 'old', '1e9', '2.5']) {
      store.set('a age', { feed: 'a', key: 'age', value, over: '0', atMs: 1 });
      expect(started(configured('look')).of('a').age).toBe(0);
    }
  });
});
