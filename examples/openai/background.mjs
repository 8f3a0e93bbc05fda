// A run that outlives its page, with OpenAI's client: start it, read a part of it, leave, come back.
// npm install openai && outlive serve & node background.mjs
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:4600/openai/v1',
  apiKey: process.env.OUTLIVE_KEY ?? 'none', // a key of `outlive keys`; any word where the server is open
});
const ENDS = ['response.completed', 'response.failed', 'response.incomplete'];

// The key makes a repeat of this request the same run, also when the client repeats it by itself.
const { id } = await client.responses.create(
  { model: process.env.MODEL ?? 'demo', input: 'Hello', background: true },
  { headers: { 'Idempotency-Key': crypto.randomUUID() } },
);

// What a page keeps over a reload (for example in sessionStorage): the id, and the number of the last event that it has.
let cursor;

/** Follows the response to its end, over lost connections. `leave` ends it early, as a closed page does. */
async function follow(show, leave = () => false) {
  for (;;) {
    try {
      const stream = await client.responses.retrieve(id, { stream: true, starting_after: cursor });
      for await (const event of stream) {
        cursor = event.sequence_number;
        if (event.type === 'response.output_text.delta') show(event.delta);
        if (ENDS.includes(event.type)) return event.response;
        if (leave(event)) return null;
      }
    } catch (error) {
      if (error.status) throw error; // an answer of the server, no lost connection
    }
    await new Promise((again) => setTimeout(again, 1000));
  }
}

let shown = '';
const show = (text) => (shown += text);
await follow(show, () => shown.length > 20); // the page is closed
const response = await follow(show); // and opened again
console.log(shown);
console.log(response.status);

// Only this ends a run early:
// await client.responses.cancel(id);
