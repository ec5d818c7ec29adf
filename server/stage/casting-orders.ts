import type { CastingOrder } from '../wire/messages.ts';
import type { Castings } from './castings.ts';
import type { Feed } from './feed.ts';

/**
 * Does what an operator said about castings. Throws `Problem`, and then nothing has changed.
 *
 * @param apply tells the feed's engine who is cast now; a face can be bound to a new casting only after that
 */
export function obey(
  order: CastingOrder,
  castings: Castings,
  feed: Pick<Feed, 'name' | 'checkFace' | 'bind' | 'captureFace'>,
  apply: () => void,
): void {
  if (order.type === 'cast') {
    const { performer, look, age, track } = order;
    if (track !== null) feed.checkFace(track);
    const id = castings.cast(feed.name, { performer, look, age });
    apply();
    if (track !== null) feed.bind(id, track);
    return;
  }
  if (order.casting !== null) castings.check(feed.name, order.casting);
  if (order.type === 'bind') feed.bind(order.casting, order.track);
  else if (order.type === 'neutral') feed.captureFace(order.casting);
  else {
    if (order.type === 'uncast') castings.uncast(feed.name, order.casting);
    else castings.recast(feed.name, order.casting, changeOf(order));
    apply();
  }
}

const changeOf = ({ performer, look, age }: Extract<CastingOrder, { type: 'recast' }>) => ({
  ...(performer !== undefined && { performer }),
  ...(look !== undefined && { look }),
  ...(age !== undefined && { age }),
});
