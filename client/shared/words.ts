import type { FeedInfo } from '../../server/wire/messages.ts';
import type { LinkStatus } from './link.ts';
import { secondsUntil } from './now.ts';
import type { Tone } from './parts/Badge.tsx';
import type { SlateWords } from './parts/Slate.tsx';

export const size = (width: number, height: number) => (width && height ? `${width}×${height}` : null);

/** A feed's state in one word, quiet when fine. */
export const STATE_WORDS: Record<FeedInfo['state'], { word: string; tone: Tone }> = {
  idle: { word: 'No camera', tone: 'quiet' },
  connecting: { word: 'Connecting', tone: 'quiet' },
  warming: { word: 'Warming up', tone: 'quiet' },
  live: { word: 'Live', tone: 'quiet' },
  slate: { word: 'Slate', tone: 'amber' },
  stalled: { word: 'Stalled', tone: 'amber' },
};

export const again = (status: LinkStatus & { phase: 'waiting' }) =>
  `Connecting again in ${secondsUntil(status.retryAtMs)} s.`;

/** What stands at the picture's place when a feed has none, by the feed's own state. */
export function feedSlate(feed: FeedInfo | null, name: string | null): SlateWords {
  if (!feed) {
    return name
      ? { title: `There is no feed “${name}”`, text: 'Choose another feed above, or start a camera under this name.' }
      : { title: 'No feed yet', text: 'Open the camera page on the device that has the camera, and press Go.' };
  }
  if (feed.state === 'idle') {
    return {
      title: `No camera on “${feed.name}”`,
      text: feed.message ?? 'Open the camera page on the device that has the camera, and press Go.',
    };
  }
  if (feed.state === 'connecting')
    return { title: 'The camera is connecting', text: feed.message ?? 'Its picture comes in a moment.' };
  if (feed.state === 'warming')
    return { title: 'Getting ready', text: feed.message ?? 'The models are loading; the picture comes by itself.' };
  if (feed.state === 'slate')
    return {
      title: 'Picture coming back',
      text: feed.message ?? 'The engine of this feed stopped and is starting again.',
      tone: 'amber',
    };
  if (feed.state === 'stalled') {
    return {
      title: 'The camera sends nothing',
      text: feed.message ?? 'Look at the camera page: is it open, and is the device awake?',
      tone: 'amber',
    };
  }
  return { title: 'Opening the picture', text: `Feed “${feed.name}”.` };
}

/** What stands there while a connection is not open; null when it is. */
export function linkSlate(status: LinkStatus): SlateWords | null {
  if (status.phase === 'refused') return { title: 'Not allowed in', text: status.sentence, tone: 'amber' };
  if (status.phase === 'waiting') return { title: again(status), text: status.sentence, tone: 'amber' };
  return null;
}

/** "Resolution lowered …" when overload has lowered it; else null. */
export function loweredWords(feed: FeedInfo): string | null {
  const { width, height, scale } = feed.program;
  if (scale >= 1 || !width) return null;
  const full = feed.camera
    ? size(feed.camera.width, feed.camera.height)
    : size(Math.round(width / scale), Math.round(height / scale));
  return `Resolution lowered to ${width}×${height}: the machine is too slow for ${full}. Close other programs, or choose a smaller size on the camera page.`;
}

/** What is wrong with a feed although it has a picture, most urgent first; null when all is well. */
export function feedWarning(feed: FeedInfo, pictureLostSeconds: number | null): string | null {
  if (feed.state === 'slate')
    return feed.message ?? 'The engine of this feed stopped and is starting again: showing slate until then.';
  if (feed.state === 'stalled') {
    const seconds = pictureLostSeconds === null ? '' : ` for ${pictureLostSeconds} s`;
    return (
      feed.message ??
      `No picture from the camera${seconds}. Look at the camera page: is it open, and is the device awake?`
    );
  }
  if (feed.state === 'idle') return feed.message ?? 'The camera has stopped. Press Go on the camera page to go on.';
  if (pictureLostSeconds !== null)
    return `No new picture for ${pictureLostSeconds} s. If it stays, press R to connect again.`;
  return loweredWords(feed) ?? feed.message;
}

/** Connected, and still no picture. */
export const noPictureSlate = (seconds: number): SlateWords => ({
  title: `No picture for ${seconds} s`,
  text: 'The connection is there, but no picture comes. Look at the camera page; press R here to connect again.',
  tone: 'amber',
});
