/** Collects the warnings of each spec of a suite instead of showing them. */
export function keepWarnings(): { readonly warnings: string[] } {
  const { emitWarning } = process;
  const kept = { warnings: [] as string[] };
  beforeEach(() => {
    kept.warnings = [];
    process.emitWarning = (warning: string | Error) => void kept.warnings.push(String(warning));
  });
  afterEach(() => {
    process.emitWarning = emitWarning;
  });
  return kept;
}
