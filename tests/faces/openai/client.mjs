// The cases of crates/cli/tests/it/openai.rs with OpenAI's client for JavaScript: one argument names the case, the server
// is in OPENAI_BASE_URL. Prints what arrived as JSON.
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const client = new OpenAI({ apiKey: 'none', maxRetries: 2 });
const { responses } = client;

/** The events of a stream; `until` ends it early, as a page does that is closed. */
async function events(stream, until = () => false) {
  const seen = [];
  for await (const event of stream) {
    seen.push(event);
    if (until(seen)) break;
  }
  return seen;
}

const deltas = (seen) =>
  seen.filter((it) => it.type === 'response.output_text.delta').map((it) => it.delta).join('');
const last = (seen) => seen.at(-1).sequence_number;

const weather = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

/** A client that keeps its cursor, and goes on wherever its stream was cut. */
async function follow(id, begun) {
  const seen = [];
  const ends = ['response.completed', 'response.failed', 'response.incomplete'];
  while (!ends.includes(seen.at(-1)?.type)) {
    try {
      const stream = await responses.retrieve(id, { stream: true, starting_after: seen.at(-1)?.sequence_number });
      for await (const event of stream) {
        seen.push(event);
        begun(seen);
      }
    } catch (error) {
      if (error.status) throw error;
    }
  }
  return { events: seen, response: seen.at(-1).response };
}

