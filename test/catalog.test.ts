/** The catalog from the command line's side: a fresh home, no network, and every command that the docs show. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverBackends } from '@berth/backend';
import type { CatalogGpusView, CatalogHistoryView, CatalogStatusView, MarketView } from '@berth/core/api-catalog';
import { parserOf } from '../packages/cli/src/command.ts';
import { findCommand } from '../packages/cli/src/dispatch.ts';
import { Home, until } from './home.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCS = readFileSync(join(ROOT, 'docs', 'catalog.md'), 'utf8');

const GPUHUNT_HEADER =
  'instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data';

/** `h100`: US dollars per hour for eight, on demand. */
function gpuhuntCsv(h100: number): string {
  return [
    GPUHUNT_HEADER,
    `p5.48xlarge,us-east-1,${h100},192,2048.0,8,H100,80.0,False,,nvidia,,x86,{}`,
    `p5.48xlarge,us-east-1,20.1,192,2048.0,8,H100,80.0,True,,nvidia,,x86,{}`,
    'g5.xlarge,us-east-1,1.006,4,16.0,1,A10G,24.0,False,,nvidia,,x86,{}',
    '',
  ].join('\r\n');
}

const VMS_CSV = `InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice
gpu_1x_h100_pcie,H100,1.0,26.0,200.0,2.49,us-west-3,"{'Gpus': [{'Name': 'H100', 'Manufacturer': 'NVIDIA', 'Count': 1.0, 'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 81920}",
gpu_8x_a100,A100,8.0,124.0,1800.0,10.32,us-east-1,"{'Gpus': [{'Name': 'A100', 'Manufacturer': 'NVIDIA', 'Count': 8.0, 'MemoryInfo': {'SizeInMiB': 40960}}], 'TotalGpuMemoryInMiB': 327680}",
`;

/** Nobody outside is asked: marketplaces are off. */
function offlineHome(): Home {
  const home = new Home();
  mkdirSync(join(home.dir, 'server'), { recursive: true, mode: 0o700 });
  const config = 'projects: [{ name: main, backends: [{ type: local }] }]\ncatalog: { online: false }\n';
  writeFileSync(join(home.dir, 'server', 'config.yml'), config);
  return home;
}

function blocks(language: string): string[] {
  return [...DOCS.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text ?? '');
}

test('every command that docs/catalog.md has for a shell works, in the order in which it stands there', async () => {
  await using home = offlineHome();
  await home.write('aws.csv', gpuhuntCsv(55.04));
  await home.write('vms.csv', VMS_CSV);
  const commands = blocks('sh')
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
  assert.ok(commands.length >= 14, `only ${commands.length} commands were found`);
  for (const command of commands) {
    const [program, ...words] = command.split(' ');
    assert.equal(program, 'berth');
    const { code, seen } = await home.berth(words);
    assert.equal(code, 0, `${command}\n${seen}`);
  }
});

test('what the docs show for a network is understood, and names sources that there are', async () => {
  const { found } = await discoverBackends({ roots: [join(ROOT, 'backends')] });
  const sources = [...found.map(({ packageName }) => packageName.replace(/^.*backend-/, '')), 'nimbus'];
  const shown = blocks('console').flatMap((block) =>
    [...block.matchAll(/^\$ berth (.*)$/gm)].map(([, words]) => words),
  );
  assert.ok(shown.length >= 8);
  for (const line of shown) {
    const words = (line ?? '').split(' ');
    const entry = findCommand(words);
    assert.ok(entry !== null, line);
    const parser = parserOf(entry.name, entry.summary, (await entry.load()).default);
    parser.parse(words.slice(entry.name.split(' ').length), { from: 'user' });
    if (entry.name !== 'catalog collect' && entry.name !== 'catalog check') continue;
    for (const name of parser.args) assert.ok(sources.includes(name), `${line}: ${name}`);
  }
});

