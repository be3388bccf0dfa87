// Holds src/proto against the protocol as published: every name, number, type, label and oneof.
//
//   node compare.mjs [DESCRIPTORS]
//
// DESCRIPTORS is a FileDescriptorSet (build target weir_descriptors); without it, protoc is run on src/proto.
// Everything that we define must be there and equal. What a client or an API caller can send or be sent must be
// complete as well; of the rest (recording, telephone calls) we may leave out messages, not change them.
import {FileDescriptorSet, FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type, proto3, ScalarType}
  from '@bufbuild/protobuf';
import * as published from '@livekit/protocol';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const kCompleteFrom = [
  'SignalRequest', 'SignalResponse', 'WrappedJoinRequest', 'JoinRequest', 'DataPacket', 'EncryptedPacketPayload',
  'DataTrackExtensionParticipantSid', 'DataTrackExtensionID', 'RoomConfiguration', 'WebhookEvent',
  // RoomService
  'CreateRoomRequest', 'Room', 'ListRoomsRequest', 'ListRoomsResponse', 'DeleteRoomRequest', 'DeleteRoomResponse',
  'ListParticipantsRequest', 'ListParticipantsResponse', 'RoomParticipantIdentity', 'ParticipantInfo',
  'RemoveParticipantResponse', 'MuteRoomTrackRequest', 'MuteRoomTrackResponse', 'UpdateParticipantRequest',
  'UpdateSubscriptionsRequest', 'UpdateSubscriptionsResponse', 'SendDataRequest', 'SendDataResponse',
  'UpdateRoomMetadataRequest', 'ForwardParticipantRequest', 'ForwardParticipantResponse', 'MoveParticipantRequest',
  'MoveParticipantResponse', 'PerformRpcRequest', 'PerformRpcResponse',
  // AgentDispatchService and the workers' socket
  'CreateAgentDispatchRequest', 'DeleteAgentDispatchRequest', 'ListAgentDispatchRequest', 'ListAgentDispatchResponse',
  'AgentDispatch', 'WorkerMessage', 'ServerMessage',
].map((name) => `livekit.${name}`);

// ---- Both sides in one shape: type name -> {kind, entries: name -> text of everything that must agree}.

