/**
 * The floors of the house, top to bottom. A file may import from its own floor and from lower ones, never from a higher
 * one. A room that is missing here belongs to no floor, and `known-rooms` fails until it is given one.
 */
const FLOORS = [
  ['main', 'cli'],
  ['stage'],
  ['http', 'engine', 'keeper'],
  ['double', 'media'],
  ['face', 'mark'],
  ['inference', 'library', 'licence', 'colour', 'channel', 'frame', 'wire', 'config', 'observe'],
];

/** @param {string} name */
const room = (name) => (name === 'main' ? '^server/main\\.ts$' : `^server/${name}/`);
/** @param {string[]} names */
const rooms = (names) => names.map(room).join('|');

const floorRules = FLOORS.slice(1).map((names, index) => ({
  name: `floor-${names.join('-')}`,
  comment: `An import never runs up: ${names.join(', ')} may not import ${FLOORS.slice(0, index + 1)
    .flat()
    .join(', ')}.`,
  severity: 'error',
  from: { path: rooms(names) },
  to: { path: rooms(FLOORS.slice(0, index + 1).flat()) },
}));

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'known-rooms',
      comment: 'A new room under server/ is given a floor in .dependency-cruiser.mjs before anything lives in it.',
      severity: 'error',
      from: { path: '^server/', pathNot: rooms(FLOORS.flat()) },
      to: {},
    },
    {
      name: 'client-imports-only-wire',
      comment: 'Pages know the messages (server/wire) and nothing else of the server.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: '^(server|scripts|models|calibration)/', pathNot: '^server/wire/' },
    },
    {
      name: 'server-knows-no-client-or-scripts',
      comment: 'The server runs without the pages and without the scripts that prepare it.',
      severity: 'error',
      from: { path: '^server/' },
      to: { path: '^(client|scripts)/' },
    },
    {
      name: 'the-product-imports-no-test',
      comment: 'What a test or a bench needs and the product does not stays in test/.',
      severity: 'error',
      from: { path: '^(server|client)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      comment: 'Two files that import each other are one file, or need a third below both.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-development-packages-in-the-server',
      comment: 'What the server imports is a dependency, not a devDependency.',
      severity: 'error',
      from: { path: '^server/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|coverage)/|^server/frame/kernels/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
