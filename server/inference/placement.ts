import { z } from 'zod';
import type { Gpu } from './machine.ts';
import type { Provider } from './providers.ts';
import { showsGpu } from './settings.ts';

const gpuIndex = z.number().int().min(0).max(15);
/** Which GPUs engines are placed on, as nvidia-smi counts them: all that the driver shows, one, or several. */
export const gpuChoice = z.union([
  z.literal('auto'),
  gpuIndex,
  z
    .array(gpuIndex)
    .min(1)
    .max(16)
    .refine((list) => new Set(list).size === list.length, 'each GPU stands in the list once'),
]);
export type GpuChoice = z.infer<typeof gpuChoice>;

/** A GPU that engines may be placed on. */
export const place = z.object({ index: gpuIndex, memoryMb: z.number() });
export type Place = z.infer<typeof place>;

/** What an engine that is placed does there. */
export interface Placed {
  gpu: number;
  /** Its networks' time for a picture, ms; 0 while no camera is on its feed, and for the spare. */
  busyMs: number;
}

/** The first GPU of a choice: what is tried where one is enough. */
export const firstOf = (choice: GpuChoice): number =>
  choice === 'auto' ? 0 : typeof choice === 'number' ? choice : (choice[0] ?? 0);

/**
 * The GPUs that engines are placed on; never none: without a GPU every engine is on the same, nameless one. Asks the driver only where there
 * may be something to choose.
 */
export async function placesHere(choice: GpuChoice, providers: readonly Provider[]): Promise<Place[]> {
  const asked = providers.includes('tensorrt') || providers.includes('cuda');
  if (!asked || typeof choice === 'number') return [{ index: firstOf(choice), memoryMb: 0 }];
  if (!showsGpu()) return placesOf(choice, []);
  // The configuration and the front read this file: they load no library.
  const { gpus } = await import('./machine.ts');
  return placesOf(choice, (await gpus()).found);
}

/** The places of a choice among the GPUs that the driver shows. One that is named and not shown is kept: its engines say that it is not there. */
export function placesOf(choice: GpuChoice, found: readonly Pick<Gpu, 'index' | 'memoryMb'>[]): Place[] {
  const memory = new Map(found.map(({ index, memoryMb }) => [index, memoryMb]));
  const wanted = choice === 'auto' ? [...memory.keys()] : typeof choice === 'number' ? [choice] : choice;
  const places = wanted.map((index) => ({ index, memoryMb: memory.get(index) ?? 0 }));
  return places.length > 0 ? places : [{ index: 0, memoryMb: 0 }];
}

/**
 * Where the next engine goes: the GPU with the fewest engines, of those the one whose networks are the least busy, then the one with the most
 * memory, then the first. An engine stays where it was placed; feeds move when their engine is lost and the spare, on its GPU, takes over.
 */
export function placeNext(places: readonly Place[], placed: readonly Placed[]): number {
  const loads = places.map(({ index, memoryMb }) => {
    const there = placed.filter(({ gpu }) => gpu === index);
    return { index, memoryMb, engines: there.length, busyMs: there.reduce((sum, { busyMs }) => sum + busyMs, 0) };
  });
  loads.sort((a, b) => a.engines - b.engines || a.busyMs - b.busyMs || b.memoryMb - a.memoryMb || a.index - b.index);
  return loads[0]?.index ?? 0;
}

/** Where feeds go that open one after the other, and then the spare. */
export function planned(
  places: readonly Place[],
  feeds: readonly (string | null)[],
  spare: boolean,
): { feeds: { feed: string | null; gpu: number }[]; spare: number | null } {
  const placed: Placed[] = [];
  const next = (): number => {
    const gpu = placeNext(places, placed);
    placed.push({ gpu, busyMs: 0 });
    return gpu;
  };
  const planFeeds = feeds.map((feed) => ({ feed, gpu: next() }));
  return { feeds: planFeeds, spare: spare ? next() : null };
}
