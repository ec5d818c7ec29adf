// The SIMD kernels' entry, AssemblyScript. server/frame/kernels.ts says what each one does.
export { compose } from './compose';
export { cover } from './cover';
export { half, scale } from './scale';
export { cut, doubled, halved, means } from './cut';
export { move } from './move';
export { paint } from './paint';
export { part } from './part';
export { warp, warpPart } from './warp';
export { blend, change } from './blend';
export { raster } from './raster';
export { recolour } from './recolour';
export { remap } from './remap';
export { turn } from './turn';
