import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { FeedInfo } from '../../server/wire/messages.ts';
import iconUrl from '../shared/icon.svg';
import { Badge } from '../shared/parts/Badge.tsx';
import { Choices } from '../shared/parts/Choices.tsx';
import { KeysButton } from '../shared/parts/Keys.tsx';
import { STATE_WORDS } from '../shared/words.ts';
import {
  choose,
  chooseFeed,
  feed as chosenFeed,
  control,
  drawerOpen,
  feedName,
  low,
  oneToOne,
  soundOn,
  toggleLow,
  type View,
  view,
  wanted,
} from './model.ts';
import { toggleFullScreen } from './Picture.tsx';

export function FeedTabs() {
  const nav = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    if (feedName.value)
      nav.current?.querySelector('[aria-current=true]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  });
  return (
    <nav ref={nav} class="feeds" aria-label="Feeds">
      <a class="home" href="/" title="All pages">
        <img src={iconUrl} alt="Understudy: all pages" width="24" height="24" />
      </a>
      {control.feeds.value.map((feed, index) => {
        const { word, tone } = STATE_WORDS[feed.state];
        return (
          <button
            type="button"
            key={feed.name}
            class="feed"
            aria-current={feed.name === feedName.value}
            onClick={() => chooseFeed(feed.name)}
          >
            {index < 9 && <kbd>{index + 1}</kbd>}
            <span class="name">{feed.name}</span>
            <Badge tone={feed.message ? 'amber' : tone}>
              {feed.state === 'live' ? <span class="sr">{word}</span> : word}
            </Badge>
          </button>
        );
      })}
    </nav>
  );
}

/** Whose sound it is, and the key. */
function soundTitle(sound: FeedInfo['sound']): string {
  if (!sound) return 'This feed has no sound yet (M)';
  const whose = sound.source === 'mixer' ? 'The mixer’s sound' : 'The camera’s sound';
  return sound.silent ? `${whose}: nothing comes at the moment (M)` : `${whose} (M)`;
}

const VIEWS: { value: View; label: string; title: string }[] = [
  { value: 'program', label: 'Program', title: 'The processed picture (P)' },
  { value: 'plate', label: 'Plate', title: 'The untouched picture (P)' },
  { value: 'wipe', label: 'Wipe', title: 'Plate left, program right (W)' },
  { value: 'side', label: 'Side by side', title: 'Plate and program (S)' },
];

export function Controls() {
  return (
    <div class="controls">
      <Choices label="What is shown" choices={VIEWS} value={wanted.value ?? view.value} onChoose={choose} />
      <button
        type="button"
        aria-pressed={oneToOne.value}
        title="One picture pixel to one screen pixel (0)"
        onClick={() => (oneToOne.value = !oneToOne.peek())}
      >
        1:1
      </button>
      <button
        type="button"
        aria-pressed={low.value}
        title="The program at half size and few bits, for a weak link (L)"
        onClick={toggleLow}
      >
        Low
      </button>
      <button
        type="button"
        aria-pressed={soundOn.value}
        title={soundTitle(chosenFeed.value?.sound ?? null)}
        onClick={() => (soundOn.value = !soundOn.peek())}
      >
        Sound
      </button>
      <button type="button" title="Full screen (F)" onClick={toggleFullScreen}>
        Full screen
      </button>
      <button
        type="button"
        aria-expanded={drawerOpen.value}
        title="Cast, look, other faces, details (C)"
        onClick={() => (drawerOpen.value = !drawerOpen.peek())}
      >
        Controls
      </button>
      <KeysButton />
    </div>
  );
}
