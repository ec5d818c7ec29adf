import iconUrl from '../shared/icon.svg';
import { Badge } from '../shared/parts/Badge.tsx';
import { type KeyAction, Keys, KeysButton } from '../shared/parts/Keys.tsx';
import { aidWanted, mirrored, SIZES, sender } from './model.ts';
import { Panel } from './Panel.tsx';
import { Preview } from './Preview.tsx';

const ACTIONS: KeyAction[] = [
  { keys: ['g'], does: 'Go: send this picture', act: () => sender.go() },
  { keys: ['x'], shown: 'hold X', does: 'Stop', act: () => undefined },
  {
    keys: ['1', '2', '3'],
    shown: '1 – 3',
    does: '360p, 720p, 1080p',
    act: (key) => {
      const size = SIZES[Number(key) - 1];
      if (size) void sender.open({ width: size.width, height: size.value });
    },
  },
  { keys: ['m'], does: 'Mirror the preview', act: () => (mirrored.value = !mirrored.peek()) },
  { keys: ['a'], does: 'Framing aid', act: () => (aidWanted.value = !aidWanted.peek()) },
  { keys: ['t'], does: 'Try the camera again', act: () => void sender.open() },
];

export function App() {
  const { feed } = sender.settings.value;
  return (
    <div class="camera">
      <header class="bar">
        <a class="home" href="/" title="All pages">
          <img src={iconUrl} alt="Understudy: all pages" width="24" height="24" />
        </a>
        <h1>Camera</h1>
        <span class="quiet feed-name">{feed}</span>
        <span class="air">
          <AirBadge />
        </span>
        <KeysButton />
      </header>
      <Preview />
      <Panel />
      <Keys actions={ACTIONS} />
    </div>
  );
}

function AirBadge() {
  const { phase } = sender.link.status.value;
  if (phase === 'open' && sender.stats.value?.connected) return <Badge tone="red">ON AIR</Badge>;
  if (phase === 'closed') return <Badge>Not sending</Badge>;
  if (phase === 'waiting' || phase === 'refused') return <Badge tone="amber">Not sending</Badge>;
  return <Badge>Connecting</Badge>;
}
