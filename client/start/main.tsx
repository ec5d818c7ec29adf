import '../shared/theme.css';
import './start.css';
import { render } from 'preact';
import { openControl } from '../shared/control.ts';
import iconUrl from '../shared/icon.svg';
import { Badge } from '../shared/parts/Badge.tsx';
import { again, STATE_WORDS, size } from '../shared/words.ts';

const control = openControl();

const PAGES = [
  { href: '/try', name: 'Try', text: 'Camera and result side by side. For someone alone with a laptop.' },
  { href: '/monitor', name: 'Monitor', text: 'Every feed: plate and program, latency, what the machine is doing.' },
  { href: '/camera', name: 'Camera', text: 'Makes this device a camera. Open it on the device that has the lens.' },
] as const;

function App() {
  return (
    <div class="start">
      <header>
        <img src={iconUrl} alt="" width="40" height="40" />
        <h1>Understudy</h1>
        <p class="quiet">A live camera in, a performer’s face replaced in every frame, back on the monitors.</p>
      </header>
      <nav aria-label="Pages">
        {PAGES.map(({ href, name, text }) => (
          <a key={href} href={href}>
            <span class="name">{name}</span>
            <span class="quiet">{text}</span>
          </a>
        ))}
      </nav>
      <section aria-label="Feeds">
        <h2>Feeds</h2>
        <Feeds />
      </section>
    </div>
  );
}

function Feeds() {
  const status = control.status.value;
  if (status.phase === 'refused')
    return (
      <p class="says">
        <Badge tone="amber">{status.sentence}</Badge>
      </p>
    );
  if (status.phase === 'waiting')
    return (
      <p class="says">
        <Badge tone="amber">{`${status.sentence} ${again(status)}`}</Badge>
      </p>
    );
  const feeds = control.feeds.value;
  if (feeds.length === 0) return <p class="quiet says">No feed yet. Start one on the camera page.</p>;
  return (
    <ul>
      {feeds.map((feed) => {
        const { word, tone } = STATE_WORDS[feed.state];
        return (
          <li key={feed.name}>
            <a href={`/monitor?feed=${encodeURIComponent(feed.name)}`}>
              <span class="name">{feed.name}</span>
              <Badge tone={feed.message ? 'amber' : tone}>{word}</Badge>
              <span class="quiet what">
                {feed.message ?? (feed.camera && size(feed.camera.width, feed.camera.height)) ?? ''}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

render(<App />, document.getElementById('app') as HTMLElement);
