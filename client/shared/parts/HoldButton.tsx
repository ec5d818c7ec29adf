import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isTyping } from './Keys.tsx';

interface HoldButtonProps {
  children: string;
  onHeld: () => void;
  class?: string;
  /** A key that does the same from anywhere on the page, held as long. */
  holdKey?: string;
}

const HOLD_MS = 800;

/** Acts after being held, by pointer or by Space/Enter: for what must not happen by accident in the middle of a take. */
export function HoldButton({ children, onHeld, class: className = '', holdKey }: HoldButtonProps) {
  const held = useSignal(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const release = () => {
    clearTimeout(timer.current);
    held.value = false;
  };
  const press = () => {
    if (held.peek()) return;
    held.value = true;
    timer.current = setTimeout(() => {
      held.value = false;
      onHeld();
    }, HOLD_MS);
  };
  // With the button, not a frame after it: who sees it may press its key.
  useLayoutEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === holdKey && !event.repeat && !isTyping(event.target)) press();
    };
    const up = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === holdKey) release();
    };
    addEventListener('keydown', down);
    addEventListener('keyup', up);
    return () => {
      removeEventListener('keydown', down);
      removeEventListener('keyup', up);
      release();
    };
  }, []);
  const isPress = (event: KeyboardEvent) => event.key === ' ' || event.key === 'Enter';
  return (
    <button
      type="button"
      class={`hold ${className}`}
      data-held={held.value}
      style={{ '--hold-ms': `${HOLD_MS}ms` }}
      onPointerDown={press}
      onPointerUp={release}
      onPointerLeave={release}
      onPointerCancel={release}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (!isPress(event)) return;
        event.preventDefault();
        press();
      }}
      onKeyUp={(event) => {
        if (isPress(event)) release();
      }}
      onBlur={release}
    >
      {held.value ? 'Keep holding…' : children}
    </button>
  );
}
