// The WebAssembly side of the gradient kernels, in AssemblyScript: no runtime, no heap, no globals. It works on the
// memory of the tfjs backend, on addresses the TypeScript side passes. Compiled by scripts/build_wasm_kernels.ts.

export { packRows } from "./pack";
export { accumulateOuter } from "./filter";
export { convInput, packFilter } from "./input";
export { depthwiseFilter, depthwiseInputRow, foldChannels } from "./depthwise";
export { finishMoments, finishNormSums, moments, normalize, normInput, normSums, rectifierInput } from "./norm";
export { averagePool, maxPool } from "./pool";
export { segmentSumF32, segmentSumI32 } from "./segment";

/** Sets `bytes` bytes to zero. */
export function clear(dst: usize, bytes: usize): void {
  memory.fill(dst, 0, bytes);
}
