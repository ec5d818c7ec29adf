import { type KeyAction, Keys } from '../shared/parts/Keys.tsx';
import { Warning } from '../shared/parts/Warning.tsx';
import { Controls, FeedTabs } from './Bars.tsx';
import { focusQuestion, panelShown, picked, pickNext, question } from './casting.ts';
import { Drawer } from './Drawer.tsx';
import {
  choose,
  chooseFeed,
  control,
  drawerOpen,
  feed,
  oneToOne,
  reconnect,
  soundOn,
  toggleLow,
  togglePlate,
  view,
} from './model.ts';
import { Picture, toggleFullScreen } from './Picture.tsx';
import { Question } from './Question.tsx';
import { foldWarning, trouble } from './trouble.ts';
import { Values } from './Values.tsx';

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

const ACTIONS: KeyAction[] = [
  {
    keys: DIGITS,
    shown: '1 – 9',
    does: 'Choose a feed',
    act: (key) => {
      const feed = control.feeds.peek()[Number(key) - 1];
      if (feed) chooseFeed(feed.name);
    },
  },
  { keys: ['p'], does: 'Plate or program', act: togglePlate },
  {
    keys: ['w'],
    does: 'Wipe between plate and program',
    act: () => choose(view.peek() === 'wipe' ? 'program' : 'wipe'),
  },
  {
    keys: ['s'],
    does: 'Plate and program side by side',
    act: () => choose(view.peek() === 'side' ? 'program' : 'side'),
  },
  {
    keys: ['0', 'o'],
    does: 'One picture pixel to one screen pixel (1:1)',
    act: () => (oneToOne.value = !oneToOne.peek()),
  },
  { keys: ['l'], does: 'Low: half size and few bits, for a weak link', act: toggleLow },
  { keys: ['m'], does: 'Sound on or off', act: () => (soundOn.value = !soundOn.peek()) },
  { keys: ['f'], does: 'Full screen', act: toggleFullScreen },
  { keys: ['c'], does: 'Cast, look, other faces, details', act: () => (drawerOpen.value = !drawerOpen.peek()) },
  { keys: ['n'], does: 'Cast the next face', act: pickNext },
  {
    keys: ['a'],
    does: 'Answer “Who is this?”',
    act: () => {
      if (question.peek()) focusQuestion();
    },
  },
  { keys: ['r'], does: 'Connect again', act: reconnect },
  {
    keys: ['Escape'],
    shown: 'Esc',
    does: 'Fold the warning or the panel away',
    act: () => {
      if (picked.peek() !== undefined) picked.value = undefined;
      else if (drawerOpen.peek()) drawerOpen.value = false;
      else foldWarning();
    },
  },
];

export function App() {
  const camera = feed.value?.camera;
  const aspect = camera?.width && camera.height ? camera.width / camera.height : 16 / 9;
  return (
    <div class="monitor" data-panel={drawerOpen.value} style={{ '--aspect': aspect.toFixed(4) }}>
      <h1 class="sr">Monitor</h1>
      <FeedTabs />
      <Controls />
      <Picture />
      <Values />
      <div class="rest">
        {!panelShown.value && <Question />}
        {trouble.value && !trouble.value.folded && <Warning onFold={foldWarning}>{trouble.value.text}</Warning>}
      </div>
      <Drawer />
      <Keys actions={ACTIONS} />
    </div>
  );
}
