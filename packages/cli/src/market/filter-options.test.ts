import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogFilterBody } from '@berth/core/api-catalog';
import { BerthError } from '@berth/core/errors';
import { Command } from 'commander';
import { type FilterOptions, filterBody, flagsOfFilters, withFilter } from './filter-options.ts';

function bodyOf(line: string) {
  const parser = withFilter(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  parser.parse(line.split(' '), { from: 'user' });
  return filterBody(parser.opts<FilterOptions>());
}

test('every flag becomes the filter that it names, in units of the API', () => {
  const line =
    '--gpu A100:80GB:2..4 --exclude-gpu H100 --form-factor sxm --cpu arm:16.. --memory 64GB.. --disk 200GB.. -b aws ' +
    '--exclude-backend gcp -r us-1 --exclude-region us-2 --zone us-1a --exclude-zone us-1b --country DE ' +
    '--exclude-country FR --instance-type p5* --exclude-instance-type p5e* --min-price 2 --max-price 30 --max-age 6h --available --spot ' +
    '--total-gpu-memory 160GB.. --compute-capability 8.0..9.0 --flag oci-spot';
  const body = bodyOf(line);
  assert.deepEqual(body, {
    backends: ['aws'],
    exclude_backends: ['gcp'],
    instance_types: ['p5*'],
    exclude_instance_types: ['p5e*'],
    regions: ['us-1'],
    exclude_regions: ['us-2'],
    zones: ['us-1a'],
    exclude_zones: ['us-1b'],
    countries: ['DE'],
    exclude_countries: ['FR'],
    capacity_types: ['spot'],
    cpu_arch: 'arm',
    cpus: { min: 16, max: null },
    memory_mib: { min: 65_536, max: null },
    disk_mib: { min: 204_800, max: null },
    unknown_disk: 'include',
    gpu: {
      names: ['A100'],
      exclude_names: ['H100'],
      count: { min: 2, max: 4 },
      memory_mib: { min: 81_920, max: 81_920 },
      total_memory_mib: { min: 163_840, max: null },
      compute_capability: { min: [8, 0], max: [9, 0] },
      form_factors: ['SXM'],
    },
    flags: ['oci-spot'],
    price_per_hour: { min: 2, max: 30 },
    availability: ['available', 'idle'],
    max_age_ms: 21_600_000,
  });
  assert.ok(catalogFilterBody.safeParse(body).success, 'the server takes it');
  const { gpu = {}, unknown_disk: _modifier, ...rest } = body;
  const filters = [...Object.keys(rest), ...Object.keys(gpu).map((key) => `gpu.${key}`)];
  assert.deepEqual(
    filters.filter((name) => flagsOfFilters({})[name] === undefined),
    [],
    'and has a name for a person',
  );
});

test('capacity that is booked, states of stock and open ranges can be asked for', () => {
  assert.deepEqual(bodyOf('--reserved --availability idle --availability busy'), {
    capacity_types: ['reserved'],
    availability: ['idle', 'busy'],
  });
  assert.deepEqual(bodyOf('--compute-capability ..7.5').gpu, { compute_capability: { max: [7, 5] } });
  assert.deepEqual(bodyOf('--compute-capability 9').gpu, { compute_capability: { min: [9, 0] } });
});

test('without flags nothing is asked for', () => {
  assert.deepEqual(filterBody({}), {});
});

test('a value that cannot be read is told with its flag', () => {
  const wrong = (line: string) => {
    try {
      bodyOf(line);
    } catch (error) {
      return error instanceof BerthError ? error.message : String(error);
    }
    return 'it was taken';
  };
  assert.match(wrong('--memory 64XB'), /^--memory: /);
  assert.match(wrong('--cpu amd64'), /^--cpu: /);
  assert.match(wrong('--gpu H100:H200'), /^--gpu: /);
  assert.match(wrong('--max-price cheap'), /--max-price.*number of dollars/);
  assert.match(wrong('--min-price 9 --max-price 3'), /^--min-price: 9 is more than --max-price 3/);
  assert.match(wrong('--compute-capability ampere'), /^--compute-capability: /);
  assert.match(wrong('--compute-capability ..'), /^--compute-capability: /);
  assert.match(wrong('--availability maybe'), /--availability/);
  assert.match(wrong('--reserved --spot'), /cannot be used with/);
  assert.match(wrong('--max-age old'), /--max-age.*duration/);
  assert.match(wrong('--form-factor round'), /--form-factor/);
  assert.match(wrong('--country Germany'), /--country.*two letters, for example DE/);
  assert.deepEqual(bodyOf('--country de --exclude-country us'), { countries: ['DE'], exclude_countries: ['US'] });
});

test('bug: a message about one flag named another: what excludes a capacity type is the flag that was written', () => {
  const flag = (options: FilterOptions) => flagsOfFilters(options)['capacity_types'];
  assert.equal(flag({ spot: true }), '`--spot`');
  assert.equal(flag({ onDemand: true }), '`--on-demand`');
  assert.equal(flag({ spotAuto: true }), '`--spot-auto`');
});
