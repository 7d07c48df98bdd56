import type { Wheel, WheelTarget } from './wheel-download.ts';

/** The libtensorflow that set-up installs; the addon's C interface was tried with 2.18 and 2.21. */
export const LIBTENSORFLOW_VERSION = '2.21.0';

export type LibraryFlavour = 'cpu' | 'cuda';

export interface LibraryWheels extends WheelTarget {
  wheels: readonly Wheel[];
  /** In all, for the progress bar. */
  bytes: number;
  /** Disk needed while unpacking, archives included. */
  diskBytes: number;
  /** Members to extract, by prefix. */
  members: readonly string[];
}

// Of 287 MB of headers, the addon includes these.
const HEADERS = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/xla/tsl/c/',
];
const CPU_MEMBERS = ['tensorflow/libtensorflow_', ...HEADERS];

const wheel = (requirement: string, file: string, sha256: string): Wheel => ({ requirement, file, sha256 });
const nvidia = (name: string, version: string, tags: string, sha256: string): Wheel =>
  wheel(
    `nvidia-${name}-cu12==${version}`,
    `nvidia_${name.replaceAll('-', '_')}_cu12-${version}-py3-none-${tags}.whl`,
    sha256,
  );

const CPU: Readonly<Record<string, LibraryWheels>> = {
  'linux-x64': {
    pythonVersion: '3.12',
    platforms: ['manylinux_2_27_x86_64'],
    wheels: [
      wheel(
        'tensorflow-cpu==2.21.0',
        'tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl',
        'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
      ),
    ],
    bytes: 274_000_871,
    diskBytes: 1_200_000_000,
    members: CPU_MEMBERS,
  },
  'linux-arm64': {
    pythonVersion: '3.12',
    platforms: ['manylinux_2_27_aarch64'],
    wheels: [
      wheel(
        'tensorflow==2.21.0',
        'tensorflow-2.21.0-cp312-cp312-manylinux_2_27_aarch64.whl',
        'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
      ),
    ],
    bytes: 270_000_000,
    diskBytes: 1_200_000_000,
    members: CPU_MEMBERS,
  },
  'darwin-arm64': {
    pythonVersion: '3.12',
    platforms: ['macosx_12_0_arm64'],
    wheels: [
      wheel(
        'tensorflow==2.21.0',
        'tensorflow-2.21.0-cp312-cp312-macosx_12_0_arm64.whl',
        '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
      ),
    ],
    bytes: 220_000_000,
    diskBytes: 1_200_000_000,
    members: CPU_MEMBERS,
  },
};

/** `tensorflow[and-cuda]` without its Python parts: the library looks for CUDA in the `nvidia` folder beside its own. */
const CUDA: Readonly<Record<string, LibraryWheels>> = {
  'linux-x64': {
    pythonVersion: '3.12',
    platforms: ['manylinux_2_27_x86_64', 'manylinux2014_x86_64', 'manylinux_2_17_x86_64', 'manylinux1_x86_64'],
    wheels: [
      wheel(
        'tensorflow==2.21.0',
        'tensorflow-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl',
        'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
      ),
      nvidia(
        'cublas',
        '12.9.3.13',
        'manylinux_2_27_x86_64',
        'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      ),
      nvidia(
        'cuda-cupti',
        '12.8.90',
        'manylinux2014_x86_64.manylinux_2_17_x86_64',
        'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
      ),
      nvidia(
        'cuda-nvcc',
        '12.9.86',
        'manylinux2010_x86_64.manylinux_2_12_x86_64',
        '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      ),
      nvidia(
        'cuda-nvrtc',
        '12.9.86',
        'manylinux2010_x86_64.manylinux_2_12_x86_64',
        '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      ),
      nvidia(
        'cuda-runtime',
        '12.9.79',
        'manylinux2014_x86_64.manylinux_2_17_x86_64',
        '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      ),
      nvidia(
        'cudnn',
        '9.28.0.42',
        'manylinux_2_27_x86_64',
        '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      ),
      nvidia(
        'cufft',
        '11.4.1.4',
        'manylinux2014_x86_64.manylinux_2_17_x86_64',
        'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      ),
      nvidia(
        'curand',
        '10.3.10.19',
        'manylinux_2_27_x86_64',
        '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      ),
      nvidia(
        'cusolver',
        '11.7.5.82',
        'manylinux_2_27_x86_64',
        '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      ),
      nvidia(
        'cusparse',
        '12.5.10.65',
        'manylinux2014_x86_64.manylinux_2_17_x86_64',
        '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      ),
      nvidia(
        'nccl',
        '2.32.3',
        'manylinux_2_27_x86_64',
        'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      ),
      nvidia(
        'nvjitlink',
        '12.9.86',
        'manylinux2010_x86_64.manylinux_2_12_x86_64',
        'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      ),
    ],
    bytes: 3_400_000_000,
    diskBytes: 10_000_000_000,
    members: [...CPU_MEMBERS, 'nvidia/'],
  },
};

/** What to download for this machine; undefined when no build exists for it. */
export function libraryWheels(
  flavour: LibraryFlavour,
  platform: string = process.platform,
  arch: string = process.arch,
): LibraryWheels | undefined {
  return (flavour === 'cuda' ? CUDA : CPU)[`${platform}-${arch}`];
}
