import { setPriority } from 'node:os';

/** Between normal (0) and the system's own services: a browser on the same machine must not make pictures late. */
const NICENESS = -5;

/** Lets a process go before ordinary ones, where the system allows it (root, or the right to); elsewhere everything stays as it is. */
export function favour(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // Not allowed: an ordinary user's server runs at ordinary priority.
  }
}
