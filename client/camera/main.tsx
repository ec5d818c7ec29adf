import '../shared/theme.css';
import './camera.css';
import { render } from 'preact';
import { App } from './App.tsx';
import { exposeDebug } from './debug.ts';
import { begin } from './model.ts';

render(<App />, document.getElementById('app') as HTMLElement);
exposeDebug();
begin();
