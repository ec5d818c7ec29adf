import { setPriority } from 'node:os';

/**
 * Between normal (0) and the system's own services: a browser on the same machine must not make pictures late. The front goes before the
 * engines: it needs little, and every picture of every feed waits for it twice.
 */
const NICENESS = { front: -10, engine: -5 };

/** Lets a process go before ordinary ones, where the system allows it (root, or the right to); elsewhere everything stays as it is. */
export function favour(pid: number, as: keyof typeof NICENESS): void {
  try {
    setPriority(pid, NICENESS[as]);
  } catch {
    // Not allowed: an ordinary user's server runs at ordinary priority.
  }
}
