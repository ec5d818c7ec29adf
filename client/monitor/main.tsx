import '../shared/theme.css';
import './monitor.css';
import './cast.css';
import { render } from 'preact';
import { App } from './App.tsx';
import { exposeDebug } from './debug.ts';

render(<App />, document.getElementById('app') as HTMLElement);
exposeDebug();
