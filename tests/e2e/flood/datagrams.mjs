// Datagrams that no client of good will sends: what a stranger can throw at a media port. Each kind is a function that makes one.
import { randomBytes, randomInt } from 'node:crypto';

const kMagicCookie = 0x2112a442, kBindingRequest = 0x0001;
const kUsername = 0x0006, kMessageIntegrity = 0x0008, kPriority = 0x0024, kFingerprint = 0x8028, kIceControlling = 0x802a;
const kFingerprintMask = 0x5354554e;  // RFC 8489 section 14.7.
const kLargest = 65_507;              // What UDP over IPv4 can carry.

const kCrcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) {
    n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  }
  return n >>> 0;
});
const crc32 = (bytes) => (bytes.reduce((crc, byte) => kCrcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

function attribute(type, value, length = value.length) {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(length & 0xffff, 2);
  value.copy(bytes, 4);
  return bytes;
}

function stunMessage(type, attributes, { length } = {}) {
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE((length ?? body.length) & 0xffff, 2);
  header.writeUInt32BE(kMagicCookie, 4);
  randomBytes(12).copy(header, 8);
  return Buffer.concat([header, body]);
}

// A check as a client would send it, up to the last byte; only the names in it are invented.
function checkOfAStranger() {
  const name = `${randomBytes(8).toString('hex')}:${randomBytes(2).toString('hex')}`;
  const attributes = [
    attribute(kUsername, Buffer.from(name)), attribute(kPriority, randomBytes(4)), attribute(kIceControlling, randomBytes(8)),
    attribute(kMessageIntegrity, randomBytes(20)),
  ];
  const message = stunMessage(kBindingRequest, attributes, { length: Buffer.concat(attributes).length + 8 });
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(message) ^ kFingerprintMask) >>> 0);
  return Buffer.concat([message, attribute(kFingerprint, fingerprint)]);
}

const withFirst = (first, bytes) => {
  bytes[0] = first;
  return bytes;
};

export const kDatagramKinds = {
  random: () => randomBytes(randomInt(1, 1400)),
  empty: () => Buffer.alloc(0),
  oneByte: () => randomBytes(1),
  stunWithBrokenAttributes: () => stunMessage(kBindingRequest, [attribute(kUsername, randomBytes(9), 5000), randomBytes(randomInt(0, 7))]),
  stunWithWrongLength: () => stunMessage(kBindingRequest, [attribute(kUsername, randomBytes(9))], { length: randomInt(0, 65_536) }),
  stunOfUnknownType: () => stunMessage(randomInt(0, 0x4000), [attribute(randomInt(0, 65_536), randomBytes(randomInt(0, 40)))]),
  checkOfAStranger,
  dtlsGarbage: () => withFirst(randomInt(20, 64), randomBytes(randomInt(1, 600))),
  // A handshake record whose version and length are as they should be, around noise.
  dtlsHello: () => {
    const body = randomBytes(randomInt(12, 300));
    const header = Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, body.length >> 8, body.length & 0xff]);
    return Buffer.concat([header, withFirst(1, body)]);
  },
  rtp: () => withFirst(0x80 | randomInt(0, 64), randomBytes(randomInt(2, 1300))),
  rtcp: () => {
    const packet = randomBytes(randomInt(8, 400));
    packet[0] = 0x80 | randomInt(0, 32);
    packet[1] = randomInt(192, 224);
    return packet;
  },
  turnChannel: () => withFirst(randomInt(64, 80), randomBytes(randomInt(4, 200))),
  oversize: () => randomBytes(randomInt(2000, kLargest)),
};

// A stock of datagrams to throw again and again: making them costs more than sending them. Large ones are rare, for on
// loopback they cost the machine more than the server.
export function stockOfDatagrams(size) {
  const makers = Object.entries(kDatagramKinds).flatMap(([name, make]) => Array(name === 'oversize' ? 1 : 8).fill(make));
  return Array.from({ length: size }, () => makers[randomInt(makers.length)]());
}
