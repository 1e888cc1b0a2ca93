import { BerthError } from '@berth/core/errors';
import { InvalidArgumentError, Option, type Command as Parser } from 'commander';
import { collect } from './output/parse-option.ts';

/** Flags that say what is needed and where to look, for `apply`. */
export interface PlacementOptions {
  readonly gpu?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly backend?: readonly string[];
  readonly region?: readonly string[];
  readonly instanceType?: readonly string[];
  readonly fleet?: readonly string[];
  readonly maxPrice?: number;
  readonly reservation?: string;
  readonly spot?: true;
  readonly onDemand?: true;
  readonly spotAuto?: true;
}

export function withResources(parser: Parser): Parser {
  return parser
    .option('--gpu <spec>', 'name, memory and count, for example A100:80GB:2..4')
    .option('--cpu <spec>', 'count, for example 8.. or arm:4')
    .option('--memory <range>', 'for example 32GB..')
    .option('--disk <range>', 'for example 200GB..');
}

export function withPlacement(parser: Parser): Parser {
  return parser
    .option('-b, --backend <name>', 'only this backend; may be repeated', collect)
    .option('-r, --region <name>', 'only this region; may be repeated', collect)
    .option('--instance-type <name>', 'only this type; may be repeated', collect)
    .option('--fleet <name>', 'only instances of this fleet; may be repeated', collect)
    .option('--reservation <id>', 'only machines in this reservation of the cloud')
    .option('--max-price <dollars>', 'dollars per hour', parsePrice)
    .addOption(new Option('--spot', 'only machines that the cloud may take back').conflicts(['onDemand', 'spotAuto']))
    .addOption(new Option('--on-demand', 'only machines that it may not').conflicts(['spot', 'spotAuto']))
    .addOption(new Option('--spot-auto', 'either').conflicts(['spot', 'onDemand']));
}

/** The same as keys of a configuration; keys that no flag sets are undefined. */
export function placementOverrides(options: PlacementOptions): Record<string, unknown> {
  const { gpu, cpu, memory, disk } = options;
  const resources = Object.fromEntries(
    Object.entries({ gpu, cpu, memory, disk }).filter(([, value]) => value !== undefined),
  );
  const spot = options.spot ? 'spot' : options.onDemand ? 'on-demand' : options.spotAuto ? 'auto' : undefined;
  const overrides = {
    resources: Object.keys(resources).length === 0 ? undefined : resources,
    backends: options.backend,
    regions: options.region,
    instance_types: options.instanceType,
    fleets: options.fleet,
    max_price: options.maxPrice,
    reservation: options.reservation,
    spot_policy: spot,
  };
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}

const FLAG_OF_KEY: Readonly<Record<string, string>> = {
  backends: '--backend',
  regions: '--region',
  instance_types: '--instance-type',
  fleets: '--fleet',
  max_price: '--max-price',
  reservation: '--reservation',
  max_duration: '--max-duration',
  idle_duration: '--idle-duration',
  creation_policy: '--reuse',
  retry: '--retry',
  name: '--name',
};

/** The keys of a configuration mean nothing to somebody who wrote none. */
export function aboutFlags(error: BerthError): BerthError {
  const [first] = error.issues;
  if (first === undefined) return error;
  const key = first.path.replace(/^resources\.(\w+).*/, '--$1');
  const flag = key.startsWith('--') ? key : FLAG_OF_KEY[key.replace(/[.[].*/, '')];
  const told = `${first.path}: `;
  const message = first.message.startsWith(told) ? first.message.slice(told.length) : first.message;
  return new BerthError(
    error.code,
    `${flag ?? first.path}: ${message}`,
    first.hint === undefined ? {} : { hint: first.hint },
  );
}

function parsePrice(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number of dollars.');
  return value;
}
