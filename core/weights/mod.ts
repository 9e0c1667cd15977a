/**
 * Parameters in files: safetensors bytes and torchvision's layout.
 *
 * @module
 */
export * from "./safetensors.ts";
export * from "./torch.ts";