const cases = {
  async full() {
    const seen = await events(await responses.create({ model: 'full', input: 'Hi', stream: true }));
    const response = seen.at(-1).response;
    const retrieved = await responses.retrieve(response.id);
    return { events: seen, response, retrieved };
  },

  async helper() {
    const stream = responses.stream({ model: 'full', input: 'Hi' });
    const seen = await events(stream);
    return { events: seen, response: await stream.finalResponse() };
  },

  async waits() {
    const response = await responses.create({ model: 'full', input: 'Hi' });
    return { response, text: response.output_text };
  },

  async resumed() {
    const created = await responses.create({ model: 'slow', input: 'Hi', background: true });
    const { id } = created;
    const first = await events(await responses.retrieve(id, { stream: true }), (seen) => deltas(seen) !== '' && seen.length > 8);
    const rest = await events(await responses.retrieve(id, { stream: true, starting_after: last(first) }));
    const helper = responses.stream({ response_id: id, starting_after: last(first) });
    const helped = await events(helper);
    return { created, first, rest, helped, response: await helper.finalResponse() };
  },

  async ended() {
    const { id } = await responses.create({ model: 'full', input: 'Hi' });
    const whole = await events(await responses.retrieve(id, { stream: true }));
    const behind = await events(await responses.retrieve(id, { stream: true, starting_after: last(whole) }));
    const items = [];
    for await (const item of responses.inputItems.list(id, { limit: 1 })) items.push(item);
    await responses.delete(id);
    const gone = await responses.retrieve(id).catch((error) => error);
    return { whole, behind, items, response: whole.at(-1).response, gone: { status: gone.status, code: gone.code } };
  },

  async tabs() {
    const { id } = await responses.create({ model: 'slow', input: 'Hi', background: true });
    const tab = async () => events(await responses.retrieve(id, { stream: true }));
    const [one, two] = await Promise.all([tab(), tab()]);
    return { one, two, response: one.at(-1).response };
  },

  async cancelled() {
    const stream = await responses.create({ model: 'stuck', input: 'Hi', background: true, stream: true });
    const seen = await events(stream, (all) => deltas(all) === 'Wait');
    const { id } = seen[0].response;
    const response = await responses.cancel(id);
    const again = await responses.cancel(id);
    const rest = await events(await responses.retrieve(id, { stream: true, starting_after: last(seen) }));
    return { response, again, rest };
  },

  async approved() {
    const first = await responses.create({ model: 'ask', input: 'Hi' });
    const approval = first.output.find((it) => it.type === 'mcp_approval_request');
    const second = await responses.create({
      model: 'ask',
      previous_response_id: first.id,
      input: [{ type: 'mcp_approval_response', approval_request_id: approval.id, approve: true }],
    });
    const question = second.output.find((it) => it.type === 'function_call');
    const third = await responses.create({
      model: 'ask',
      previous_response_id: second.id,
      input: [{ type: 'function_call_output', call_id: question.call_id, output: 'red' }],
    });
    return { first, second, third };
  },

  async functions() {
    const ask = { model: 'stub/m', tools: [weather], instructions: 'Answer in one word.' };
    const stream = responses.stream({ ...ask, input: 'Weather in Bern?' });
    const seen = await events(stream);
    const first = await stream.finalResponse();
    const call = first.output.find((it) => it.type === 'function_call');
    const output = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
    const second = await responses.create({ ...ask, previous_response_id: first.id, input: [output] });
    // The same again is the same response, not another answer.
    const again = await responses.create({ ...ask, previous_response_id: first.id, input: [output] });
    const third = await responses.create({ ...ask, previous_response_id: second.id, input: 'Thanks' });
    return { events: seen, first, parsed: call.parsed_arguments, second, again, third };
  },

  async stateless() {
    const ask = { model: 'stub/m', tools: [weather], store: false };
    const input = [{ role: 'user', content: 'Weather in Bern?' }];
    const first = await responses.create({ ...ask, input });
    const call = first.output.find((it) => it.type === 'function_call');
    input.push(...first.output, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' });
    const second = await responses.create({ ...ask, input });
    return { first, second };
  },

  async structured() {
    const Plan = z.object({ name: z.string(), days: z.array(z.string()) });
    const ask = { model: 'stub/m', input: 'A plan', text: { format: zodTextFormat(Plan, 'plan') } };
    const response = await responses.parse(ask);
    const stream = responses.stream(ask);
    const streamed = await stream.finalResponse();
    return { response, parsed: response.output_parsed, streamed: streamed.output_parsed };
  },

  /** The vendor breaks off in the middle, and the message is said again. */
  async retried() {
    const Plan = z.object({ name: z.string() });
    const stream = responses.stream({ model: 'stub/m', input: 'Go', text: { format: zodTextFormat(Plan, 'plan') } });
    const live = await events(stream);
    const response = await stream.finalResponse();
    const replay = responses.stream({ response_id: response.id });
    const replayed = await events(replay);
    return { live, response, parsed: response.output_parsed, replayed, again: await replay.finalResponse() };
  },

  /** The server dies in the middle and comes back. */
  async killed() {
    const { id } = await responses.create({ model: 'slow', input: 'Hi', background: true });
    return follow(id, (seen) => {
      if (deltas(seen) !== '' && seen.length === 10) console.log('begun');
    });
  },

  /** Two tabs, each cut again and again. */
  async cuts() {
    const { id } = await responses.create({ model: 'mixed', input: 'Hi', background: true });
    let told = false;
    const begun = (seen) => {
      if (!told && deltas(seen) !== '') {
        told = true;
        console.log('begun');
      }
    };
    return Promise.all([follow(id, begun), follow(id, begun)]);
  },

  async failed() {
    const response = await responses.create({ model: 'bad', input: 'Hi' });
    const stream = responses.stream({ model: 'bad', input: 'Hi' });
    const streamed = await stream.finalResponse();
    const refused = await responses.create({ model: 'fulll', input: 'Hi' }).catch((error) => error);
    return {
      response,
      streamed,
      refused: { name: refused.constructor.name, status: refused.status, code: refused.code, param: refused.param },
    };
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: await client.models.retrieve('full') };
  },

  /** A run that was started elsewhere. */
  async elsewhere() {
    const id = `resp_${process.argv[3].replaceAll('-', '')}_1`;
    const seen = await events(responses.stream({ response_id: id }));
    return { events: seen, response: seen.at(-1).response };
  },
};

console.log(JSON.stringify(await cases[process.argv[2]]()));
