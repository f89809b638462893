/** Has the warnings of each spec of a suite kept, in place of shown. */
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