test('a fresh installation answers from the starter, and says of when its prices are', async () => {
  await using home = offlineHome();
  const offers = await home.json<MarketView>(['offer', '--gpu', 'H100:8']);
  assert.ok(offers.total > 0);
  assert.ok(offers.offers.every(({ accelerator }) => accelerator?.name === 'H100' && accelerator.count === 8));
  const shown = await home.berth(['offer', '--gpu', 'H100:8']);
  assert.match(shown.stderr, /note: prices of \d{4}-\d\d-\d\d that ship with Berth/);
  const { gpus } = await home.json<CatalogGpusView>(['gpus']);
  const h100 = gpus.find(({ name }) => name === 'H100');
  assert.ok(h100 !== undefined && h100.backends.length > 1 && (h100.on_demand_from ?? 0) > 0);
  const own = await home.json<MarketView>(['offer', '--configured']);
  assert.deepEqual([...new Set(own.offers.map(({ backend }) => backend))], ['local']);
  const unknown = await home.berth(['offer', '--gpu', 'H1000']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /did you mean `H100`/);
});

test('an import is seen by a server that runs already, at once', async () => {
  await using home = offlineHome();
  const spot = ['offer', '--gpu', 'H100:8', '--spot'];
  assert.equal((await home.json<MarketView>(spot)).total, 0);
  await home.write('aws.csv', gpuhuntCsv(55.04));
  assert.equal((await home.berth(['catalog', 'import', 'aws.csv', '--format', 'gpuhunt'])).code, 0);
  await until(async () => (await home.json<MarketView>(spot)).total === 1, 'the server has the new prices', 5_000);
});

test('two versions, published and pulled, make a history; what is corrupted or signed by another is not taken', async () => {
  await using home = offlineHome();
  const csv = join(home.work, 'aws.csv');
  const run = async (code: number, ...words: string[]) => {
    const result = await home.berth(['catalog', ...words]);
    assert.equal(result.code, code, `berth catalog ${words.join(' ')}\n${result.seen}`);
    return result;
  };
  const publish = async (price: number, at: number): Promise<void> => {
    await home.write('aws.csv', gpuhuntCsv(price));
    utimesSync(csv, at, at);
    await run(0, 'import', 'aws.csv', '--format', 'gpuhunt');
    await run(0, 'publish', 'prices', '--key', 'catalog.pem');
  };
  const key = (await run(0, 'keygen')).stdout.toString().trim();
  assert.match(key, /^berth-ed25519:/);
  assert.equal((await home.berth(['catalog', 'keygen'])).code, 2, 'a key that readers trust is not replaced');
  const now = Date.now() / 1000;
  await publish(55.04, now - 7200);
  await publish(48.4, now - 3600);

  await using reader = offlineHome();
  const pull = (...more: string[]) => reader.berth(['catalog', 'pull', join(home.work, 'prices'), ...more]);
  const other = await home.berth(['catalog', 'keygen', 'other.pem']);
  const refused = await pull('--public-key', other.stdout.toString().trim());
  assert.equal(refused.code, 1, refused.seen);
  assert.match(refused.stdout.toString(), /is not trusted here/);
  assert.equal((await pull('--public-key', key)).code, 0);
  const history = await reader.json<CatalogHistoryView>(['catalog', 'history', 'H100', '--on-demand']);
  assert.deepEqual(
    history.series.map(({ backend, points }) => [backend, points.map(({ price_per_gpu: price }) => price)]),
    [['aws', [6.88, 6.05]]],
  );
  assert.match((await reader.berth(['catalog', 'history', 'H100'])).stdout.toString(), /aws +on-demand +█+▇+ /);
  const status = await reader.json<CatalogStatusView>(['catalog', 'status']);
  assert.deepEqual(
    status.sources.map(({ source, state }) => [source, state]),
    [
      ['aws', 'fresh'],
      ['starter', 'stale'],
    ],
  );

  const mistyped = await pull('--public-key', other.stdout.toString().trim());
  assert.equal(mistyped.code, 1);
  assert.equal(
    (await reader.json<CatalogStatusView>(['catalog', 'status'])).sources.length,
    2,
    'a wrong key spoils nothing',
  );

  await publish(40, now - 1800);
  const objects = join(home.work, 'prices', 'v1', 'objects');
  for (const name of readdirSync(objects)) writeFileSync(join(objects, name), 'spoilt');
  const damaged = await pull();
  assert.equal(damaged.code, 1, damaged.seen);
  const still = await reader.json<MarketView>(['offer', '--backend', 'aws', '--gpu', 'H100:8', '--on-demand']);
  assert.deepEqual(
    still.offers.map(({ price_per_hour: price }) => price),
    [48.4],
    'the last good version answers',
  );
});

