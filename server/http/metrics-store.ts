import { Counter, Gauge, type Registry } from 'prom-client';
import type { StoreApi, StoreState } from './store-api.ts';

const STATES: readonly StoreState[] = ['ok', 'off', 'absent', 'failing', 'waiting'];

/** What is kept, and what could not be. */
export function storeFamilies(registry: Registry, store: Pick<StoreApi, 'state' | 'counts'>): void {
  const registers = [registry];
  new Gauge({
    name: 'understudy_store_state',
    help: '1 for the state that the store is in, 0 for the others: ok, off, absent, failing, waiting.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of STATES) this.set({ state }, state === store.state() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'understudy_store_waiting_records',
    help: 'Records that the keeper has not yet said to be on the disk.',
    registers,
    collect() {
      this.set(store.counts().waiting);
    },
  });
  const counter = (name: string, help: string, count: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect: function () {
        this.reset();
        this.inc(count());
      },
    });
  };
  counter(
    'understudy_store_written_records_total',
    'Records on the disk, since the start of the front.',
    () => store.counts().stored,
  );
  counter('understudy_store_lost_records_total', 'Records that could not be kept.', () => store.counts().lost);
}
