import assert from 'node:assert/strict';
import { createLogger, parseLevel } from './logger.ts';
import type { Fields, LoggerOptions } from './logger.ts';
import { syslogPriority } from './syslog.ts';

const now = (): Date => new Date('2020-01-02T03:04:05.006Z');

function written(options: Partial<LoggerOptions>, use: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  use(createLogger({ format: 'text', level: 'info', precision: 'seconds', now, write: (line) => (text += line), ...options }));
  return text;
}

describe('logger in text format', () => {
  const cases: [name: string, message: string, fields: Fields, line: string][] = [
    ['a bare word is not quoted', 'started', {}, 'time="2020-01-02T03:04:05Z" level=info msg=started\n'],
    ['fields are sorted', 'x y', { b: 1, a: true }, 'time="2020-01-02T03:04:05Z" level=info msg="x y" a=true b=1\n'],
    ['line feeds stay escaped', 'a\nb"c', {}, 'time="2020-01-02T03:04:05Z" level=info msg="a\\nb\\"c"\n'],
    ['control characters stay escaped', '\u001b[2J', {}, 'time="2020-01-02T03:04:05Z" level=info msg="\\x1b[2J"\n'],
    ['an empty value', 'm', { k: '' }, 'time="2020-01-02T03:04:05Z" level=info msg=m k=\n'],
    ['undefined is omitted', 'm', { k: undefined }, 'time="2020-01-02T03:04:05Z" level=info msg=m\n'],
  ];
  for (const [name, message, fields, line] of cases) {
    it(name, () =>
      assert.equal(
        written({}, (logger) => logger.info(message, fields)),
        line,
      ),
    );
  }

  it('writes nanoseconds on request', () => {
    const line = written({ precision: 'nanoseconds' }, (logger) => logger.warn('m'));
    assert.equal(line, 'time="2020-01-02T03:04:05.006000000Z" level=warning msg=m\n');
  });

  it('passes the level of each line, for the priority of syslog', () => {
    const priorities: number[] = [];
    const logger = createLogger({
      ...{ format: 'text', level: 'debug', precision: 'seconds' },
      write: (_, level) => priorities.push(syslogPriority[level]),
    });
    logger.error('e');
    logger.child({ a: 1 }).warn('w');
    logger.info('i');
    logger.debug('d');
    assert.deepEqual(priorities, [3, 4, 6, 7]); // LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG of syslog.h
  });

  it('drops records below the level', () => {
    assert.equal(
      written({ level: 'warn' }, (logger) => logger.info('m')),
      '',
    );
  });
});

describe('logger in JSON format', () => {
  it('writes the keys that containerd reads, with exactly one object on each line', () => {
    const line = written({ format: 'json', fields: { name: 'kata-runtime' } }, (logger) => logger.child({ pid: 1 }).error('a\nb'));
    assert.equal(line.trimEnd().includes('\n'), false);
    assert.deepEqual(JSON.parse(line), { name: 'kata-runtime', pid: 1, level: 'error', msg: 'a\nb', time: '2020-01-02T03:04:05Z' });
  });
});

describe('logger on a terminal', () => {
  it('writes the short level, the seconds and coloured keys', () => {
    const line = written({ format: 'terminal', fields: { pid: 1 } }, (logger) => logger.info('found', { description: 'two words' }));
    const message = 'found'.padEnd(44);
    assert.match(line, /^\x1b\[36mINFO\x1b\[0m\[\d{4}\] /);
    assert.ok(line.endsWith(`] ${message}  \x1b[36mdescription\x1b[0m="two words" \x1b[36mpid\x1b[0m=1\n`), JSON.stringify(line));
  });
});

describe('parseLevel', () => {
  for (const [name, level] of [
    ['debug', 'debug'],
    ['WARNING', 'warn'],
    ['fatal', 'error'],
    ['loud', undefined],
  ] as const) {
    it(`${name} is ${level}`, () => assert.equal(parseLevel(name), level));
  }
});
