// HTTP requests that deserve a refusal. Each kind is a function of the tokens that makes the bytes of one request.
import { randomBytes, randomInt } from 'node:crypto';

const kSocketHeaders = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const kHost = 'Host: flood\r\n';

const get = (target, headers = '') => `GET ${target} HTTP/1.1\r\n${kHost}${headers}\r\n`;
const text = (bytes) => randomBytes(bytes).toString('base64url');

function twirp(method, body, { authorization, type = 'application/json', length = body.length }) {
  const head = `POST /twirp/livekit.RoomService/${method} HTTP/1.1\r\n${kHost}Authorization: ${authorization}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const kRequestLines = [
  'GET\r\n\r\n', 'GET /\r\n\r\n', 'GET  / HTTP/1.1\r\n\r\n', 'G\x00T / HTTP/1.1\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '/ GET HTTP/1.1\r\n\r\n', '\r\n\r\n\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET /\x01\x02 HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nno colon here\r\n\r\n', 'GET / HTTP/1.1\r\nA: b\nC: d\x00\r\n\r\n',
  'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 'POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n',
  'POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
];

export const kRequestKinds = {
  requestLine: () => kRequestLines[randomInt(kRequestLines.length)],
  binary: () => randomBytes(randomInt(20, 2000)),
  tlsHello: () => Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), randomBytes(506)]),
  tokenOnValidate: () => get(`/rtc/validate?access_token=${text(40)}.${text(60)}.${text(32)}`),
  tokenOnTwirp: () => twirp('ListRooms', '{}', { authorization: `Bearer ${text(30)}.${text(50)}.${text(32)}` }),
  tokenForged: ({ join }) => get(`/rtc/v1/validate?access_token=${join.split('.').slice(0, 2).join('.')}.${text(32)}`),
  upgradeWithoutKey: ({ join }) => get(`/rtc?access_token=${join}`, 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
  upgradeOfAnotherVersion: ({ join }) => get(`/rtc?access_token=${join}`, kSocketHeaders.replace('13', '12')),
  upgradeToNowhere: () => get(`/${text(9)}`, kSocketHeaders),
  upgradeWithoutToken: () => get('/rtc', kSocketHeaders),
  upgradeWithBadToken: () => get(`/rtc?access_token=${text(120)}`, kSocketHeaders),
  joinRequestMissing: ({ join }) => get(`/rtc/v1?access_token=${join}`, kSocketHeaders),
  joinRequestNotBase64: ({ join }) => get(`/rtc/v1?access_token=${join}&join_request=!!${text(20)}!!`, kSocketHeaders),
  // The wrapper reads, and announces gzip (08 01); what should be gzip is noise.
  joinRequestNotGzip: ({ join }) => {
    const noise = randomBytes(60);
    const wrapped = Buffer.concat([Buffer.from([0x08, 0x01, 0x12, noise.length]), noise]);
    return get(`/rtc/v1?access_token=${join}&join_request=${encodeURIComponent(wrapped.toString('base64url').padEnd(88, '='))}`, kSocketHeaders);
  },
  // Field 1 of the join request, announced as longer than it is.
  joinRequestCutOff: ({ join }) => {
    const wrapped = Buffer.from([0x12, 0x04, 0x0a, 0x7f, 0x01, 0x02]);
    return get(`/rtc/v1?access_token=${join}&join_request=${wrapped.toString('base64url')}`, kSocketHeaders);
  },
  twirpNotJson: ({ admin }) => twirp('CreateRoom', `{"name": ${text(20)}`, { authorization: `Bearer ${admin}` }),
  twirpDeepJson: ({ admin }) => twirp('CreateRoom', '['.repeat(5000), { authorization: `Bearer ${admin}` }),
  twirpWrongTypes: ({ admin }) => twirp('CreateRoom', '{"name": {"a": 1}, "empty_timeout": "soon"}', { authorization: `Bearer ${admin}` }),
  twirpBadProtobuf: ({ admin }) => twirp('CreateRoom', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]), { authorization: `Bearer ${admin}`, type: 'application/protobuf' }),
  twirpNoSuchMethod: ({ admin }) => twirp(text(8), '{}', { authorization: `Bearer ${admin}` }),
  bodyThatIsTooLong: ({ admin }) => twirp('CreateRoom', '{', { authorization: `Bearer ${admin}`, length: 50 << 20 }),
  manyHeaders: () => get(`/${text(5)}`, Array.from({ length: 500 }, (_, i) => `X-${i}: ${text(20)}\r\n`).join('')),
  longHeader: () => get(`/${text(5)}`, `X-Long: ${'x'.repeat(40_000)}\r\n`),
  headerOverTheLimit: () => get('/', `X-Long: ${'x'.repeat((1 << 20) + 5000)}\r\n`),
};

const kRare = { headerOverTheLimit: 1, longHeader: 4, manyHeaders: 4 };  // Of the 20 that others get: they are megabytes.

export function requestMaker(tokens) {
  const names = Object.keys(kRequestKinds).flatMap((name) => Array(kRare[name] ?? 20).fill(name));
  return () => {
    const name = names[randomInt(names.length)];
    return { name, bytes: kRequestKinds[name](tokens) };
  };
}
