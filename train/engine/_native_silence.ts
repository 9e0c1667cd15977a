/**
 * What native code prints past all settings.
 *
 * @module
 */

const [STDERR, WRITE_ONLY] = [2, 1];

/**
 * Runs something whose messages on standard error nobody needs. Only for what is short and known: a crash inside would be silent too.
 */
export function silently<T>(f: () => T): T {
  const libc = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup: { parameters: ["i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { open, dup, dup2, close } = libc.symbols;
  const [kept, nowhere] = [dup(STDERR), open(new TextEncoder().encode("/dev/null\0"), WRITE_ONLY)];
  try {
    if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR);
    return f();
  } finally {
    if (kept >= 0) dup2(kept, STDERR);
    for (const file of [kept, nowhere]) if (file >= 0) close(file);
    libc.close();
  }
}
