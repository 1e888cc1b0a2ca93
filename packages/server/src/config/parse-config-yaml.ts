import { BerthError } from '@berth/core/errors';
import { parseYaml, type YamlDocument } from '@berth/core/yaml';

/** An unquoted secret that begins with `*` or `!` is an alias or a tag, which YAML's own messages repeat. */
const REPEATING: readonly (readonly [RegExp, string])[] = [
  [/^there is no anchor named /, 'text that begins with `*` names an anchor, and there is none of that name'],
  [/^Unresolved tag/, 'text that begins with `!` is a tag, and there is none of that name'],
];

/**
 * Like `parseYaml`; what may be a secret is not repeated: every member of a project is told of a broken config.yml.
 * @throws BerthError `invalid-configuration`
 */
export function parseConfigYaml(text: string, file: string): YamlDocument {
  try {
    return parseYaml(text, { file });
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const issues = error.issues.map((issue) => {
      const [, message] = REPEATING.find(([pattern]) => pattern.test(issue.message)) ?? [];
      return message === undefined ? issue : { ...issue, message, hint: 'put it in quotes' };
    });
    const { hint } = error;
    throw new BerthError(error.code, error.message, { issues, ...(hint === undefined ? {} : { hint }) });
  }
}
