// Everything that people send each other beside media: chat, streams, calls, data tracks, and what becomes of a slow reader.
import { Apart } from '../lib/apart.mjs';
import { Native, RoomEvent } from '../lib/native.mjs';
import { Cast } from '../lib/person.mjs';
import { assert, assertEqual, until } from '../lib/suite.mjs';

const kChunk = 12_000, kFlood = 150;

const call = (person, to, method, payload) => person.run(async (p, [to, method, payload]) => {
  try {
    return { answer: await p.room.localParticipant.performRpc({ destinationIdentity: to, method, payload, responseTimeout: 8000 }) };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}, [to, method, payload]);

// Numbered messages of this size, as fast as the client takes them.
const flood = (person, tag, count, size) => person.run(async (p, [tag, count, size]) => {
  for (let i = 0; i < count; i++) {
    await p.room.localParticipant.publishData(new TextEncoder().encode(`${tag} ${i} ${'x'.repeat(size)}`), { reliable: true });
  }
}, [tag, count, size]);
const numbersOf = (texts, tag) => texts.filter((text) => text.startsWith(`${tag} `)).map((text) => Number(text.split(' ')[1]));

// livekit-client has no call for a transcription: its class of packets is taken from another call.
const forgeTranscription = (person, value) => person.run(async ({ room: { engine, localParticipant } }, value) => {
  const send = engine.sendDataPacket;
  let Packet;
  engine.sendDataPacket = async (packet) => {
    Packet = packet.constructor;
  };
  await localParticipant.publishDtmf(1, '1');
  engine.sendDataPacket = send;
  await engine.sendDataPacket(new Packet({ value: { case: 'transcription', value } }), 0);
}, value);
const inOrder = (numbers) => numbers.every((value, index) => index === 0 || value > numbers[index - 1]);
const numbersAt = async (person, tag) => numbersOf((await person.events('dataReceived')).map(({ values }) => values[0]), tag);

export async function messageTests(suite, lab, server, mode) {
  const cast = () => new Cast(suite, lab, server, mode);
  const title = (text) => `${text} (${mode})`;

  await suite.together([
    [title('a chat message arrives with its sender, and so does its correction'), async () => {
      const [ann, ben] = await cast().pair();
      await ben.run(async (person) => {
        const message = await person.room.localParticipant.sendChatMessage('hullo');
        await person.room.localParticipant.editChatMessage('hello', message);
      });
      const first = await ann.event('chatMessage', { where: ([message, who]) => message?.message === 'hullo' && who?.identity === ben.identity });
      const second = await ann.event('chatMessage', { where: ([message]) => message?.message === 'hello' });
      assertEqual(second.values[0].id, first.values[0].id, 'id of the corrected message');
    }],

    [title('a text stream arrives piece by piece, to those who are addressed'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const cleo = await scene.person('cleo');
      await ben.sees(cleo);
      for (const person of [ann, cleo]) {
        await person.run((p) => {
          p.pieces = [];
          p.room.registerTextStreamHandler('lk.chat', async (reader, from) => {
            p.stream = { from: from.identity, mood: reader.info.attributes?.mood };
            for await (const piece of reader) {
              p.pieces.push(piece);
            }
            p.ended = true;
          });
        });
      }
      await ben.run(async (person, to) => {
        const writer = await person.room.localParticipant.streamText({ topic: 'lk.chat', destinationIdentities: [to], attributes: { mood: 'slow' } });
        for (const piece of ['one ', 'two ', 'thrée']) {
          await writer.write(piece);
        }
        await writer.close();
      }, ann.identity);
      await until('the stream ends', () => ann.run((person) => person.ended));
      assertEqual(await ann.run((person) => person.pieces.join('')), 'one two thrée', 'text');
      const stream = await ann.run((person) => person.stream);
      assert(stream.from === ben.identity && stream.mood === 'slow', JSON.stringify(stream));
      assertEqual(await cleo.run((person) => person.pieces.length), 0, 'pieces at one who was not addressed');
    }],

    [title('a file of 400 kB arrives byte by byte as it was'), async () => {
      const [ann, ben] = await cast().pair();
      await ann.run((person) => person.room.registerByteStreamHandler('file', async (reader) => {
        const bytes = await new Blob(await reader.readAll()).arrayBuffer();
        const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        person.file = { name: reader.info.name, size: bytes.byteLength, hash: [...hash].join() };
      }));
      const sent = await ben.run(async (person) => {
        const bytes = new Uint8Array(400_000);
        for (let at = 0; at < bytes.length; at += 50_000) {
          crypto.getRandomValues(bytes.subarray(at, at + 50_000));
        }
        await person.room.localParticipant.sendFile(new File([bytes], 'noise.bin'), { topic: 'file', mimeType: 'application/octet-stream' });
        return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join();
      });
      const file = await until('the file arrives', () => ann.run((person) => person.file), { ms: 20_000 });
      assertEqual(file.size, 400_000, 'size');
      assertEqual(file.name, 'noise.bin', 'name');
      assertEqual(file.hash, sent, 'hash');
    }],

    [title('participants call each other: answers, errors, long payloads, an unknown method, nobody there'), async () => {
      const [ann, ben] = await cast().pair();
      await ben.run((person) => {
        person.room.registerRpcMethod('echo', async (data) => `${data.callerIdentity}|${data.payload}`);
        person.room.registerRpcMethod('boom', async () => {
          throw new person.LiveKit.RpcError(1601, 'broken');
        });
      });
      assertEqual((await call(ann, ben.identity, 'echo', 'hé')).answer, `${ann.identity}|hé`, 'answer');
      const long = 'z'.repeat(kChunk);
      assertEqual((await call(ann, ben.identity, 'echo', long)).answer, `${ann.identity}|${long}`, 'a long answer');
      assertEqual((await call(ann, ben.identity, 'nothing', '')).code, 1400, 'code of an unknown method');
      assertEqual((await call(ann, ben.identity, 'boom', '')).code, 1601, 'code of the method\'s own error');
      assert([1401, 1501].includes((await call(ann, 'nobody', 'echo', '')).code), 'code for one who is not there');
    }],

    [title('the server calls a participant: its answer, its error, an unknown method, nobody there'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      await ben.run((person) => {
        person.room.registerRpcMethod('sum', async (data) => String(JSON.parse(data.payload).reduce((a, b) => a + b)));
        person.room.registerRpcMethod('boom', async () => {
          throw new person.LiveKit.RpcError(1601, 'broken');
        });
      });
      const ask = (identity, method, payload = '') => server.twirp('RoomService/PerformRpc', { room: scene.room, destination_identity: identity, method, payload, response_timeout_ms: 8000 }, { roomAdmin: true, room: scene.room });
      assertEqual((await ask(ben.identity, 'sum', '[1,2,39]')).payload, '42', 'answer');
      const problems = [await ask(ben.identity, 'boom'), await ask(ben.identity, 'nothing'), await ask('nobody', 'sum')];
      assert(problems.every(({ status }) => status >= 400 && status < 600), JSON.stringify(problems));
      assert(problems[0].msg.includes('broken') || JSON.stringify(problems[0].meta ?? {}).includes('1601'), `the method's own error: ${JSON.stringify(problems[0])}`);
      assertEqual((await server.twirp('RoomService/PerformRpc', { room: scene.room, destination_identity: ben.identity, method: 'sum', payload: '[1]' }, { roomJoin: true, room: scene.room })).status, 401, 'status without the right');
      assertEqual((await ann.events('dataReceived')).length, 0, 'what others see of it');
      return problems.map(({ status, code, msg }) => [status, code, msg]);
    }],

    [title('dialled tones and an agent\'s transcription arrive; that of somebody else does not'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const agent = new Native(server, `agent-${scene.room}`);
      suite.onTestEnd(() => agent.leave());
      await agent.join(scene.room, { mode, kind: 'agent' });
      await Promise.all([ann.sees({ id: agent.id, identity: agent.id }), agent.sees(ben)]);
      await ben.run((person) => person.room.localParticipant.publishDtmf(11, '#'));
      await Promise.all([
        ann.event('sipDTMFReceived', { where: ([tone, who]) => tone?.code === 11 && tone.digit === '#' && who?.identity === ben.identity }),
        agent.event(RoomEvent.DtmfReceived, { where: (code, digit) => code === 11 && digit === '#' }),
      ]);
      const { sid } = await ben.microphone();
      await until('the microphone is listed', () => ann.trackOf(ben, 'microphone'));
      const say = (text) => ({ participantIdentity: ben.identity, trackSid: sid, segments: [{ id: text, text, startTime: 0n, endTime: 0n, language: 'en', final: true }] });
      await forgeTranscription(ben, { transcribedParticipantIdentity: ben.identity, trackId: sid, segments: [{ id: 'forged', text: 'forged', final: true }] });
      await flood(ben, 'marker', 1, 1);
      await until('what was sent after the forged one arrives', async () => (await numbersAt(ann, 'marker')).length);
      await agent.local.publishTranscription(say('spoken'));
      await ann.event('transcriptionReceived', { where: ([segments]) => segments?.[0]?.text === 'spoken' });
      assert(!(await ann.events('transcriptionReceived')).some(({ values }) => values[0]?.[0]?.text === 'forged'), 'a transcription of one who is no agent arrived');
    }],

    [title('a data track carries frames to those who subscribe, and ends'), async () => {
      const scene = cast();
      const [ann, ben] = await scene.pair();
      const cleo = await scene.person('cleo');
      await ben.run(async (person) => {
        person.track = await person.room.localParticipant.publishDataTrack({ name: 'sensor' });
      });
      await Promise.all([ann, cleo].map((person) => person.event('dataTrackPublished', { where: ([track]) => track?.name === 'sensor' })));
      await ann.run((person, from) => {
        const track = [...person.room.remoteParticipants.get(from).dataTracks.values()].find(({ info }) => info.name === 'sensor');
        person.frames = [];
        (async () => {
          for await (const { payload } of track.subscribe()) {
            person.frames.push([payload.length, new DataView(payload.buffer, payload.byteOffset).getUint16(0)]);
          }
        })();
      }, ben.identity);
      // A frame is lossy, and those before the subscription are nobody's.
      await ben.run((person) => {
        let count = 0;
        const timer = setInterval(() => {
          const payload = new Uint8Array(3000).fill(count % 250);
          new DataView(payload.buffer).setUint16(0, count++);
          person.sent = count;
          person.track.tryPush({ payload }).catch(() => clearInterval(timer));
        }, 25);
      });
      await until('20 frames arrive', () => ann.run((person) => person.frames.length >= 20), { ms: 20_000 });
      const [frames, sent] = await Promise.all([ann.run((person) => person.frames), ben.run((person) => person.sent)]);
      assert(frames.every(([length]) => length === 3000), `lengths ${[...new Set(frames.map(([length]) => length))]}`);
      assert(inOrder(frames.map(([, number]) => number)), `out of order: ${frames.map(([, number]) => number)}`);
      const refusal = await ben.run((person) => person.room.localParticipant.publishDataTrack({ name: 'sensor' }).then(() => null, (error) => error.message));
      assert(refusal, 'a second data track of the same name was published');
      await ben.run((person) => person.track.unpublish().then(() => {}));
      await ann.event('dataTrackUnpublished');
      return { frames: frames.length, sent, refusal };
    }],

    [title('data blobs are kept with their participant, up to their limits'), async () => {
      const [ann, ben] = await cast().pair();
      let id = 100;
      const ask = async (person, name, value, ms) => {
        const requestId = ++id;
        await person.request(name, { requestId, ...value });
        return until(`${person.id} gets an answer to ${name}`, async () => (await person.signals()).find((signal) => signal.value?.requestId === requestId), { ms });
      };
      const key = (generic) => ({ key: { case: 'generic', value: generic } });
      const store = (person, name, size) => person.run((p, [name, size, requestId]) => p.room.engine.client.sendRequest({
        case: 'storeDataBlobRequest', value: { requestId, blob: { key: { key: { case: 'generic', value: name } }, contents: new Uint8Array(size).fill(7) } },
      }), [name, size, ++id]).then(() => until('an answer', async () => (await person.signals()).find((signal) => signal.value?.requestId === id)));
      assertEqual((await store(ben, 'card', 3000)).name, 'storeDataBlobResponse', 'answer to storing');
      const got = await ask(ann, 'getDataBlobRequest', { participantIdentity: ben.identity, key: key('card') });
      assertEqual(got.name, 'getDataBlobResponse', 'answer to reading');
      assertEqual(Buffer.from(got.value.blob.contents, 'base64').filter((byte) => byte === 7).length, 3000, 'bytes read');
      assertEqual((await store(ben, 'k'.repeat(300), 1)).value.reason, 'INVALID_REQUEST', 'a long key');
      assertEqual((await store(ben, 'more', 3000)).value.reason, 'LIMIT_EXCEEDED', 'too much in all');
      assertEqual((await ask(ann, 'getDataBlobRequest', { participantIdentity: ben.identity, key: key('none') })).value.reason, 'NOT_FOUND', 'an unknown key');
      assertEqual((await ask(ann, 'getDataBlobRequest', { participantIdentity: 'nobody', key: key('card') })).value.reason, 'NOT_FOUND', 'an unknown participant');
    }],
  ], { ms: 60_000 });

  await suite.test(title('large messages both ways at once arrive whole and in order'), async () => {
    const [ann, ben] = await cast().pair();
    await Promise.all([flood(ann, 'up', 60, kChunk), flood(ben, 'down', 60, kChunk)]);
    for (const [person, tag] of [[ann, 'down'], [ben, 'up']]) {
      const numbers = await until(`60 messages at ${person.id}`, async () => {
        const seen = await numbersAt(person, tag);
        return seen.length >= 60 && seen;
      }, { ms: 20_000 });
      assert(numbers.length === 60 && inOrder(numbers), `at ${person.id}: ${numbers}`);
    }
  });

  await suite.test(title('a reader who stops reading delays nobody, and reads on when it goes on'), async () => {
    const scene = cast();
    const [ann, ben] = await scene.pair({ microphone: true });
    const slow = new Apart(suite, server, `slow-${scene.room}`);
    await slow.join(scene.room, { mode });
    await ben.sees(slow);
    await flood(ben, 'before', 1, 10);
    await until('the slow one reads', () => slow.texts.some((text) => text.startsWith('before ')), { ms: 10_000 });
    slow.freeze();
    const start = Date.now();
    await flood(ben, 'flood', kFlood, kChunk);
    const numbers = await until(`${kFlood} messages`, async () => {
      const seen = await numbersAt(ann, 'flood');
      return seen.length >= kFlood && seen;
    }, { ms: 20_000 });
    const took = Date.now() - start;
    assert(inOrder(numbers), 'out of order');
    await ann.hears(ben);
    slow.thaw();
    await until('the slow one reads on', async () => {
      await flood(ben, 'after', 1, 10);
      return slow.texts.some((text) => text.startsWith('after '));
    }, { ms: 20_000, every: 500 });
    const late = numbersOf(slow.texts, 'flood');
    assert(inOrder(late), `the slow one read out of order: ${late}`);
    return { tookMs: took, slowGot: late.length };
  }, { ms: 90_000 });
}
