// Messages between people: reliable and lossy, to all and to some.
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, sleep, until } from '../lib/suite.mjs';

const say = (person, text, options) => person.run(
  (p, [text, options]) => p.room.localParticipant.publishData(new TextEncoder().encode(text), options), [text, options]);
const got = (person, text, from, topic) => person.event('dataReceived', {
  where: ([body, who, , about]) => body === text && who?.identity === from.identity && (topic === undefined || about === topic), ms: 8000,
});
const texts = async (person, start) => (await person.events('dataReceived')).map((event) => event.values[0]).filter((text) => text.startsWith(start));

export async function dataTests(suite, lab, server, mode) {
  const trio = async () => {
    const scene = new Cast(suite, lab, server, mode);
    const people = await Promise.all(['ann', 'ben', 'cleo'].map((name) => scene.person(name)));
    for (const one of people) {
      await Promise.all(people.filter((other) => other !== one).map((other) => one.sees(other)));
    }
    return people;
  };

  await suite.test('a reliable message reaches everyone else, with its topic and sender', async () => {
    const [ann, ben, cleo] = await trio();
    await say(ann, 'hello all', { reliable: true, topic: 'greeting' });
    await Promise.all([got(ben, 'hello all', ann, 'greeting'), got(cleo, 'hello all', ann, 'greeting')]);
    assertEqual((await texts(ann, 'hello all')).length, 0, 'echoes to the sender');
  });

  await suite.test('a message with a destination reaches only that one, reliable and lossy', async () => {
    const [ann, ben, cleo] = await trio();
    for (const reliable of [true, false]) {
      const text = `for ben ${reliable}`;
      for (let attempt = 0; attempt < 5; attempt++) {  // A lossy message may be lost.
        await say(ann, text, { reliable, destinationIdentities: [ben.identity] });
        if (await got(ben, text, ann).catch(() => null)) {
          break;
        }
      }
      assert((await texts(ben, text)).length > 0, `${text} did not arrive`);
    }
    await sleep(700);
    assertEqual((await texts(cleo, 'for ben')).length, 0, 'messages to one who was not addressed');
  }, { ms: 90_000 });

  await suite.test('lossy messages arrive, nearly all where nothing is lost', async () => {
    const [ann, ben] = await trio();
    for (let i = 0; i < 50; i++) {
      await say(ann, `lossy ${i}`, { reliable: false });
      await sleep(10);
    }
    const count = await until('45 of 50 lossy messages', async () => {
      const { length } = await texts(ben, 'lossy ');
      return length >= 45 && length;
    });
    return { count };
  });

  await suite.test('200 reliable messages arrive once each and in order', async () => {
    const [ann, ben] = await trio();
    await ann.run(async (person) => {
      for (let i = 0; i < 200; i++) {
        await person.room.localParticipant.publishData(new TextEncoder().encode(`row ${i}`), { reliable: true });
      }
    });
    await until('200 messages', async () => (await texts(ben, 'row ')).length >= 200, { ms: 15_000 });
    const order = (await texts(ben, 'row ')).map((text) => Number(text.slice(4)));
    assertEqual(order.length, 200, 'messages');
    assert(order.every((value, index) => value === index), `out of order: ${order}`);
  });

  await suite.test('a large text arrives whole as a stream of chunks', async () => {
    const [ann, ben] = await trio();
    const text = 'a long line, ünïcode too; '.repeat(4000);
    await ben.run((person) => {
      person.room.registerTextStreamHandler('long', async (reader) => {
        person.long = await reader.readAll();
      });
    });
    await ann.run((person, text) => person.room.localParticipant.sendText(text, { topic: 'long' }).then(() => {}), text);
    const length = await until('the text arrives', () => ben.run((person) => person.long?.length), { ms: 15_000 });
    assertEqual(length, text.length, 'length');
    assert(await ben.run((person, text) => person.long === text, text), 'the text differs');
  });

  await suite.test('data blobs are refused unless the configuration allows them', async () => {
    const [ann] = await trio();
    const key = { key: { case: 'generic', value: 'card' } };
    await ann.request('storeDataBlobRequest', { requestId: 7001, blob: { key } });
    await ann.request('getDataBlobRequest', { requestId: 7002, participantIdentity: ann.identity, key });
    for (const id of [7001, 7002]) {
      assertEqual((await ann.signal('requestResponse', { where: ({ requestId }) => requestId === id })).reason, 'NOT_ALLOWED', 'reason');
    }
  });
}
