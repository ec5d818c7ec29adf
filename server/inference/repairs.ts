import type { Library } from './machine.ts';

/** A library that is missing, what it keeps from working, and the command that brings it. */
export interface Gap {
  what: string;
  why: string;
  command: string;
}

type Missing = Pick<Library, 'name' | 'file' | 'neededBy'>;

/** Those that NVIDIA's own package archive brings, by package of Debian and Ubuntu. */
const PACKAGES: readonly [file: RegExp, packages: string][] = [
  [/^lib(cudart|cublas|cublasLt|cufft|curand)\./, 'cuda-libraries-12-8'],
  [/^libcudnn\./, 'libcudnn9-cuda-12'],
  [/^libnvinfer\./, 'libnvinfer10'],
  [/^libnvinfer_plugin\./, 'libnvinfer-plugin10'],
  [/^libnvonnxparser\./, 'libnvonnxparsers10'],
];

/** The oldest driver that takes CUDA 12 (CUDA 12 release notes, minor version compatibility). */
export const OLDEST_DRIVER = 525;

/** Adds NVIDIA's archive to a Debian or Ubuntu that has not got it. */
const archive = (system: System): string => {
  const repository = `${system.id}${system.version.replaceAll('.', '')}`;
  const keyring = 'cuda-keyring_1.1-1_all.deb';
  return `curl -fsSLO https://developer.download.nvidia.com/compute/cuda/repos/${repository}/x86_64/${keyring} && sudo dpkg -i ${keyring} && sudo apt-get update`;
};

export interface System {
  /** As in /etc/os-release: "debian", "ubuntu"; empty where there is none. */
  id: string;
  version: string;
}

const takesPackages = ({ id }: System): boolean => id === 'debian' || id === 'ubuntu';

/** The command that brings ONNX Runtime's own GPU libraries into the packages; run in Understudy's folder. */
export const ORT_GPU_COMMAND = 'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';

/** One gap for what one command mends, in the order in which they are to be mended. */
export function gapsOf(missing: readonly Missing[], system: System): Gap[] {
  const driver = missing.find(({ neededBy }) => neededBy.includes('driver'));
  const gaps = driver ? [driverGap('is not installed', system)] : [];
  const ours = missing.filter(({ file }) => file.startsWith('libonnxruntime_'));
  if (ours.length > 0) gaps.push({ ...named(ours), command: ORT_GPU_COMMAND });
  const theirs = missing.filter(({ file }) => PACKAGES.some(([pattern]) => pattern.test(file)));
  if (theirs.length > 0) gaps.push({ ...named(theirs), command: packagesCommand(theirs, system) });
  const video = missing.filter(({ neededBy }) => neededBy.some((one) => one === 'nvdec' || one === 'nvenc'));
  // They come with the driver.
  if (video.length > 0 && !driver) gaps.push({ ...named(video), command: driverGap('', system).command });
  return gaps;
}

/** @param state what is wrong with it: "is not installed", "is older than CUDA 12 needs". */
export function driverGap(state: string, system: System): Gap {
  const command =
    system.id === 'ubuntu'
      ? 'sudo ubuntu-drivers install && sudo reboot'
      : system.id === 'debian'
        ? `${archive(system)} && sudo apt-get install -y cuda-drivers && sudo reboot`
        : 'Install the NVIDIA driver as https://www.nvidia.com/drivers says, then start the machine again.';
  return { what: 'NVIDIA driver', why: `The NVIDIA driver ${state}.`.replace(' .', '.'), command };
}

function packagesCommand(missing: readonly Missing[], system: System): string {
  const packages = PACKAGES.filter(([pattern]) => missing.some(({ file }) => pattern.test(file))).map(
    ([, name]) => name,
  );
  return takesPackages(system)
    ? `${archive(system)} && sudo apt-get install -y ${packages.join(' ')}`
    : 'Install CUDA 12, cuDNN 9 and TensorRT 10 as https://docs.nvidia.com/deeplearning/tensorrt says for this system.';
}

const named = (missing: readonly Missing[]): Omit<Gap, 'command'> => {
  const users = new Set(missing.flatMap(({ neededBy }) => neededBy.filter((one) => one !== 'driver')));
  return {
    what: missing.map(({ name }) => name).join(', '),
    why: `${missing.map(({ file }) => file).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing: needed by ${[...users].join(', ')}.`,
  };
};
