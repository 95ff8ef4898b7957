import assert from 'node:assert/strict';
import { IPFamily, Rule } from '@kata-containers/common/generated/types';
import { deletionOf } from './rtnetlink-message.ts';
import { ruleRequest } from './rule-plan.ts';

const hex = (rule: Partial<Rule>): string => ruleRequest({ ...Rule.fromPartial({}), ...rule }).message.toString('hex');

describe('requests for policy rules (bytes of linux/fib_rules.h)', () => {
  it('set the table of a source address', () =>
    assert.equal(
      hex({ priority: 32765, action: 1, table: 100, source: '10.0.0.2' }),
      [
        '34000000',
        '2000',
        '0504',
        '0000000000000000',
        '02002000',
        '64000001',
        '00000000',
        '08000600fd7f0000',
        '080002000a000002',
        '08000f0064000000',
      ].join(''),
    ));
  it('have a table number above 255 only in an attribute', () =>
    assert.equal(
      hex({ family: IPFamily.v6, priority: 1, action: 1, table: 1000, destination: 'fd00::/8', suppressPrefixLength: 0 }),
      [
        ...['48000000', '2000', '0504', '0000000000000000', '0a080000', '00000001', '00000000', '0800060001000000'],
        ...['14000100fd000000000000000000000000000000', '08000f00e8030000', '08000e0000000000'],
      ].join(''),
    ));
  it('set each selector', () =>
    assert.equal(
      hex({
        ...{ priority: 60, action: 7, isInverted: true, tos: 16, mark: 1, mask: 255, inputDevice: 'eth0', outputDevice: 'lo', protocol: 6 },
        ...{ sourcePorts: { start: 1, end: 5 }, destinationPorts: { start: 80, end: 80 }, uids: { start: 3, end: 4 } },
      }),
      [
        ...['6c000000', '2000', '0504', '0000000000000000', '02000010', '00000007', '02000000', '080006003c000000'],
        ...['090003006574683000000000', '070011006c6f0000', '08000a0001000000', '08001000ff000000', '0500160006000000'],
        ...['0800170001000500', '0800180050005000', '0c0014000300000004000000'],
      ].join(''),
    ));
  it('jump to another rule', () => assert.match(hex({ priority: 70, action: 2, goto: 32766 }), /080006004600000008000400fe7f0000$/));
  it('are removed by the same bytes with the message type of a deletion', () => {
    const { message } = ruleRequest(Rule.fromPartial({ priority: 70, action: 3 }));
    const deletion = deletionOf(message);
    assert.deepEqual([deletion.readUInt16LE(4), deletion.readUInt16LE(6)], [33, 5]);
    assert.deepEqual(deletion.subarray(8), message.subarray(8));
  });

  const refused: [what: string, rule: Partial<Rule>, text: RegExp][] = [
    ['an unknown action', { action: 9 }, /invalid action \(9\)/],
    ['no table', { action: 1 }, /invalid table \(0\)/],
    ['a name with a blank', { action: 3, inputDevice: 'a b' }, /invalid name/],
    ['an address of the other family', { action: 3, source: 'fd00::1' }, /another family/],
    ['no address', { action: 3, destination: 'all' }, /invalid address/],
    ['a protocol above 255', { action: 3, protocol: 256 }, /invalid protocol/],
    ['a port above 65535', { action: 3, sourcePorts: { start: 1, end: 65_536 } }, /invalid port/],
    ['a TOS above 255', { action: 3, tos: 256 }, /invalid TOS/],
  ];
  for (const [what, rule, text] of refused) it(`${what} is refused`, () => assert.throws(() => hex(rule), text));
});
