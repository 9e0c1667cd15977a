/**
 * Rules of matrix products and what is made of them: dense layers, gated recurrent units, attention.
 *
 * @module
 */
import { BATCH, type Shape } from "../graph/mod.ts";
import { int, ints } from "./_proto.ts";
import type { Emit } from "./_image.ts";
import { held, type Value } from "./_scope.ts";

/** `x w + b`: one node where `x` is a matrix. */
export function dense(x: Value, w: Value, b: Value): Emit {
  return (to, out) => {
    const [weight, offset] = [to.param(w), to.param(b)];
    if (out.length === 2) return held(out, to.emit("Gemm", [to.get(x), weight, offset], out));
    return held(
      out,
      to.emit("Add", [to.emit("MatMul", [to.get(x), weight], out, {}, "product"), offset], out),
    );
  };
}

/** A product of two values. */
export function matMul(a: Value, b: Value): Emit {
  return (to, out) => held(out, to.emit("MatMul", [to.get(a), to.get(b)], out));
}

/**
 * Written out, because the reset gate acts after the hidden product and weights stay shared with training:
 * `r, u = sigmoid(i + h)`, `n = tanh(i_n + r * h_n)`, result `n + u * (h - n)`.
 */
export function gruCell(
  [x, h, wInput, wHidden, bInput, bHidden]: readonly [Value, Value, Value, Value, Value, Value],
): Emit {
  return (to, out) => {
    const units = out[1]!;
    const state = to.get(h);
    const thirds = (value: Value, name: string, w: Value, b: Value): readonly string[] => {
      const gates = to.emit(
        "Gemm",
        [name, to.param(w), to.param(b)],
        [value.shape[0]!, 3 * units],
        {},
        "product",
      );
      return [0, 1, 2].map((third) =>
        to.emit(
          "Slice",
          [
            gates,
            to.vector([third * units]),
            to.vector([(third + 1) * units]),
            to.vector([1]),
          ],
          out,
          {},
          "gate",
        )
      );
    };
    const i = thirds(x, to.get(x), wInput, bInput);
    const g = thirds(h, state, wHidden, bHidden);
    const gate = (at: number): string =>
      to.emit("Sigmoid", [to.emit("Add", [i[at]!, g[at]!], out, {}, "sum")], out, {}, "sigmoid");
    const reset = to.emit("Mul", [gate(0), g[2]!], out, {}, "reset");
    const fresh = to.emit("Tanh", [to.emit("Add", [i[2]!, reset], out, {}, "sum")], out, {}, "new");
    const kept = to.emit(
      "Mul",
      [gate(1), to.emit("Sub", [state, fresh], out, {}, "change")],
      out,
      {},
      "kept",
    );
    return held(out, to.emit("Add", [fresh, kept], out));
  };
}

/** Heads are an axis between batch and positions while the products are taken. */
export function attention(heads: number, q: Value, k: Value, v: Value): Emit {
  return (to, out) => {
    const [t, s, features] = [q.shape[1]!, k.shape[1]!, q.shape[2]!];
    const width = features / heads;
    const split = (value: Value, order: readonly number[], part: string): string => {
      const shape: Shape = [BATCH, value.shape[1]!, heads, width];
      const parts = to.emit(
        "Reshape",
        [to.get(value), to.vector([0, ...shape.slice(1)])],
        shape,
        {},
        `${part}/heads`,
      );
      return to.emit("Transpose", [parts], order.map((axis) => shape[axis]!), { perm: ints(order) }, part);
    };
    const square: Shape = [BATCH, heads, t, s];
    const product = to.emit(
      "MatMul",
      [split(q, [0, 2, 1, 3], "queries"), split(k, [0, 2, 3, 1], "keys")],
      square,
      {},
      "product",
    );
    const scores = to.emit("Mul", [product, to.scalar(1 / Math.sqrt(width))], square, {}, "scores");
    const weights = to.emit("Softmax", [scores], square, { axis: int(-1) }, "weights");
    const mixed = to.emit(
      "MatMul",
      [weights, split(v, [0, 2, 1, 3], "values")],
      [BATCH, heads, t, width],
      {},
      "mixed",
    );
    const back = to.emit(
      "Transpose",
      [mixed],
      [BATCH, t, heads, width],
      { perm: ints([0, 2, 1, 3]) },
      "back",
    );
    return held(out, to.emit("Reshape", [back, to.vector([0, t, features])], out));
  };
}
