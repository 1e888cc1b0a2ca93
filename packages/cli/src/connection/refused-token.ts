import { BerthError } from '@berth/core/errors';
import type { Target, TokenSetting } from './target.ts';

/** A refused token with the setting that it comes from: the server cannot know which one that is. */
export function explainRefusedToken(
  error: BerthError,
  { url, tokenFrom }: Pick<Target, 'url' | 'tokenFrom'>,
): BerthError {
  return new BerthError(error.code, `${url} refuses the token ${placeOf(tokenFrom)}: ${error.message}`, {
    hint: remedy(tokenFrom, url),
    details: { ...error.details, url, setting: tokenFrom },
    cause: error,
  });
}

/** @throws BerthError `unauthenticated` for what no request could carry, for example a line break */
export function checkToken(token: string, url: string, tokenFrom: TokenSetting): void {
  if (/^[\x21-\x7e]+$/.test(token)) return;
  throw new BerthError('unauthenticated', `the token ${placeOf(tokenFrom)} has characters in it that no token has`, {
    hint: `a line break or a blank may have slipped in; ${remedy(tokenFrom, url)}`,
    details: { setting: tokenFrom },
  });
}

function placeOf(setting: TokenSetting): string {
  switch (setting.kind) {
    case 'environment':
      return 'in the environment variable BERTH_TOKEN';
    case 'config':
      return `of the project \`${setting.project}\` in ${setting.file}`;
    case 'given':
      return 'that was given';
  }
}

const MAKE_ONE = 'on the server `berth user token create` makes one';

function remedy(setting: TokenSetting, url: string): string {
  switch (setting.kind) {
    case 'environment':
      return setting.insteadOf === null
        ? `set it to a good one: ${MAKE_ONE}`
        : `unset BERTH_TOKEN, and the one in ${setting.insteadOf} is used, or set it to a good one`;
    case 'config':
      return `put a good one there: \`berth project add --name ${setting.project} --url ${url}\` asks for it; ${MAKE_ONE}`;
    case 'given':
      return `give a good one: ${MAKE_ONE}`;
  }
}