function ourFile() {
  if (process.argv[2]) {
    return readFileSync(process.argv[2]);
  }
  const source = join(dirname(fileURLToPath(import.meta.url)), '../../src');
  const folder = mkdtempSync(join(tmpdir(), 'weir-proto-'));
  try {
    const out = join(folder, 'descriptors');
    const files = readdirSync(join(source, 'proto')).filter((name) => name.endsWith('.proto'));
    execFileSync('protoc', [`-I${source}`, '--include_imports', `--descriptor_set_out=${out}`,
      ...files.map((name) => `proto/${name}`)], {stdio: 'inherit'});
    return readFileSync(out);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

const withoutDot = (name) => name.replace(/^\./, '');

function ourTypes(bytes) {
  const types = new Map();
  const addEnum = (prefix, type) => {
    types.set(`${prefix}.${type.name}`,
      {kind: 'enum', entries: new Map(type.value.map((value) => [value.name, `${value.number}`]))});
  };
  const describe = (message, field) => {
    const entry = field.type === Type.MESSAGE &&
      message.nestedType.find((nested) => nested.options?.mapEntry && field.typeName.endsWith(`.${nested.name}`));
    const name = (f) => f.typeName ? withoutDot(f.typeName) : Type[f.type].toLowerCase();
    const type = entry ? `map<${name(entry.field[0])}, ${name(entry.field[1])}>` : name(field);
    const oneof = field.oneofIndex !== undefined && !field.proto3Optional ? message.oneofDecl[field.oneofIndex].name : '';
    const label = entry ? '' : field.label === Label.REPEATED ? 'repeated' : field.proto3Optional ? 'optional' : '';
    return `${field.number} ${label} ${type} oneof=${oneof} json=${field.jsonName}`;
  };
  const addMessage = (prefix, message) => {
    const full = `${prefix}.${message.name}`;
    types.set(full, {kind: 'message', entries: new Map(message.field.map((f) => [f.name, describe(message, f)]))});
    message.enumType.forEach((type) => addEnum(full, type));
    message.nestedType.filter((nested) => !nested.options?.mapEntry).forEach((nested) => addMessage(full, nested));
  };
  for (const file of FileDescriptorSet.fromBinary(bytes).file) {
    if (file.package === 'livekit') {
      file.messageType.forEach((message) => addMessage('livekit', message));
      file.enumType.forEach((type) => addEnum('livekit', type));
    }
  }
  return types;
}

function publishedTypes() {
  const types = new Map();
  const references = new Map();
  const name = (kind, type) => kind === 'scalar' ? ScalarType[type].toLowerCase() : type.typeName;
  const addEnum = (type) => types.set(type.typeName,
    {kind: 'enum', entries: new Map(type.values.map((value) => [value.name, `${value.no}`]))});
  const addMessage = (message) => {
    const entries = new Map();
    const refers = [];
    for (const field of message.fields.list()) {
      const isMap = field.kind === 'map';
      const target = isMap ? field.V : field;
      if (target.kind !== 'scalar') {
        refers.push(target.T.typeName);
        if (target.kind === 'enum') {
          addEnum(target.T);
        } else if (target.T.typeName.startsWith('livekit.') && !types.has(target.T.typeName)) {
          types.set(target.T.typeName, null);  // Breaks the cycle of recursive messages.
          addMessage(target.T);
        }
      }
      const type = isMap ? `map<${name('scalar', field.K)}, ${name(field.V.kind, field.V.T)}>` : name(field.kind, field.T);
      const label = field.repeated ? 'repeated' : field.opt ? 'optional' : '';
      const oneof = field.oneof?.name ?? '';
      entries.set(field.name, `${field.no} ${label} ${type} oneof=${oneof} json=${field.jsonName}`);
    }
    types.set(message.typeName, {kind: 'message', entries});
    references.set(message.typeName, refers);
  };
  for (const value of Object.values(published)) {
    if (value?.typeName && value.fields) {
      addMessage(value);
    } else if (value && typeof value === 'object') {
      try {
        addEnum(proto3.getEnumType(value));
      } catch {
        // Not an enum of the protocol.
      }
    }
  }
  return {types, references};
}

// ---- The comparison.

let passed = 0;
let failed = 0;
function check(good, message) {
  if (good) {
    ++passed;
  } else {
    ++failed;
    console.log(`FAIL ${message}`);
  }
}

const ours = ourTypes(ourFile());
const {types: theirs, references} = publishedTypes();

for (const [name, type] of ours) {
  const other = theirs.get(name);
  check(other?.kind === type.kind, `${name}: ${type.kind} here, ${other?.kind ?? 'nothing'} in the protocol`);
  for (const [entry, text] of type.entries) {
    const expected = other?.entries.get(entry);
    check(text === expected, `${name}.${entry}: "${text}" here, "${expected}" in the protocol`);
  }
}

const complete = new Set();
const visit = (name) => {
  if (name.startsWith('livekit.') && !complete.has(name)) {
    complete.add(name);
    (references.get(name) ?? []).forEach(visit);
  }
};
kCompleteFrom.forEach(visit);
for (const name of complete) {
  const type = theirs.get(name);
  check(type !== undefined, `${name}: not in the protocol`);
  check(ours.has(name), `${name}: missing here`);
  for (const entry of type?.entries.keys() ?? []) {
    check(ours.get(name)?.entries.has(entry), `${name}.${entry}: missing here`);
  }
}

console.log(`${passed} passed, ${failed} failed (${ours.size} types here, ${complete.size} of them required complete)`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
