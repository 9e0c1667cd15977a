/**
 * The Python wheels that carry TensorFlow's C library, pinned by checksum.
 *
 * The library does not depend on the Python it was packed for: one tag is asked for by name, whatever Python is here.
 *
 * @module
 */
import {
  CUDA_LIBRARIES,
  NATIVE_FILES,
  type NativeKind,
  TENSORFLOW_VERSION,
} from "../train/engine/native_files.ts";

/** One wheel. */
export interface Wheel {
  /** Package and exact version, as pip takes it. */
  readonly requirement: string;
  /** Name of the file pip leaves. */
  readonly file: string;
  /** Checksum in hexadecimal. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Paths inside that are unpacked; one that ends in `/` is a folder. */
  readonly paths: readonly string[];
}

/** Everything one build needs. */
export interface WheelSet {
  /** Platform tag for pip. */
  readonly platform: string;
  /** The wheels, TensorFlow first. */
  readonly wheels: readonly Wheel[];
  /** Size after unpacking, roughly. */
  readonly unpackedBytes: number;
}

/** Headers the addon includes, directly or not; removed once it is compiled. */
export const HEADERS = "tensorflow/include";

const TENSORFLOW_PATHS = [
  NATIVE_FILES.library,
  NATIVE_FILES.framework,
  `${HEADERS}/tensorflow/c/`,
  `${HEADERS}/tensorflow/core/platform/`,
  `${HEADERS}/tsl/`,
  `${HEADERS}/xla/tsl/`,
];

function tensorflow(name: string, arch: string, sha256: string, bytes: number): Wheel {
  const tag = `cp311-cp311-manylinux_2_17_${arch}.manylinux2014_${arch}`;
  return {
    requirement: `${name}==${TENSORFLOW_VERSION}`,
    file: `${name.replaceAll("-", "_")}-${TENSORFLOW_VERSION}-${tag}.whl`,
    sha256,
    bytes,
    paths: TENSORFLOW_PATHS,
  };
}

function cuda(name: string, version: string, sha256: string, bytes: number): Wheel {
  const file = `nvidia_${name}_cu12-${version}-py3-none-manylinux2014_x86_64.whl`;
  const requirement = `nvidia-${name.replaceAll("_", "-")}-cu12==${version}`;
  return { requirement, file, sha256, bytes, paths: [`nvidia/${name}/lib/`] };
}

const SETS: readonly (WheelSet & { readonly kind: NativeKind; readonly machine: string })[] = [
  {
    kind: "cpu",
    machine: "x86_64",
    platform: "manylinux_2_17_x86_64",
    unpackedBytes: 690e6,
    wheels: [
      tensorflow(
        "tensorflow-cpu",
        "x86_64",
        "810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298",
        230_236_181,
      ),
    ],
  },
  {
    // There is no tensorflow-cpu for this processor; the package without CUDA goes by the other name.
    kind: "cpu",
    machine: "aarch64",
    platform: "manylinux_2_17_aarch64",
    unpackedBytes: 800e6,
    wheels: [
      tensorflow(
        "tensorflow",
        "aarch64",
        "8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944",
        231_937_898,
      ),
    ],
  },
  {
    // The versions of tensorflow[and-cuda], without the compiler, which only XLA uses.
    kind: "gpu",
    machine: "x86_64",
    platform: "manylinux_2_17_x86_64",
    unpackedBytes: 4000e6,
    wheels: [
      tensorflow(
        "tensorflow",
        "x86_64",
        "c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828",
        615_510_377,
      ),
      cuda(
        "cublas",
        "12.5.3.2",
        "ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b",
        363_313_169,
      ),
      cuda(
        "cuda_cupti",
        "12.5.82",
        "bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953",
        13_811_507,
      ),
      cuda(
        "cuda_nvrtc",
        "12.5.82",
        "3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd",
        24_873_108,
      ),
      cuda(
        "cuda_runtime",
        "12.5.82",
        "3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115",
        895_707,
      ),
      cuda(
        "cudnn",
        "9.3.0.75",
        "9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d",
        577_163_502,
      ),
      cuda(
        "cufft",
        "11.2.3.61",
        "9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8",
        192_524_114,
      ),
      cuda(
        "curand",
        "10.3.6.82",
        "2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536",
        56_309_107,
      ),
      cuda(
        "cusolver",
        "11.6.3.83",
        "93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b",
        130_341_232,
      ),
      cuda(
        "cusparse",
        "12.5.1.3",
        "016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752",
        217_558_979,
      ),
      cuda("nccl", "2.21.5", "8579076d30a8c24988834445f8d633c697d42397e92ffc3f63fa26766d25e0a0", 188_654_414),
      cuda(
        "nvjitlink",
        "12.5.82",
        "f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212",
        21_298_879,
      ),
    ],
  },
];

/** What `kind` needs on a machine, or `undefined` where TensorFlow publishes no such build. */
export function wheelsFor(kind: NativeKind, platform: string, machine: string): WheelSet | undefined {
  if (platform !== "linux") return undefined;
  return SETS.find((set) => set.kind === kind && set.machine === machine);
}

/** The CUDA libraries that no wheel of the set carries; a mistake in the table above when there are any. */
export function uncovered({ wheels }: WheelSet): readonly string[] {
  const folders = wheels.flatMap(({ paths }) => paths);
  return CUDA_LIBRARIES.filter((library) => !folders.some((folder) => library.startsWith(folder)));
}
