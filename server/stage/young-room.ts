/**
 * Room for young objects in front and engines, MB: Node's flags. Left alone V8 takes more of it for minutes and keeps it. What these
 * processes allocate dies within a frame: a small room holds it, and each cleaning is shorter.
 */
export const YOUNG_ROOM = ['--max-semi-space-size=4'];

/**
 * Room for old objects in engines: V8 cleans all of the heap only when it has grown to five times what was alive. It counts FFmpeg's picture
 * buffers as growth, 80 MB a second of them, though they die young: left alone it cleaned a small heap five times a second, each time with
 * a picture waiting (server/docs/decisions/engine-heap.md).
 */
export const OLD_ROOM = ['--heap-growing-percent=400'];
