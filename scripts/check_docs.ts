/**
 * Lints the documentation of everything another folder may import: all source files but tests, scripts and private
 * ones, together, so that a type of one file may appear in the interface of another.
 *
 * @module
 */
import { GENERATED, sources } from "./_source.ts";

/**
 * Findings of `deno doc --lint` that are about our code. A re-exported package is linted with it and its types pass
 * for private ones; neither is ours to mend.
 *
 * @param isOurs Whether a type that is called private is one of the tree.
 */
export function ownFindings(output: string, isOurs: (type: string) => boolean): string[] {
  const findings = output.split(/^(?=error\[)/m).filter((part) => part.startsWith("error["));
  return findings
    .filter((finding) => !/-->.*node_modules/.test(finding))
    .filter((finding) =>
      isOurs(/references private type '(.*?)'/.exec(finding)?.[1] ?? "") || !isReference(finding)
    )
    .map((finding) => finding.replace(/\nerror: Found [^]*$/, "").trimEnd());
}

function isReference(finding: string): boolean {
  return finding.startsWith("error[private-type-ref]");
}

/** Names of the types that public files keep to themselves and of all those in private files. */
function hiddenTypes(text: string, isPrivateFile: boolean): string[] {
  const pattern = isPrivateFile
    ? /^(?:export )?(?:interface|type|(?:abstract )?class) (\w+)/gm
    : /^(?:interface|type|(?:abstract )?class) (\w+)/gm;
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

if (import.meta.main) {
  const files: string[] = [];
  const hidden = new Set<string>();
  for await (const file of sources(".")) {
    if (/^(scripts|tests|bench)\/|_(test|bench)\.tsx?$/.test(file) || GENERATED.has(file)) continue;
    const isPrivate = /(^|\/)_/.test(file);
    if (!isPrivate) files.push(file);
    for (const name of hiddenTypes(await Deno.readTextFile(file), isPrivate)) hidden.add(name);
  }
  const command = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--quiet", "--lint", ...files.sort()],
    env: { NO_COLOR: "1" },
    stdout: "null",
  });
  const { code, stderr } = await command.output();
  const output = new TextDecoder().decode(stderr);
  const findings = ownFindings(output, (type) => hidden.has(type));
  for (const finding of findings) console.error(finding + "\n");
  const broken = code !== 0 && !output.includes("error: Found "); // failed for another reason than its findings
  if (broken) console.error(output);
  console.error(`docs: ${files.length} files, ${findings.length} findings`);
  if (broken || findings.length > 0) Deno.exit(1);
}
