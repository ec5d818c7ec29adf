import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { libraryFolder } from './ort-library.ts';
import type { System } from './repairs.ts';

const run = promisify(execFile);
const TOOL_MS = 10_000;

export interface Gpu {
  index: number;
  name: string;
  driver: string;
  memoryMb: number;
  /** CUDA compute capability, such as "8.9". */
  compute: string;
}

/** What this machine's driver shows, or why it shows nothing. */
export async function gpus(): Promise<{ found: Gpu[]; why: string | null }> {
  const fields = 'index,name,driver_version,memory.total,compute_cap';
  try {
    const { stdout } = await run('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'], {
      timeout: TOOL_MS,
    });
    const found = parseGpus(stdout);
    return { found, why: found.length > 0 ? null : 'The NVIDIA driver shows no GPU.' };
  } catch (error) {
    const { code, stdout } = error as { code?: string | number; stdout?: string };
    if (code === 'ENOENT') {
      const inside = {
        true: 'There is an NVIDIA GPU',
        false: 'There is no NVIDIA GPU',
        null: 'There may be an NVIDIA GPU',
      };
      return { found: [], why: `${inside[`${holdsGpu()}`]} in this machine, and no NVIDIA driver (nvidia-smi).` };
    }
    const said = stdout?.trim().split('\n')[0] ?? '';
    return { found: [], why: `nvidia-smi failed: ${said || (error instanceof Error ? error.message : String(error))}` };
  }
}

const PCI = '/sys/bus/pci/devices';
const NVIDIA = '0x10de';

/** Whether a device of NVIDIA's is in this machine, with or without a driver; null where the system does not say. */
export function holdsGpu(devices = PCI): boolean | null {
  try {
    return readdirSync(devices).some((name) => readFileSync(join(devices, name, 'vendor'), 'utf8').trim() === NVIDIA);
  } catch {
    return null;
  }
}

/** Lines of nvidia-smi's CSV without header and units. */
export function parseGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5 && /^\d+$/.test(cells[0] ?? ''))
    .map(([index, name = '', driver = '', memory, compute = '']) => ({
      ...{ index: Number(index), name, driver, compute },
      memoryMb: Number(memory),
    }));
}

/** Megabytes in use on each GPU, by index; empty where the driver does not say. */
export async function usedMemory(): Promise<Map<number, number>> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=index,memory.used', '--format=csv,noheader,nounits'], {
      timeout: TOOL_MS,
    });
    const lines = stdout.split('\n').map((line) => line.split(',').map(Number));
    return new Map(
      lines.flatMap(([index, used]) => (Number.isFinite(used) ? [[index as number, used as number]] : [])),
    );
  } catch {
    return new Map();
  }
}

/** A library that something needs of the system. */
export interface Library {
  /** What people call it. */
  name: string;
  /** Its file here; null on platforms for which there is none. */
  file: string;
  neededBy: readonly ('driver' | 'cuda' | 'tensorrt' | 'nvdec' | 'nvenc')[];
}

/** What onnxruntime-node 1.30 needs for CUDA 12 and TensorRT 10 (its providers' requirements), and FFmpeg for the GPU's video units. */
const LINUX: readonly Library[] = [
  { name: 'NVIDIA driver', file: 'libcuda.so.1', neededBy: ['driver', 'cuda', 'tensorrt'] },
  { name: 'ONNX Runtime for GPUs', file: 'libonnxruntime_providers_shared.so', neededBy: ['cuda', 'tensorrt'] },
  { name: 'ONNX Runtime for CUDA', file: 'libonnxruntime_providers_cuda.so', neededBy: ['cuda', 'tensorrt'] },
  { name: 'ONNX Runtime for TensorRT', file: 'libonnxruntime_providers_tensorrt.so', neededBy: ['tensorrt'] },
  { name: 'CUDA runtime', file: 'libcudart.so.12', neededBy: ['cuda', 'tensorrt'] },
  { name: 'cuBLAS', file: 'libcublas.so.12', neededBy: ['cuda', 'tensorrt'] },
  { name: 'cuBLAS Lt', file: 'libcublasLt.so.12', neededBy: ['cuda', 'tensorrt'] },
  { name: 'cuFFT', file: 'libcufft.so.11', neededBy: ['cuda', 'tensorrt'] },
  { name: 'cuRAND', file: 'libcurand.so.10', neededBy: ['cuda', 'tensorrt'] },
  { name: 'cuDNN', file: 'libcudnn.so.9', neededBy: ['cuda', 'tensorrt'] },
  { name: 'TensorRT', file: 'libnvinfer.so.10', neededBy: ['tensorrt'] },
  { name: 'TensorRT plugins', file: 'libnvinfer_plugin.so.10', neededBy: ['tensorrt'] },
  { name: 'TensorRT ONNX parser', file: 'libnvonnxparser.so.10', neededBy: ['tensorrt'] },
  { name: 'NVDEC', file: 'libnvcuvid.so.1', neededBy: ['nvdec'] },
  { name: 'NVENC', file: 'libnvidia-encode.so.1', neededBy: ['nvenc'] },
];

/** The packages' library has CUDA and TensorRT on Linux with an x86-64 processor alone. */
export const hasCudaBuild = (platform = process.platform, arch: string = process.arch): boolean =>
  platform === 'linux' && arch === 'x64';

/** Each library with where it was found; null: nowhere that the system's loader looks. Empty where no CUDA build exists. */
export async function libraries(folders?: readonly string[]): Promise<(Library & { path: string | null })[]> {
  if (!hasCudaBuild()) return [];
  const known = folders ? new Map<string, string>() : await loaderCache();
  const searched = folders ?? [libraryFolder(), ...(process.env.LD_LIBRARY_PATH?.split(delimiter) ?? [])];
  return LINUX.map((library) => {
    const here = searched.map((folder) => join(folder, library.file)).find((path) => existsSync(path));
    return { ...library, path: here ?? known.get(library.file) ?? null };
  });
}

/** What the system's loader knows: file name → path. */
async function loaderCache(): Promise<Map<string, string>> {
  for (const command of ['ldconfig', '/sbin/ldconfig', '/usr/sbin/ldconfig']) {
    try {
      const { stdout } = await run(command, ['-p'], { timeout: TOOL_MS, maxBuffer: 1 << 24 });
      const lines = stdout.matchAll(/^\s*(\S+) \(.*\) => (\S+)$/gm);
      return new Map([...lines].map(([, file = '', path = '']) => [file, path]));
    } catch {
      // Another place, or a system without it.
    }
  }
  return new Map();
}

/** The distribution, as /etc/os-release tells it. */
export function system(): System {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const value = (key: string): string => new RegExp(`^${key}="?([\\w.-]+)"?$`, 'm').exec(text)?.[1] ?? '';
    return { id: value('ID'), version: value('VERSION_ID') };
  } catch {
    return { id: '', version: '' };
  }
}
