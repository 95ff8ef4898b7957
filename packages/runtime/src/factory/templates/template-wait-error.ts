import { KataError } from '@kata-containers/common/errors/kata-error';

/** Another process did not make the template while this process waited. */
export class TemplateWaitError extends KataError {
  /** In milliseconds. */
  readonly waitedMs: number;
  constructor(message: string, waitedMs: number) {
    super(message);
    this.waitedMs = waitedMs;
  }
}
