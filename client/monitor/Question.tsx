import { bind, question } from './casting.ts';

/** Asks for the one tap that tells whose face it is. Stands where it is seen: over the picture, or in the panel when that is open. */
export function Question() {
  const asked = question.value;
  if (!asked) return null;
  const { face, names } = asked;
  return (
    <div class="question" role="alert">
      <p>
        <strong>Who is this?</strong> {face.label} is covered until you say.
      </p>
      <div class="names">
        {names.map(({ id, performer }) => (
          <button type="button" key={id} onClick={() => bind(id, face.track)}>
            {performer}
          </button>
        ))}
        <button type="button" class="button-plain" onClick={() => bind(null, face.track)}>
          Somebody else
        </button>
      </div>
    </div>
  );
}
