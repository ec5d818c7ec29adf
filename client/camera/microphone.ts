import { signal } from '@preact/signals';

/** Sound as it comes in: whatever a browser does to please ears would ruin a mix and destroy a timecode. */
const RAW: MediaTrackConstraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export interface RawInput {
  readonly stream: MediaStream;
  readonly track: MediaStreamTrack;
  close(): void;
}

/** Opens an input without any processing. `deviceId` empty: the browser's own choice. Throws DOMException as getUserMedia does. */
export async function openRawInput(deviceId: string): Promise<RawInput> {
  if (!isSecureContext || !navigator.mediaDevices) throw new DOMException('', 'SecurityError');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { ...RAW, channelCount: { ideal: 2 }, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) },
  });
  const [track] = stream.getAudioTracks();
  if (!track) throw new DOMException('', 'NotFoundError');
  return { stream, track, close: () => track.stop() };
}

/** Why there is no sound from an input, and what to do. */
export function inputTrouble(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'SecurityError':
      return 'Browsers give a page sound only on the machine itself (http://localhost) or over https.';
    case 'NotAllowedError':
      return 'The sound input is not allowed: press the sign beside the address at the top, then choose it again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'There is no such sound input: plug it in, then choose it again.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The sound input does not answer: another program may be using it.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The microphone that is sent beside the picture: none until somebody chooses one. Owns its input; `close()` ends it.
 */
export class Microphone {
  /** Null: none. Empty: the browser's own choice. */
  readonly chosen = signal<string | null>(null);
  readonly track = signal<MediaStreamTrack | null>(null);
  readonly trouble = signal<string | null>(null);
  #input: RawInput | null = null;
  #run = 0;

  async choose(deviceId: string | null): Promise<void> {
    const run = ++this.#run;
    this.chosen.value = deviceId;
    this.trouble.value = null;
    this.#drop();
    if (deviceId === null) return;
    try {
      const input = await openRawInput(deviceId);
      if (run !== this.#run) {
        input.close();
        return;
      }
      this.#input = input;
      this.track.value = input.track;
      input.track.addEventListener('ended', () => {
        if (this.#input === input) this.#fail('The microphone has gone: plug it in, then choose it again.');
      });
    } catch (error) {
      if (run === this.#run) this.#fail(inputTrouble(error));
    }
  }

  #fail(sentence: string): void {
    this.#drop();
    this.trouble.value = sentence;
    this.chosen.value = null;
  }

  #drop(): void {
    this.#input?.close();
    this.#input = null;
    this.track.value = null;
  }

  close(): void {
    this.#run++;
    this.#drop();
  }
}
