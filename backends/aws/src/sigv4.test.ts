import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signGet } from './sigv4.ts';

/** Of AWS's published test suite, as are the signatures below. */
const KEY = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
};
const REQUEST = {
  host: 'example.amazonaws.com',
  region: 'us-east-1',
  service: 'service',
  now: Date.UTC(2015, 7, 30, 12, 36, 0),
};
const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const VECTORS: readonly [string, readonly (readonly [string, string])[], string][] = [
  ['get-vanilla', [], '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-query-order-key-case',
    [
      ['Param2', 'value2'],
      ['Param1', 'value1'],
    ],
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-vanilla-query-unreserved',
    [[UNRESERVED, UNRESERVED]],
    '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  ],
];

for (const [name, query, signature] of VECTORS) {
  test(`signs ${name} of AWS's test suite as AWS does`, () => {
    const signed = signGet({ ...REQUEST, query }, KEY);
    const scope = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
    assert.equal(
      signed.headers['authorization'],
      `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    assert.equal(signed.headers['x-amz-date'], '20150830T123600Z');
  });
}

test('the query is sent in the spelling that was signed', () => {
  const query = [
    ['NextToken', 'a+b/c=='],
    ['Filter', "it's (all) *"],
  ] as const;
  const { url } = signGet({ ...REQUEST, query }, KEY);
  assert.equal(new URL(url).search, '?Filter=it%27s%20%28all%29%20%2A&NextToken=a%2Bb%2Fc%3D%3D');
});

test('the token of temporary credentials is signed and sent', () => {
  const signed = signGet({ ...REQUEST, query: [] }, { ...KEY, sessionToken: 'token' });
  assert.equal(signed.headers['x-amz-security-token'], 'token');
  assert.match(signed.headers['authorization'] ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token,/);
});
