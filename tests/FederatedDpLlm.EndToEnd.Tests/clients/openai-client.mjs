// The official client, unchanged, against the router: node openai-client.mjs URL TOKEN SCENARIO. Prints one line of JSON.
import OpenAI from 'openai';

const [url, token, scenario] = process.argv.slice(2);
let sent = 0;
const client = new OpenAI({
  baseURL: `${url}/v1`,
  apiKey: token,
  fetch: (...request) => { sent++; return fetch(...request); },
});
const model = (await (scenario === 'wrong-token' ? { list: async () => ({ data: [{ id: 'ward-2m' }] }) } : client.models).list()).data[0].id;
sent = 0;
const messages = [{ role: 'user', content: 'Which department sees most patients with chest pain?' }];
const choices = ['emergency', 'cardiology', 'radiology', 'general'];

async function refused(body) {
  try {
    await client.chat.completions.create(body);
    return { refused: false };
  } catch (error) {
    return { refused: true, name: error.constructor.name, status: error.status, code: error.code, message: error.message, retryAfter: error.headers?.get('retry-after'), sent };
  }
}

const scenarios = {
  models: async () => ({ model }),
  chat: async () => {
    const answer = await client.chat.completions.create({ model, messages, privacy: { epsilon: 0.5, choices } });
    return { content: answer.choices[0].message.content, finish: answer.choices[0].finish_reason, privacy: answer.privacy };
  },
  stream: async () => {
    const stream = await client.chat.completions.create({ model, messages, max_tokens: 6, stream: true, privacy: { epsilon: 0.5 } });
    let text = '';
    let chunks = 0;
    let last;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      chunks++;
      last = chunk;
    }
    return { characters: text.length, chunks, finish: last.choices[0]?.finish_reason, privacy: last.privacy };
  },
  form: async () => {
    const schema = {
      type: 'object', additionalProperties: false, required: ['department', 'urgent'],
      properties: { department: { type: 'string', enum: choices }, urgent: { type: 'boolean' } },
    };
    const ask = seed => client.chat.completions.create({
      model, messages, max_tokens: 64, seed, temperature: 1.5, privacy: { mechanism: 'public' },
      response_format: { type: 'json_schema', json_schema: { name: 'triage', strict: true, schema } },
    });
    const [answer, again] = [await ask(5), await ask(5)];
    return { read: JSON.parse(answer.choices[0].message.content), same: answer.choices[0].message.content === again.choices[0].message.content, finish: answer.choices[0].finish_reason };
  },
  'form-with-noise': () => refused({ model, messages, privacy: { epsilon: 0.5 }, response_format: { type: 'json_object' } }),
  exhausted: () => refused({ model, messages, privacy: { epsilon: 30, choices } }),
  'wrong-token': () => refused({ model, messages, privacy: { epsilon: 0.5, choices } }),
};
console.log(JSON.stringify(await scenarios[scenario]()));
