/** Fetches the list of releases from 1.x's URL. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

const TIMEOUT_MS = 10_000;
const URLS = [
  'https://api.github.com/repos/kata-containers/runtime/releases',
  'https://api.github.com/repos/kata-containers/kata-containers/releases',
];

/** `named` is what KATA_RELEASE_URL says. @throws KataError */
export async function fetchReleases(named: string | undefined): Promise<string> {
  const url = named ?? URLS[0] ?? '';
  if (!URLS.includes(url)) throw new KataError(`KATA_RELEASE_URL must be one of ${URLS.join(' and ')}`);
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.text();
  } catch (error) {
    throw new KataError(`the list of releases cannot be read from ${url} (${errorMessage(error)}); --no-network-checks skips this check`);
  }
}
