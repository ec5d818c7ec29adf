import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface KeyAction {
  /** KeyboardEvent.key, lower case for letters; several do the same. */
  keys: readonly string[];
  /** Shown in the overlay instead of the keys themselves. */
  shown?: string;
  does: string;
  act: (key: string) => void;
}

/** A key that goes into a field is no command. */
export const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.matches('input:not([type=checkbox]), textarea, select') || target.isContentEditable);

/** Listens for the page's keys, and shows them on `?`. A key typed into a field belongs to the field. */
export function Keys({ actions }: { actions: readonly KeyAction[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = useSignal(false);
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const toggle = () => {
      open.value = !open.peek();
      if (open.peek()) dialog.current?.showModal();
      else dialog.current?.close();
    };
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
      if (event.key === '?') {
        toggle();
        return;
      }
      if (open.peek()) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const action = current.current.find(({ keys }) => keys.includes(key));
      if (!action) return;
      event.preventDefault();
      action.act(key);
    };
    addEventListener('keydown', listen);
    addEventListener('understudy-keys', toggle);
    return () => {
      removeEventListener('keydown', listen);
      removeEventListener('understudy-keys', toggle);
    };
  }, []);
  return (
    <dialog class="keys" ref={dialog} aria-label="Keys" onClose={() => (open.value = false)}>
      <header>
        Keys
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </header>
      <dl>
        {[...actions, { keys: ['?'], shown: '?', does: 'Show or hide these keys', act: () => undefined }].map(
          (action) => (
            <>
              <dt>
                <kbd>{action.shown ?? action.keys[0]?.toUpperCase()}</kbd>
              </dt>
              <dd>{action.does}</dd>
            </>
          ),
        )}
      </dl>
    </dialog>
  );
}

/** The same overlay for those without a keyboard at hand. */
export function KeysButton() {
  return (
    <button
      type="button"
      class="button-plain"
      aria-label="Keys"
      title="Keys (?)"
      onClick={() => dispatchEvent(new Event('understudy-keys'))}
    >
      ?
    </button>
  );
}
