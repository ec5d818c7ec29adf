import type { Coverage } from './coverage.ts';
import type { Eyes } from './eyes.ts';

/** Who a double shows and how it was made, as far as the program knows. */
export interface Made {
  name: string;
  fictional: boolean;
  kind: 'mesh' | 'learned';
  /** The double whose trained network it was given; null: that for anybody, where its kind is `learned`. */
  network: string | null;
  /** Whether that network was made to draw the person's own eyes, and how well: eyes.ts. */
  eyes: Pick<Eyes, 'before' | 'after'> | null;
  coverage: Coverage;
  files: readonly { name: string; sha256: string }[];
  /** Share of the face's surface that the footage shows. */
  seen: number;
  model: string;
  day: string;
}

/** CARD.md of a double made from footage. */
export function cardOf(made: Made): string {
  const { name, fictional, kind, coverage, files, seen, day } = made;
  const gaps = coverage.cells.filter(({ views, wanted }) => views < wanted).map((cell) => cell.name);
  return `# The double “${name}”

${fictional ? 'An invented person, said whoever made it.' : 'Made from footage of one real person. It may be played only under a signed licence: see LICENSE.md.'}

| File | What it is |
|---|---|
| \`texture.png\` | 512×512 RGBA, sRGB, straight alpha: the face rolled off a cylinder around the head, the footage's light taken out as far as it could be told |
| \`texture.json\` | for each of the 468 points of the face mesh its place in the texture and the neutral face |
| \`double.onnx\`, \`mesh.json\`${kind === 'learned' ? ', `features.onnx`, `maps.bin`, `detail.bin`' : ''}, \`double.json\` | the network (kind \`${kind}\`), what goes with it, and their hashes |
| \`FOOTAGE.md\`, \`footage.json\` | what the footage shows, and what to shoot next |
| \`portrait.png\` | a picture of the footage |

## How it was made
\`understudy doubles train\`, ${day}: ${coverage.pictures.used} pictures of ${files.length} file${files.length === 1 ? '' : 's'}, perceived and aligned by the server's own code. ${drawnBy(made)}

## Limits
${Math.round(100 * seen)} % of the face's surface was seen; the rest was taken from the other side or filled in. ${gaps.length ? `Gaps in the footage: ${gaps.join(', ')}.` : 'The footage has no gaps that the program knows of.'}
What was highlight or shadow in all of the footage stays in the texture. Wrinkles of expression do not move. Made for faces turned up to about 45°.

## Footage
${files.map((file) => `- \`${file.name}\` ${file.sha256}`).join('\n')}
`;
}

function drawnBy({ kind, network, eyes }: Made): string {
  if (kind === 'mesh')
    return 'The texture is drawn on the performer’s landmarks in the light of the plate; eyes and inner mouth are the performer’s. No weights were trained.';
  const whose = network
    ? `those of the bundled double “${network}”`
    : 'those in models/own-double, trained on other faces';
  const own = eyes
    ? `The first one’s last layer was fitted to this person’s eyes: on faces left out, worn with other people’s eyes, their colour is ${eyes.after.toFixed(1)} code values off instead of ${eyes.before.toFixed(1)}. Nothing else was trained.`
    : 'No weights were trained; the eyes keep the performer’s colour, or that of the faces the network was trained on.';
  return `The texture is drawn on the performer’s landmarks, in this person’s proportions and in the light of the plate, moved and tinted by a network, and its eyes and mouth painted by another: ${whose}. ${own}`;
}

/** LICENSE.md, a draft to be completed and signed: no lawyer has read it. */
export function licenceOf({ name, fictional, files, model, day }: Made): string {
  if (fictional)
    return `The double “${name}” shows an invented person (said whoever made it, ${day}). Whoever owns the pictures it was made from: ________________. Licence: ________________.\n`;
  return `# Licence of the double “${name}”: DRAFT of ${day}, not valid until completed and signed

This is a form, not legal advice. Have counsel or the union read it; several laws ask for a reasonably specific description of the use, and make a clause without one void.

| | |
|---|---|
| Person shown (legal name, stage name, union number) | ________________ |
| Of full age, or guardian; living, or authorised representative | ________________ |
| Age shown in the footage | ________________ |
| Kind of replica (made in employment, made independently, change of their own performance) | ________________ |
| Represented by (counsel, union, nobody) | ________________ |
| Project and producer | ________________ |
| What it is used for, specifically (scenes, character, what the double does and says) | ________________ |
| Uses: monitor · LED wall · recording · publication | ________________ |
| Age range of the age dial | ________________ |
| Who may perform it, and their own consent | ________________ |
| Training on the footage named below is agreed to | yes / no |
| Territory, languages | ________________ |
| Valid from / to | ________________ / ________________ |
| May be suspended or revoked by, how, with what effect | ________________ |
| What is told to the audience | ________________ |

Never: nudity or sexual acts, endorsement, political speech, anything after the dates above, training of any other model.

Footage (SHA-256):
${files.map((file) => `- \`${file.name}\` ${file.sha256}`).join('\n')}

Model (SHA-256 of \`double.onnx\`): ${model}

Signed by the person shown, separately from any other contract:

Place, date ________________  Signature ________________

Producer:

Place, date ________________  Signature ________________
`;
}
