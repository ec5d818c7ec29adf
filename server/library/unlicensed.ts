import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether a look shows a real person: such a double plays under a signed licence, and this version keeps none yet. What does not say whom it
 * shows is taken for a real person; a manifest that cannot be read is refused where it is opened, with its own reason.
 */
export function showsRealPerson(dir: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(dir, 'double.json'), 'utf8')) as { fictional?: unknown } | null;
    return manifest?.fictional !== true;
  } catch {
    return false;
  }
}

/** For the person who wants to wear it. @param name the look's. */
export const unlicensed = (name: string): string =>
  `The double "${name}" shows a real person, and no signed licence says that it may play; this version cannot keep one yet. Choose another look. If it shows an invented person, add it again with --fictional.`;
