import { expect, test } from 'vitest';
import { FaceFollowers } from '../../server/stage/face-followers.ts';

test('an engine says where faces are while somebody follows them: from the first to the last', () => {
  const told: boolean[] = [];
  const followers = new FaceFollowers((on) => void told.push(on));
  const heard: string[] = [];
  const listener = (): void => void heard.push('both');
  const first = followers.add(listener);
  const second = followers.add(listener);
  followers.heard([]);
  expect([told, heard, followers.wanted]).toEqual([[true], ['both', 'both'], true]);
  first();
  first();
  followers.heard([]);
  second();
  followers.heard([]);
  expect([told, heard.length, followers.wanted]).toEqual([[true, false], 3, false]);
});
