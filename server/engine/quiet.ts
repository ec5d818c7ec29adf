import { AV_LOG_FATAL, Log } from 'node-av';

/** FFmpeg writes to stderr by itself; its errors reach us as return values, so only what ends the process may be printed. */
export const quietCodecs = (): void => Log.setLevel(AV_LOG_FATAL);
