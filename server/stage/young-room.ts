/**
 * Room for young objects in front and engines, MB: Node's flags. Left alone V8 takes more of it for minutes and keeps it. What these
 * processes allocate dies within a frame: a small room holds it, and each cleaning is shorter.
 */
export const YOUNG_ROOM = ['--max-semi-space-size=4'];
