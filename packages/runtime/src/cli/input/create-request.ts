import { loadBundle } from '../../bundle/load-bundle.ts';
import type { CreateRequest } from '../../sandbox/create-request.ts';
import { validateId } from '../../sandbox/validate-id.ts';
import { textOption } from './verb.ts';
import type { Invocation } from './verb.ts';

type Use = Pick<CreateRequest, 'attached' | 'starts'>;

/** @throws UsageError, KataError, SpecError */
export function createRequest({ args, options }: Invocation, { attached, starts }: Use): CreateRequest {
  const id = validateId(args[0]);
  const [terminal, consoleSocket] = [textOption(options, 'console'), textOption(options, 'consoleSocket')];
  const pidfdSocket = textOption(options, 'pidfdSocket');
  return {
    id,
    bundle: loadBundle(textOption(options, 'bundle') ?? '.'),
    attached,
    starts,
    ...(terminal !== undefined && { console: terminal }),
    ...(consoleSocket !== undefined && { consoleSocket }),
    ...(pidfdSocket !== undefined && { pidfdSocket }),
  };
}