test('a file that is no price list changes nothing, and says why', async () => {
  await using home = offlineHome();
  await home.write('aws.csv', gpuhuntCsv(55.04));
  const importing = ['catalog', 'import', 'aws.csv', '--format', 'gpuhunt'];
  assert.equal((await home.berth(importing)).code, 0);
  await home.write('aws.csv', '<!doctype html><title>503</title>');
  const page = await home.berth(importing);
  assert.equal(page.code, 2);
  assert.match(page.stderr, /HTML/);
  await home.write('aws.csv', gpuhuntCsv(0.01));
  const sentinel = await home.berth(importing);
  assert.match(sentinel.stdout.toString(), /p5\.48xlarge/);
  const { offers } = await home.json<MarketView>([
    'catalog',
    'query',
    '--gpu',
    'H100:8',
    '--on-demand',
    '--backend',
    'aws',
  ]);
  assert.ok(
    offers.every(({ price_per_hour: price }) => price > 1),
    'an H100 for a tenth of a cent is believed by nobody',
  );
});

test('the source that the docs add is a whole folder: it collects both pages, and one that fails keeps the last', async (t) => {
  await using home = offlineHome();
  let broken = false;
  const server = createServer((request, response) => {
    const cursor = new URL(request.url ?? '', 'http://x').searchParams.get('cursor');
    const type = (name: string, model: string, price: number) => ({
      name,
      region: 'eu-1',
      vcpus: 26,
      memory_gb: 200,
      gpu: { model, count: 1, memory_gb: 80 },
      usd_per_hour: price,
      spot_usd_per_hour: price / 2,
    });
    const first = { next: '2', types: [type('fluffy-h100', 'NVIDIA H100 80GB HBM3', 2.2)] };
    const second = { next: null, types: [type('fluffy-a100', 'a100-80gb', broken ? Number.NaN : 1.1)] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(cursor === '1' ? first : second));
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const folder = join(home.dir, 'backends', 'nimbus');
  mkdirSync(join(folder, 'src'), { recursive: true, mode: 0o700 });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { port } = server.address() as AddressInfo;
  const [manifest = ''] = blocks('json');
  const [module = ''] = blocks('ts');
  writeFileSync(join(folder, 'package.json'), manifest);
  writeFileSync(
    join(folder, 'src', 'index.ts'),
    module.replace('https://api.nimbus.example', `http://127.0.0.1:${port}`),
  );
  const collected = await home.berth(['catalog', 'collect', 'nimbus']);
  assert.equal(collected.code, 0, collected.seen);
  assert.match(collected.stdout.toString(), /✓ nimbus: 4 offers/);
  assert.equal((await home.berth(['catalog', 'check', 'nimbus'])).code, 0);
  broken = true;
  const failed = await home.berth(['catalog', 'collect', 'nimbus']);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout.toString(), /types\.0\.usd_per_hour/, 'the field that changed is named');
  const { offers } = await home.json<MarketView>(['offer', '--backend', 'nimbus', '--on-demand']);
  assert.deepEqual(
    offers.map(({ instance_type: type, price_per_hour: price }) => [type, price]),
    [
      ['fluffy-a100', 1.1],
      ['fluffy-h100', 2.2],
    ],
  );
  const status = await home.json<CatalogStatusView>(['catalog', 'status']);
  assert.match(JSON.stringify(status.sources), /usd_per_hour/, 'and so is why there is nothing newer');
});
